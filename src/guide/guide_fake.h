// For tests: a small provider, and facts that a test sets by hand.
#pragma once

#include "guide/guide.h"

#include <map>
#include <optional>
#include <string>

namespace sekisho::guide::fake {

inline config::Config small_provider() {
    config::Config config;
    config.provider.name = "Tokai <Net> & Sons";
    config.provider.name_ja = "とうかい<ネット>";
    config.provider.domain = "tokai.example";
    config.provider.support_mail = "support@tokai.example";
    config.provider.support_phone = "0120-000-000";
    config.provider.support_hours = "9:00-17:00";
    config.provider.guide_url = "https://mail-guide.tokai.example";
    config.mail.domains = {"tokai.example", "second.example"};
    config.settings.outgoing_host = "smtp.tokai.example";
    config.settings.incoming_host = "imap.tokai.example";
    return config;
}

class FakeFacts : public Facts {
  public:
    Standing here;
    std::map<std::string, Standing, std::less<>> classes;
    Result<OwnLine> line = OwnLine{};
    std::optional<Time> refused;
    std::string claim_code = "abcd-efgh";
    Result<SendAsClaim> claim = SendAsClaim{"taro@example.net", "taro@corp.example.com"};
    bool proven = false;

    Standing standing(const IpAddress& /*address*/) override { return here; }
    std::optional<Standing> class_standing(std::string_view name) override {
        const auto found = classes.find(name);
        return found == classes.end() ? std::nullopt : std::optional{found->second};
    }
    Result<OwnLine> own_line(const IpAddress& /*address*/, Time /*now*/) override { return line; }
    std::optional<Time> refused_at(
        std::string_view /*reference*/, const IpAddress& /*address*/
    ) override {
        return refused;
    }
    Result<SendAsClaim> send_as_claim(std::string_view code) override {
        return code == claim_code ? claim : fail(Errc::NotFound, "no address waits for this code");
    }
    Result<SendAsClaim> prove_send_as(std::string_view code) override {
        auto found = send_as_claim(code);
        proven = found.has_value();
        return found;
    }
};

inline Standing standing(
    std::string name, policy::Action declared, policy::Stage stage = policy::Stage::Enforce
) {
    Standing result;
    result.outside = name == "outside";
    result.class_name = std::move(name);
    result.to_others = Port25{.declared = declared, .stage = stage, .note = ""};
    return result;
}

inline GuideRequest get(std::string path) {
    GuideRequest request;
    request.method = "GET";
    request.path = std::move(path);
    request.peer = IpAddress::parse("192.0.2.7").value();
    request.now = parse_rfc3339("2026-11-24T13:53:24Z").value();
    request.utc_offset_minutes = 540;
    return request;
}

inline std::string header(const GuideResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) {
            return value;
        }
    }
    return "";
}

}  // namespace sekisho::guide::fake

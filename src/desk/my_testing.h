// For the tests of the subscriber's own page: a desk over stores in memory, and a browser that
// keeps cookies.
#pragma once

#include "account/password.h"
#include "config/config.h"
#include "desk/desk.h"
#include "desk/desk_fake.h"
#include "exemption/memory_store.h"
#include "guide/view.h"
#include "lease/memory_store.h"
#include "net/http.h"
#include "session/session.h"
#include "staff/memory_store.h"

#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::desk::test {

inline const std::string kTaro = "taro@tokai.example";
inline const std::string kPassword = "correct horse";

inline std::map<std::string, std::string> fields(const std::string& body) {
    std::map<std::string, std::string> out;
    const std::string mark = "name=\"form\" value=\"";
    if (const auto at = body.find(mark); at != std::string::npos) {
        const auto from = at + mark.size();
        out["form"] = body.substr(from, body.find('"', from) - from);
    }
    return out;
}

inline std::string header(const net::HttpResponse& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) {
            return value;
        }
    }
    return "";
}

class MyPageTest : public testing::Test {
  protected:
    void SetUp() override {
        config_.provider.domain = "tokai.example";
        config_.provider.guide_url = "https://guide.tokai.example";
        fake::fill_world(accounts_, lines_, journal_, now_);
        accounts_.accounts.front().credential =
            account::make_credential(kPassword, account::kTestHash).value();
        make();
    }

    void make() {
        desk_ = std::make_unique<Desk>(Deps{
            .config = config_,
            .policy = policy::Policy::compile(fake::sample_policy()).value(),
            .accounts = accounts_,
            .lines = lines_,
            .journal = journal_,
            .leases = leases_,
            .staff = staff_,
            .control = [this](
                           const std::string&, const std::string& request
                       ) { return mail(nlohmann::json::parse(request)); },
            .sessions = &sessions_,
            .requests = &requests_,
            .sign_in_wait = Duration{0},
            .clock = [this] { return now_; },
            .offset_minutes = [] { return 540; }
        });
    }

    Result<std::string> mail(const nlohmann::json& asked) {
        if (!verdict_) {
            return fail(Errc::Unavailable, "the mail role is away");
        }
        if (asked.value("command", "") == "conduct-show") {
            return nlohmann::json{
                {"stage", stage_}, {"since", rfc3339(stage_since_)}, {"reason", reason_}
            }.dump();
        }
        asked_logins_ += asked.value("command", "") == "login-check" ? 1 : 0;
        const auto found = accounts_.find(asked.value("login", ""));
        const bool right =
            found && account::verify_password(found->credential.hash, asked.value("password", ""));
        return nlohmann::json{
            {"verdict", right ? "right" : *verdict_}, {"login", asked.value("login", "")}
        }.dump();
    }

    net::HttpResponse send(net::HttpRequest request) {
        request.peer = IpAddress::parse(peer_).value();
        std::string cookies = "other=1";
        for (const auto& [name, value] : jar_) {
            cookies += "; " + name + "=" + value;
        }
        request.headers["cookie"] = cookies;
        net::HttpResponse response = desk_->handle(request);
        for (const auto& [name, value] : response.headers) {
            if (name == "Set-Cookie") {
                const auto equals = value.find('=');
                const std::string kept = value.substr(equals + 1, value.find(';') - equals - 1);
                if (kept.empty()) {
                    jar_.erase(value.substr(0, equals));
                } else {
                    jar_[value.substr(0, equals)] = kept;
                }
                cookie_ = value;
            }
        }
        return response;
    }
    net::HttpResponse get(const std::string& path, std::map<std::string, std::string> query = {}) {
        net::HttpRequest request;
        request.method = "GET";
        request.path = path;
        request.query = std::move(query);
        return send(std::move(request));
    }
    net::HttpResponse post(const std::string& path, std::map<std::string, std::string> form) {
        net::HttpRequest request;
        request.method = "POST";
        request.path = path;
        request.headers["content-type"] = "application/x-www-form-urlencoded";
        for (const auto& [name, value] : form) {
            request.body += (request.body.empty() ? "" : "&") + guide::encode_query(name) + "=" +
                            guide::encode_query(value);
        }
        return send(std::move(request));
    }
    net::HttpResponse sign_in(const std::string& password = kPassword) {
        auto form = fields(get("/en/my").body);
        form["login"] = kTaro;
        form["password"] = password;
        return post("/en/my/sign-in", form);
    }
    net::HttpResponse act(
        const std::string& page, const std::string& action, std::map<std::string, std::string> more
    ) {
        auto form = fields(get("/en/my" + page).body);
        form.merge(more);
        return post("/en/my" + action, form);
    }
    [[nodiscard]] bool is_in() { return get("/en/my").body.find(kTaro) != std::string::npos; }
    [[nodiscard]] account::Account taro() { return accounts_.find(kTaro).value(); }

    config::Config config_;
    Time now_ = parse_rfc3339("2026-11-24T13:53:24Z").value();
    fake::MemoryAccounts accounts_;
    fake::MemoryLines lines_;
    fake::MemoryJournal journal_;
    fake::MemorySessions sessions_;
    lease::MemoryLeaseStore leases_;
    staff::MemoryStore staff_;
    exemption::MemoryRequestStore requests_;
    std::optional<std::string> verdict_ = "wrong";
    std::string peer_ = "198.51.100.7";
    std::string stage_ = "normal";
    std::string reason_;
    int asked_logins_ = 0;
    Time stage_since_ = now_ - std::chrono::hours(1);
    std::map<std::string, std::string> jar_;
    std::string cookie_;
    std::unique_ptr<Desk> desk_;
};

}  // namespace sekisho::desk::test

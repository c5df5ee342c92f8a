#include "feed/record.h"

#include "account/digest.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::feed {

using nlohmann::json;

namespace {

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

json json_of(const event::Event& event) {
    json out{{"id", event.id}, {"at", rfc3339(event.at)}, {"kind", event::name(event.kind)}};
    const auto put = [&out](const char* key, const std::string& value) {
        if (!value.empty()) {
            out[key] = value;
        }
    };
    put("address", event.address);
    put("line", event.line);
    put("account", event.account);
    put("queue_id", event.queue_id);
    put("message_id", event.message_id);
    put("sender", event.sender);
    put("recipient", event.recipient);
    put("rule", event.rule);
    out["count"] = event.count;
    put("detail", event.detail);
    put("reference", event.reference);
    if (event.octets > 0) {
        out["octets"] = event.octets;
    }
    return out;
}

std::string line_of(const event::Event& event) {
    return dump(json_of(event)) + "\n";
}

std::string body_of(const std::vector<event::Event>& events) {
    json array = json::array();
    for (const event::Event& one : events) {
        array.push_back(json_of(one));
    }
    return dump(array);
}

std::string signature(std::string_view key, Time at, std::string_view body) {
    const std::string seconds = std::to_string(to_ms(at) / 1000);
    const std::string signed_text = seconds + "." + std::string(body);
    return "t=" + seconds + ",v1=" + hex(account::hmac_sha256(key, signed_text));
}

Result<std::vector<event::Kind>> kinds_of(const std::vector<std::string>& names) {
    using event::Kind;
    if (names.empty()) {
        return std::vector<Kind>{
            Kind::Accepted,
            Kind::Delivered,
            Kind::Deferred,
            Kind::Bounced,
            Kind::Expired,
            Kind::Held,
            Kind::Released,
            Kind::Dropped,
        };
    }
    std::vector<Kind> kinds;
    for (const std::string& name : names) {
        const auto kind = event::parse_kind(name);
        if (!kind) {
            return fail(
                Errc::Invalid, "events.kinds: \"" + printable(name, 80) + "\" is no kind of event"
            );
        }
        kinds.push_back(*kind);
    }
    return kinds;
}

Duration wait_after(int failures, Duration first) {
    constexpr Duration kMax{300'000};
    constexpr int kDoublings = 20;
    return std::min(first * (std::int64_t{1} << std::clamp(failures - 1, 0, kDoublings)), kMax);
}

}  // namespace sekisho::feed

#include "desk/queue_api.h"

#include "base/bytes.h"
#include "base/result.h"
#include "desk/api.h"
#include "desk/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace sekisho::desk {
namespace {

constexpr std::array<std::string_view, 4> kQuestions = {"", "count", "stats", "suspensions"};
constexpr std::array<std::string_view, 7> kOrders = {
    "retry", "hold", "release", "drop", "reroute", "suspend", "resume"
};
constexpr std::array<std::string_view, 8> kTexts = {
    "account", "line", "sender", "recipient", "domain", "client", "older", "after"
};
constexpr std::int64_t kRowsMax = 10'000;

bool needs_reason(std::string_view what) {
    return what == "hold" || what == "drop" || what == "suspend";
}

}  // namespace

QueueCall queue_call(std::string_view what) {
    return {
        .reads = std::ranges::find(kQuestions, what) != kQuestions.end(),
        .changes = std::ranges::find(kOrders, what) != kOrders.end(),
    };
}

Result<Json> queue_question(std::string_view what, const ApiRequest& request) {
    Json asked{{"command", "queue-" + std::string(what.empty() ? "list" : what)}};
    for (const auto& [name, value] : request.query) {
        if (std::ranges::find(kTexts, name) != kTexts.end()) {
            asked[name] = value;
        } else if (name == "held" && (value == "true" || value == "false")) {
            asked[name] = value == "true";
        } else if (name == "limit") {
            std::int64_t limit = 0;
            const auto [end, ec] =
                std::from_chars(value.data(), value.data() + value.size(), limit);
            if (ec != std::errc{} || end != value.data() + value.size() || limit < 1 ||
                limit > kRowsMax) {
                return fail(Errc::Invalid, "limit is no number in range: " + printable(value));
            }
            asked[name] = limit;
        } else {
            return fail(Errc::Invalid, "unknown parameter " + printable(name));
        }
    }
    return asked;
}

Result<Json> queue_order(std::string_view what, const ApiRequest& request) {
    Json body = Json::parse(request.body, nullptr, false);
    if (!body.is_object()) {
        return fail(Errc::Invalid, "the body is a JSON object");
    }
    for (const auto& [name, value] : body.items()) {
        const bool right = name == "ids"      ? value.is_array()
                           : name == "bounce" ? value.is_boolean() && what == "drop"
                                              : value.is_string();
        if (!right) {
            return fail(Errc::Invalid, "wrong type or place: " + printable(name));
        }
    }
    const bool suspension = what == "suspend" || what == "resume";
    if (!suspension && !body.contains("ids")) {
        return fail(Errc::Invalid, "\"ids\" names the messages");
    }
    if (needs_reason(what) && body.value("reason", "").empty()) {
        return fail(Errc::Invalid, "a reason is needed: {\"reason\": \"...\"}");
    }
    body["command"] = "queue-" + std::string(what);
    body["who"] = "desk " + request.peer;
    return body;
}

}  // namespace sekisho::desk

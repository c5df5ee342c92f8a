// The API's requests about many queued messages, as the mail role takes them. Pure.
#pragma once

#include "base/result.h"
#include "desk/api.h"
#include "desk/json.h"

#include <string_view>

namespace sekisho::desk {

// What a path after /queue/ is for; neither: there is no such path.
struct QueueCall {
    bool reads = false, changes = false;
};
[[nodiscard]] QueueCall queue_call(std::string_view what);

// "" (the list), "count", "stats", "suspensions": with the selector in the query string. Every part
// of it must be known: a mistyped one would choose too much.
[[nodiscard]] Result<Json> queue_question(std::string_view what, const ApiRequest& request);

// "retry", "hold", "release", "drop", "reroute" (to "route") with {"ids": [...]}; "suspend",
// "resume" with {"account"} or
// {"domain"}. Each with "reason", which hold, drop and suspend need.
[[nodiscard]] Result<Json> queue_order(std::string_view what, const ApiRequest& request);

}  // namespace sekisho::desk

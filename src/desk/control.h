// What the desk asks the other roles for. A request and its answer are one JSON object each:
//   {"command":"status"}                          any role: {"...": numbers, arrays, ...}
//   {"command":"explain","source":A,"destination":B}   gate
//   {"command":"login-check","login":L,"password":P,"address":A}   mail: {"verdict":V,"login":L}
//   {"command":"conduct-show","account":L}, {"command":"limit-show","subject":L}   mail
//   {"command":"queue-list","limit":N}            mail
//   {"command":"queue-retry"|"queue-hold"|"queue-release"|"queue-drop","queue_id":Q,"reason":R}
// An answer with a member "error" (a string) is a refusal.
#pragma once

#include "base/result.h"

#include <functional>
#include <string>

namespace sekisho::desk {

// (role, request) -> answer; Unavailable when the role isn't running.
using Control = std::function<Result<std::string>(std::string role, std::string request)>;

}  // namespace sekisho::desk

// The operator's queue commands, as the role mail answers them.
#pragma once

#include "cli/context.h"
#include "event/event.h"
#include "queue/spool.h"

#include <string>

namespace sekisho::cli {

// "queue-list", "queue-show", "queue-retry", "queue-hold", "queue-release", "queue-drop"; NotFound
// for others and for a queue id that isn't there. What is done to a message is journalled.
[[nodiscard]] Result<Json> queue_command(
    queue::Spool& spool, event::Journal& journal, const std::string& name, const Json& request
);

[[nodiscard]] Json to_json(const queue::Spool::Counters& counters);

}  // namespace sekisho::cli

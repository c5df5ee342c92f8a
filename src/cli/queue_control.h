// The operator's queue commands, as the role mail answers them.
#pragma once

#include "cli/context.h"
#include "cli/suspensions.h"
#include "delivery/notices.h"
#include "dkim/sign.h"
#include "event/event.h"
#include "queue/spool.h"

#include <functional>
#include <string>

namespace sekisho::cli {

struct QueueDeps {
    queue::Spool& spool;
    event::Journal& journal;
    SuspensionKeeper& suspensions;
    std::function<delivery::NoticeOptions()> notices;  // for `drop` with a notice to the sender
    const dkim::SignerHolder* signer = nullptr;
    // Whether a [[route]] has the name.
    std::function<bool(const std::string& name)> is_route = nullptr;
    // The places with connections, or slowed down, as Deliverer::status_json() has them.
    std::function<Json()> places = nullptr;
};

// A selector's members: queue_select.h. NotFound for a command or a queue id that isn't there. What
// is done to a message is journalled, with "who" and "reason" of the request.
//   queue-list     selector -> messages, queued, and next_after when there may be more
//   queue-show     queue_id -> the message
//   queue-count    selector -> count, bytes, recipients, held, sample, as_of
//   queue-stats    selector, limit -> totals, destinations, accounts (queue_stats.h), places
//   queue-retry|hold|release|drop|reroute
//                  queue_id -> text; or ids (at most kActMax) -> done, failed
//                  "bounce" (drop): a notice to the sender first; "route" (reroute): HOST:PORT
//   queue-compact  queue_compact.h
//   queue-suspend|resume   account or domain, until -> text
//   queue-suspensions      -> suspensions
[[nodiscard]] Result<Json> queue_command(
    const QueueDeps& deps, const std::string& name, const Json& request
);
inline constexpr std::size_t kActMax = 1000;

[[nodiscard]] Json to_json(const queue::Spool::Counters& counters);

}  // namespace sekisho::cli

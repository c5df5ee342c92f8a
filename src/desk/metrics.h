// Prometheus' text format (version 0.0.4) from what the roles say of themselves and the journal's
// totals.
#pragma once

#include "desk/context.h"

#include <string>
#include <string_view>

namespace sekisho::desk {

[[nodiscard]] std::string metrics_text(const Context& context);

// The numbers of a role's status as samples: {"queue":{"held":2}} of role mail is
// sekisho_mail_queue_held 2. An array of objects becomes one family a number, with the objects'
// strings as labels. Names ending in "_total" are counters, the rest gauges.
[[nodiscard]] std::string status_metrics(std::string_view role, const Json& status);

}  // namespace sekisho::desk

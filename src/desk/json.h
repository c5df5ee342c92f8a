// The records of the rooms as JSON, for the API. Never a credential.
#pragma once

#include "account/account.h"
#include "desk/context.h"
#include "event/event.h"
#include "lease/lease.h"
#include "line/line.h"

namespace sekisho::desk {

[[nodiscard]] Json to_json(const event::Event& event);
[[nodiscard]] Json to_json(const std::vector<event::Event>& events);
[[nodiscard]] Json to_json(const account::Account& account);
[[nodiscard]] Json to_json(const line::Session& session);
[[nodiscard]] Json to_json(const line::Answer& answer);
[[nodiscard]] Json to_json(const guide::Standing& standing);
[[nodiscard]] Json to_json(const lease::Lease& lease, Time now);

}  // namespace sekisho::desk

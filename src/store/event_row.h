// An event as a row. For this room only.
#pragma once

#include "event/event.h"
#include "store/sqlite.h"

#include <string_view>

namespace sekisho::store {

// The columns of an event, in the order in which read_event() takes them.
inline constexpr std::string_view kEventColumns =
    "id, at, kind, address, line, account, queue_id, message_id, sender, recipient, rule, count, "
    "detail, reference, octets";
[[nodiscard]] event::Event read_event(Statement& row);

}  // namespace sekisho::store

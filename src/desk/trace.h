// Where a message is, and what became of each recipient: its events as one story.
#pragma once

#include "base/result.h"
#include "desk/context.h"
#include "event/event.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sekisho::desk {

// From its events in order of time: "queue_id", "state", sender, account, client, line, "accepted",
// "recipients" (each with address, state, reply, cause in plain words, next_try, at, tries),
// "events".
[[nodiscard]] Json message_of(const std::string& queue_id, const std::vector<event::Event>& events);

struct Traced {
    Json messages = Json::array();    // message_of(), the newest first
    std::vector<event::Event> loose;  // about no message: refused before there was one
    bool cut = false;                 // there are more messages
};
// The messages that events matching the query are of.
[[nodiscard]] Result<Traced> trace_messages(
    event::Journal& journal, event::Query query, std::size_t messages_max
);

}  // namespace sekisho::desk

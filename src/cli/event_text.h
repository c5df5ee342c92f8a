// Events as the command line shows them, and the times that it is given.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"

#include <string>
#include <vector>

namespace sekisho::cli {

// Fields that are empty are left out.
[[nodiscard]] Json event_json(const event::Event& e);
[[nodiscard]] std::string event_table(const std::vector<event::Event>& events);

// "2h" back from now, or a time (RFC 3339).
[[nodiscard]] Result<Time> parse_when(const std::string& text);

}  // namespace sekisho::cli

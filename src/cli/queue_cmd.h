// The subcommands of `sekisho queue` and what they share.
#pragma once

#include "cli/commands.h"
#include "cli/context.h"

#include <string>

namespace sekisho::cli {

// queue list|retry|hold|release|drop|reroute, on messages chosen by a selector.
void add_queue_selected(CLI::App& queue, Context& context, Chosen& chosen);

// queue verify|export|import, for when the mail role is stopped.
void add_spool_tools(CLI::App& queue, Context& context, Chosen& chosen);

// queue classify: what a reply means.
void add_queue_classify(CLI::App& queue, Context& context, Chosen& chosen);

// Messages as queue-list gives them, for people.
[[nodiscard]] std::string queue_table(const Json& entries);

}  // namespace sekisho::cli

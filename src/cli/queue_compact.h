// sekisho queue compact: space of finished messages, given back now.
#pragma once

#include "cli/commands.h"
#include "cli/context.h"
#include "queue/spool.h"

#include <CLI/CLI.hpp>

namespace sekisho::cli {

// The command queue-compact of the mail role: {"begin": whether to start it} -> what it would do,
// or has still to do.
[[nodiscard]] Json compact_command(queue::Spool& spool, const Json& request);

void add_queue_compact(CLI::App& queue, Context& context, Chosen& chosen);

}  // namespace sekisho::cli

// A complaint about a message of ours: whose it was, on record.
#pragma once

#include "base/result.h"
#include "cli/context.h"
#include "store/store.h"

#include <string_view>

namespace sekisho::cli {

// Reads a report (RFC 5965), looks for its message in the journal and records the complaint. What
// it says of a message that isn't known to be ours is worth nothing: NotFound.
[[nodiscard]] Result<Json> take_complaint(store::Store& store, std::string_view report);

}  // namespace sekisho::cli

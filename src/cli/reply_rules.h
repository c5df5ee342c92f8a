// The rules for what replies mean: the operator's file, and asking them.
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace sekisho::cli {

// From now on this process goes by `delivery.replies`, and by the built-in rules after it.
[[nodiscard]] Status follow_replies(const config::Config& config);

}  // namespace sekisho::cli

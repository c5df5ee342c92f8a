// Whether this machine has the addresses that mail is to leave from.
#pragma once

#include "base/result.h"
#include "delivery/routes/source.h"

#include <vector>

namespace sekisho::cli {

// For the start of the mail role alone: `config check` is run on other machines, too.
[[nodiscard]] Status check_own_sources(const std::vector<delivery::SourcePool>& sources);

}  // namespace sekisho::cli

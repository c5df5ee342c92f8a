// What the policy does with a flow on port 25, as JSON: for `sekisho gate explain` and the desk.
#pragma once

#include "base/ip.h"
#include "cli/context.h"
#include "policy/policy.h"

#include <string>

namespace sekisho::cli {

[[nodiscard]] Json explained(
    const policy::Policy& policy,
    const std::string& gate_mode,
    const IpAddress& source,
    const IpAddress& destination
);

}  // namespace sekisho::cli

// Leases as the control socket and the command line speak of them: JSON in, JSON out.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"
#include "lease/lease.h"
#include "policy/policy.h"

#include <string>

namespace sekisho::store {
class Store;
}

namespace sekisho::cli {

[[nodiscard]] Json lease_json(const lease::Lease& lease, Time now);

// "lease-add", "lease-renew", "lease-end": changes the store and tells the journal. The answer is
// the lease. NotFound for another command.
[[nodiscard]] Result<Json> change_lease(
    store::Store& store,
    const policy::Policy& policy,
    const config::Gate& gate,
    const std::string& command,
    const Json& request
);

}  // namespace sekisho::cli

// Leases as the control socket and the command line speak of them: JSON in, JSON out.
#pragma once

#include "base/ip.h"
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

// A penalty by the exchange, in gate.penalty_class for gate.penalty_for, and the gate told of it.
// Nothing when the class is not set. Conflict: it has one, or the policy names it; Full: there are
// gate.penalties_max.
Status add_penalty(
    store::Store& store,
    const policy::Policy& policy,
    const config::Config& config,
    const IpAddress& peer,
    const std::string& why
);

}  // namespace sekisho::cli

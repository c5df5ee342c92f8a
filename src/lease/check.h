// What may be leased. Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"
#include "policy/policy.h"

namespace sekisho::lease {

struct Limits {
    int widest_v4 = 28, widest_v6 = 48;  // shortest prefix of an exemption
    Duration longest{366LL * 24 * 3600 * 1000};
};

// An exemption that can be granted: of a class that is there, with an owner and a reason, not wider
// or longer than the limits say, and not over the whole of a prefix that the policy names. A
// penalty: an outside address or IPv6 /64 that the policy puts in no class of its own.
[[nodiscard]] Status check(
    const Lease& lease, const policy::Policy& policy, const Limits& limits, Time now
);

// Why no part of the prefix may be punished; empty: it may. Whoever the policy names is known to
// the operator, so that what the operator says comes first.
[[nodiscard]] std::string spared(const Prefix& prefix, const policy::Policy& policy);

}  // namespace sekisho::lease

// Granting, renewing and ending a lease, each with the event that tells of it.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "lease/check.h"
#include "lease/lease.h"
#include "policy/policy.h"

#include <cstdint>
#include <string_view>

namespace sekisho::lease {

struct Registry {
    LeaseStore& store;
    event::Journal& journal;
};

// The lease as it stands in the store. Errors: those of check() and of LeaseStore::add().
[[nodiscard]] Result<Lease> grant(
    const Registry& registry,
    Lease lease,
    const policy::Policy& policy,
    const Limits& limits,
    Time now
);
[[nodiscard]] Result<Lease> renew(
    const Registry& registry,
    std::int64_t id,
    Time expires,
    std::string_view by,
    const Limits& limits,
    Time now
);
// Whether it was this call that ended it: only that one tells of it.
[[nodiscard]] Result<bool> end(
    const Registry& registry,
    const Lease& lease,
    Time at,
    std::string_view by,
    std::string_view reason
);

}  // namespace sekisho::lease

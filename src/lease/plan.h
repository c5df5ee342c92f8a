// What the leases that live mean for the policy now. Pure.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"
#include "line/line.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sekisho::lease {

struct Placed {
    policy::Override over;
    std::int64_t lease = 0;
    friend bool operator==(const Placed&, const Placed&) = default;
};
[[nodiscard]] std::vector<policy::Override> overrides_of(const std::vector<Placed>& placed);
struct Unplaced {
    std::int64_t lease = 0;
    std::string why;
};
struct Plan {
    std::vector<Placed> placed;      // each prefix once, in their order
    std::vector<Unplaced> unplaced;  // leases that have no effect now, or not on all of it
};

// The prefixes that a line holds at the moment, for plan().
[[nodiscard]] Result<std::vector<Prefix>> held_by(line::LineStore& lines, const std::string& line);

// `held`: the prefixes that a line holds at the moment. Where two leases name one prefix, an
// exemption comes before a penalty, and an older one before a younger. A penalty of what the policy
// names is not placed, nor a lease whose conditions were never seen to hold. Leases that don't live
// are left out.
[[nodiscard]] Plan plan(
    const std::vector<Lease>& leases,
    const policy::Policy& policy,
    const std::function<std::vector<Prefix>(const std::string& line)>& held,
    Time now
);

}  // namespace sekisho::lease

// The policy as the gate enforces it, leases included, for the roles that ask it too.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "line/line.h"
#include "policy/policy.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace sekisho::cli {

class LeasedPolicy {
  public:
    LeasedPolicy(lease::LeaseStore& leases, line::LineStore& lines)
        : leases_(leases), lines_(lines) {}

    // A new policy from the configuration. With its leases; without them when they can't be read.
    [[nodiscard]] std::shared_ptr<const policy::Policy> over(
        std::shared_ptr<const policy::Policy> base, Time now
    );
    // To be asked every second: the policy when its leases are other ones than before, else null.
    [[nodiscard]] std::shared_ptr<const policy::Policy> changed(Time now);

    // The lease that decides the address's class now, if one does.
    [[nodiscard]] const lease::Lease* lease_of(const IpAddress& address) const;

  private:
    [[nodiscard]] bool read(Time now);  // whether the overrides changed
    [[nodiscard]] std::shared_ptr<const policy::Policy> laid() const;

    lease::LeaseStore& leases_;
    line::LineStore& lines_;
    std::shared_ptr<const policy::Policy> base_;
    std::int64_t version_ = -1;
    std::vector<lease::Lease> living_;
    std::vector<lease::Placed> placed_;
};

}  // namespace sekisho::cli

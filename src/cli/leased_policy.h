// The policy as the gate enforces it, stages by the clock, leases and shares of lines included, for
// the roles that ask it too.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/policy_history.h"
#include "config/config.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "lease/share.h"
#include "line/line.h"
#include "policy/policy.h"
#include "policy/stages.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::store {
class Store;
}

namespace sekisho::cli {

class LeasedPolicy {
  public:
    explicit LeasedPolicy(store::Store& store);  // which outlives it

    // What is in force for who has this file: its policy, or the one it was rolled back to. Without
    // leases and shares when they can't be read. Errors: as compile_at() has them, or the database;
    // then all is as it was.
    [[nodiscard]] Result<std::shared_ptr<const policy::Policy>> of_file(
        const config::Config& config, Time now
    );
    // To be asked every second: the policy when it was rolled back or applied again, a step of a
    // rule came, or leases or shares are other ones than before; else null.
    [[nodiscard]] std::shared_ptr<const policy::Policy> changed(
        const config::Config& config, Time now
    );

    // Without leases and shares.
    [[nodiscard]] const std::shared_ptr<const policy::Policy>& bare() const {
        return staged_->policy();
    }

    // The lease that decides the address's class now, if one does.
    [[nodiscard]] const lease::Lease* lease_of(const IpAddress& address) const;

  private:
    Status take(const config::Config& config, Time now);
    [[nodiscard]] bool follow_history(const config::Config& config, Time now);
    [[nodiscard]] bool read(Time now);  // whether the overrides changed
    [[nodiscard]] std::shared_ptr<const policy::Policy> laid() const;

    lease::LeaseStore& leases_;
    line::LineStore& lines_;
    PolicyHistory history_;
    std::string history_seen_;  // PolicyHistory::raw()
    std::optional<policy::Staged> staged_;
    std::int64_t version_ = -1;
    std::vector<lease::Lease> living_;
    std::vector<lease::Placed> placed_;
    lease::Shares shares_;
};

}  // namespace sekisho::cli

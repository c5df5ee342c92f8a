// Lines that a policy puts in another part of their class than their address alone would: those in
// a share of the lines for which a rule is in force already. No clock.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "lease/plan.h"
#include "line/line.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace sekisho::lease {

[[nodiscard]] bool has_shares(const policy::Policy& policy);

class Shares {
  public:
    // `most`: overrides that there may be, with those of leases.
    explicit Shares(std::size_t most = policy::kOverridesMax) : most_(most) {}

    // Looks at the lines' addresses again, seldom where there are many: one second for each 20,000
    // sessions, at most a minute; at once for another policy. Where a lease decides, shares don't.
    // An address that two lines hold is in no share. True: overrides() are other ones than before.
    [[nodiscard]] Result<bool> refresh(
        const policy::Policy& policy,
        const std::vector<Placed>& leases,
        line::LineStore& lines,
        Time now
    );
    [[nodiscard]] const std::vector<policy::Override>& overrides() const { return overrides_; }

    [[nodiscard]] std::size_t sessions() const { return sessions_; }  // that were looked at
    // Prefixes that stay in the milder part, because there would be more than `most`.
    [[nodiscard]] std::size_t left_out() const { return left_out_; }

  private:
    std::size_t most_;
    std::string policy_;  // the digest of the one that was looked at last
    std::optional<Time> again_;
    std::vector<policy::Override> overrides_;
    std::size_t sessions_ = 0, left_out_ = 0;
};

// All of them, for an engine or with_overrides().
[[nodiscard]] std::vector<policy::Override> overrides_of(
    const std::vector<Placed>& leases, const Shares& shares
);

}  // namespace sekisho::lease

// The leases on an engine: read, placed as overrides, and ended at their time or when they open
// more connections than they may. No thread and no clock of its own.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "gate/enforce/engine.h"
#include "lease/grant.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "line/line.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sekisho::gate {

class Leases {
  public:
    Leases(lease::Registry registry, line::LineStore& lines) : registry_(registry), lines_(lines) {}

    // Reads what lives, ends what has expired, and plans for the policy. True: placed() are
    // other ones than before. Cheap when nothing has changed: `lines_too` looks at the addresses of
    // leased lines again. On an error the old plan stays.
    [[nodiscard]] Result<bool> refresh(const policy::Policy& policy, Time now, bool lines_too);
    // For a policy that is to come: nothing is kept before commit().
    [[nodiscard]] lease::Plan planned(const policy::Policy& policy, Time now) const;
    void commit(lease::Plan plan) { plan_ = std::move(plan); }
    [[nodiscard]] const std::vector<lease::Placed>& placed() const { return plan_.placed; }

    // Takes counts of the engine; ends the leases that opened too many connections today (in UTC).
    void count(const std::vector<OverrideCount>& counts, Time now);

    // What was looked up for a lease (lease::Conditions): empty, it holds.
    void looked_up(std::int64_t lease, const std::string& why_not, Time now);
    [[nodiscard]] std::vector<lease::Lease> living() const { return living_; }

    // For `gate status`: how many of each kind live, and of each lease its prefixes, its
    // connections or why it has no effect.
    [[nodiscard]] nlohmann::ordered_json status() const;

  private:
    struct Volume {
        std::int64_t day = 0;
        std::map<Prefix, std::uint64_t> seen;  // by the engine, at the last look
        std::uint64_t today = 0, all = 0;
    };
    [[nodiscard]] const lease::Lease* find(std::int64_t id) const;
    void end(const lease::Lease& lease, Time at, const std::string& why);

    const lease::Registry registry_;
    line::LineStore& lines_;
    std::int64_t version_ = -1;
    std::vector<lease::Lease> living_;
    std::map<std::int64_t, Volume> volumes_;
    lease::Plan plan_;
};

}  // namespace sekisho::gate

#include "cli/leased_policy.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

void cannot_read(const Error& error) {
    log::warning(
        "LEASES_UNREADABLE", "exemptions and penalties are as they were", {{"error", error.message}}
    );
}

}  // namespace

bool LeasedPolicy::read(Time now) {
    const auto version = leases_.version();
    if (!version) {
        cannot_read(version.error());
        return false;
    }
    if (*version != version_) {
        auto living = leases_.living();
        if (!living) {
            cannot_read(living.error());
            return false;
        }
        living_ = std::move(*living);
        version_ = *version;
    }
    // Whatever the version: leases expire, and lines change their addresses.
    const auto held = [this](const std::string& line) {
        auto prefixes = lease::held_by(lines_, line);
        return prefixes ? std::move(*prefixes) : std::vector<Prefix>{};
    };
    std::vector<lease::Placed> next = lease::plan(living_, *base_, held, now).placed;
    const bool changed = next != placed_;
    placed_ = std::move(next);
    return changed;
}

std::shared_ptr<const policy::Policy> LeasedPolicy::laid() const {
    auto out = policy::with_overrides(base_, lease::overrides_of(placed_));
    if (!out) {
        cannot_read(out.error());
        return base_;
    }
    return std::move(*out);
}

std::shared_ptr<const policy::Policy> LeasedPolicy::over(
    std::shared_ptr<const policy::Policy> base, Time now
) {
    base_ = std::move(base);
    static_cast<void>(read(now));
    return laid();
}

const lease::Lease* LeasedPolicy::lease_of(const IpAddress& address) const {
    const lease::Placed* nearest = nullptr;
    for (const lease::Placed& one : placed_) {
        if (one.over.prefix.contains(address) &&
            (nearest == nullptr || one.over.prefix.length() > nearest->over.prefix.length())) {
            nearest = &one;
        }
    }
    if (nearest == nullptr) {
        return nullptr;
    }
    const auto at = std::find_if(living_.begin(), living_.end(), [&](const lease::Lease& one) {
        return one.id == nearest->lease;
    });
    return at == living_.end() ? nullptr : &*at;
}

std::shared_ptr<const policy::Policy> LeasedPolicy::changed(Time now) {
    return read(now) ? laid() : nullptr;
}

}  // namespace sekisho::cli

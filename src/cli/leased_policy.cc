#include "cli/leased_policy.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "policy/overlay.h"
#include "policy/policy.h"

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
    std::vector<policy::Override> next;
    for (const lease::Placed& one : lease::plan(living_, *base_, held, now).placed) {
        next.push_back(one.over);
    }
    const bool changed = next != overrides_;
    overrides_ = std::move(next);
    return changed;
}

std::shared_ptr<const policy::Policy> LeasedPolicy::laid() const {
    auto out = policy::with_overrides(base_, overrides_);
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

std::shared_ptr<const policy::Policy> LeasedPolicy::changed(Time now) {
    return read(now) ? laid() : nullptr;
}

}  // namespace sekisho::cli

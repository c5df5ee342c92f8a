#include "cli/leased_policy.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/policy_history.h"
#include "config/config.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "lease/share.h"
#include "policy/overlay.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "store/store.h"

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

void cannot_follow(const Error& error) {
    log::error(
        "POLICY_NOT_FOLLOWED",
        "the gate has another policy in force than this role",
        {{"error", error.message}}
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
    std::vector<lease::Placed> next = lease::plan(living_, *bare(), held, now).placed;
    const bool changed = next != placed_;
    placed_ = std::move(next);
    const auto shared = shares_.refresh(*bare(), placed_, lines_, now);
    if (!shared) {
        cannot_read(shared.error());
    }
    return changed || (shared && *shared);
}

std::shared_ptr<const policy::Policy> LeasedPolicy::laid() const {
    auto out = policy::with_overrides(bare(), lease::overrides_of(placed_, shares_));
    if (!out) {
        cannot_read(out.error());
        return bare();
    }
    return std::move(*out);
}

LeasedPolicy::LeasedPolicy(store::Store& store)
    : leases_(store.leases()), lines_(store.lines()), history_(store) {}

Status LeasedPolicy::take(const config::Config& config, Time now) {
    auto seen = history_.raw();
    if (!seen) {
        return fail(seen.error());
    }
    auto source = history_.in_force(config);
    if (!source) {
        return fail(source.error());
    }
    auto staged = policy::Staged::start(std::move(*source), now);
    if (!staged) {
        return fail(staged.error());
    }
    staged_ = std::move(*staged);
    history_seen_ = std::move(*seen);
    return {};
}

Result<std::shared_ptr<const policy::Policy>> LeasedPolicy::of_file(
    const config::Config& config, Time now
) {
    if (Status taken = take(config, now); !taken) {
        return fail(taken.error());
    }
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

bool LeasedPolicy::follow_history(const config::Config& config, Time now) {
    const auto seen = history_.raw();
    if (!seen || *seen == history_seen_) {
        return false;
    }
    if (const Status taken = take(config, now); !taken) {
        cannot_follow(taken.error());
        return false;
    }
    return true;
}

std::shared_ptr<const policy::Policy> LeasedPolicy::changed(
    const config::Config& config, Time now
) {
    bool other = follow_history(config, now);
    if (const auto stepped = staged_->follow(now); !stepped) {
        cannot_follow(stepped.error());
    } else {
        other = other || *stepped != nullptr;
    }
    return read(now) || other ? laid() : nullptr;
}

}  // namespace sekisho::cli

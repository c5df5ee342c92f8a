#include "cli/penalties.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"
#include "lease/check.h"
#include "lease/grant.h"
#include "lease/lease.h"
#include "policy/policy.h"
#include "store/store.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

constexpr std::chrono::milliseconds kTellAgain{500};
constexpr std::size_t kReasonMax = 400;

}  // namespace

void Penalties::follow(const config::Config& config, std::shared_ptr<const policy::Policy> policy) {
    auto followed = std::make_shared<const Followed>(Followed{config, std::move(policy)});
    const std::lock_guard lock(mutex_);
    followed_ = std::move(followed);
}

// The gate looks every second by itself. A word makes it look now; while many come, one for all
// that came since the last is enough, and no worker waits for a busy gate each time.
bool Penalties::time_to_tell() {
    const std::lock_guard lock(mutex_);
    const auto at = std::chrono::steady_clock::now();
    if (at - told_ < kTellAgain) {
        return false;
    }
    told_ = at;
    return true;
}

void Penalties::add(const IpAddress& peer, const std::string& why) {
    std::shared_ptr<const Followed> followed;
    {
        const std::lock_guard lock(mutex_);
        followed = followed_;
    }
    if (!followed || followed->config.gate.penalty_class.empty()) {
        return;
    }
    if (const Status granted = grant(*followed, peer, why); !granted) {
        if (granted.error().code != Errc::Conflict) {  // it has one already, or is spared
            log::warning(
                "MAIL_PENALTY_FAILED",
                "an address that is no mail server is not kept out",
                {{"peer", peer.text()}, {"error", granted.error().message}}
            );
        }
    } else if (time_to_tell()) {
        static_cast<void>(ask(followed->config, "gate", Json{{"command", "leases"}}));
    }
}

Status Penalties::grant(const Followed& followed, const IpAddress& peer, const std::string& why) {
    const config::Gate& gate = followed.config.gate;
    const auto penalties = store_.leases().count(lease::Kind::Penalty);
    if (!penalties) {
        return fail(penalties.error());
    }
    if (*penalties >= gate.penalties_max) {
        return fail(
            Errc::Full, std::to_string(*penalties) + " penalties are what gate.penalties_max allows"
        );
    }
    const Time at = now();
    lease::Lease lease;
    lease.kind = lease::Kind::Penalty;
    lease.prefix = Prefix{peer, peer.is_v4() ? 32 : 64};
    lease.class_name = gate.penalty_class;
    lease.owner = lease.created_by = "the exchange";
    lease.reason = printable(why, kReasonMax);
    lease.expires = at + gate.penalty_for;
    const auto granted = lease::grant(
        {store_.leases(), store_.journal()}, std::move(lease), *followed.policy, lease::Limits{}, at
    );
    return granted ? Status{} : Status(fail(granted.error()));
}

}  // namespace sekisho::cli

#include "lease/grant.h"

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "lease/check.h"
#include "lease/lease.h"
#include "policy/policy.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::lease {
namespace {

void tell(
    const Registry& registry, event::Kind kind, const Lease& lease, Time at, std::string detail
) {
    event::Event row;
    row.at = at;
    row.kind = kind;
    row.address = lease.prefix ? lease.prefix->address().text() : std::string();
    row.line = lease.line;
    row.rule = lease.class_name;
    row.detail = std::string(name(lease.kind)) + ' ' + std::to_string(lease.id) + " of " +
                 lease.target() + ": " + std::move(detail);
    registry.journal.append(std::move(row));
}

}  // namespace

Result<Lease> grant(
    const Registry& registry,
    Lease lease,
    const policy::Policy& policy,
    const Limits& limits,
    Time now
) {
    if (Status allowed = check(lease, policy, limits, now); !allowed) {
        return fail(allowed.error());
    }
    lease.created = now;
    const auto id = registry.store.add(lease);
    if (!id) {
        return fail(id.error());
    }
    lease.id = *id;
    tell(
        registry,
        event::Kind::LeaseGranted,
        lease,
        now,
        "class " + lease.class_name + " until " + rfc3339(lease.expires) + " for " + lease.owner +
            ", by " + lease.created_by + ": " + lease.reason
    );
    return lease;
}

Result<Lease> renew(
    const Registry& registry,
    std::int64_t id,
    Time expires,
    std::string_view by,
    const Limits& limits,
    Time now
) {
    auto lease = registry.store.find(id);
    if (!lease) {
        return lease;
    }
    if (expires <= now || expires - now > limits.longest) {
        return fail(
            Errc::Invalid,
            "a lease may be renewed for " + format_duration(limits.longest) + " at most from now"
        );
    }
    if (!lease->ended && lease->expires <= now) {
        return fail(
            Errc::Conflict, "lease " + std::to_string(id) + " has expired: grant a new one"
        );
    }
    if (Status renewed = registry.store.renew(id, expires); !renewed) {
        return fail(renewed.error());
    }
    lease->expires = expires;
    tell(
        registry,
        event::Kind::LeaseRenewed,
        *lease,
        now,
        "until " + rfc3339(expires) + ", by " + std::string(by)
    );
    return lease;
}

Result<bool> end(
    const Registry& registry,
    const Lease& lease,
    Time at,
    std::string_view by,
    std::string_view reason
) {
    const auto ended = registry.store.end(lease.id, at, by, reason);
    if (ended && *ended) {
        tell(
            registry,
            event::Kind::LeaseEnded,
            lease,
            at,
            "ended by " + std::string(by) + ": " + std::string(reason)
        );
    }
    return ended;
}

}  // namespace sekisho::lease

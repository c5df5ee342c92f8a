#include "exemption/act.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "exemption/exemption.h"
#include "lease/grant.h"
#include "lease/lease.h"
#include "policy/policy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::exemption {
namespace {

bool leads(State from, State to) {
    switch (from) {
        case State::Asked:
            return to == State::Waiting || to == State::Granted || to == State::Refused ||
                   to == State::Withdrawn;
        case State::Waiting:
            return to == State::Granted || to == State::Refused || to == State::Withdrawn;
        case State::Granted:
            return to == State::Revoked || to == State::Ended || to == State::Withdrawn;
        default:
            return false;
    }
}

Result<std::int64_t> give_lease(
    const Books& books,
    const Request& request,
    std::string_view by,
    const policy::Policy& policy,
    const Terms& terms,
    Time now
) {
    lease::Lease lease;
    lease.prefix = Prefix(request.address, request.address.bits());
    lease.class_name = terms.class_name;
    lease.owner = request.login;
    lease.reason = "request " + std::to_string(request.id) + ": mail of " + request.domain;
    lease.created_by = by;
    lease.expires = now + terms.lasts;
    lease.conditions.reverse_name = request.reverse_name;
    lease.conditions.unlisted = terms.unlisted;
    const auto given = lease::grant(books.leases, std::move(lease), policy, terms.limits, now);
    return given ? Result<std::int64_t>(given->id) : fail(given.error());
}

Status end_lease(
    const Books& books, std::int64_t id, Time now, std::string_view by, std::string_view why
) {
    const auto found = books.leases.store.find(id);
    if (!found) {
        return found.error().code == Errc::NotFound ? Status{} : fail(found.error());
    }
    const auto ended = lease::end(books.leases, *found, now, by, why);
    return ended ? Status{} : fail(ended.error());
}

}  // namespace

Result<Request> bring(
    const Books& books,
    Request request,
    const Decision& decision,
    std::string_view by,
    const policy::Policy& policy,
    const Terms& terms,
    Time now
) {
    const State before = request.state;
    if (!leads(before, decision.state)) {
        return fail(
            Errc::Conflict,
            "request " + std::to_string(request.id) + " is " + std::string(name(before)) +
                " and can't become " + std::string(name(decision.state))
        );
    }
    // The lease first: should this process end here, the next look finds the request as it was and
    // the address leased, which says so, instead of a request that promises what isn't there.
    if (decision.state == State::Granted) {
        const auto lease = give_lease(books, request, by, policy, terms, now);
        if (!lease) {
            return fail(lease.error());
        }
        request.lease = *lease;
    } else if (before == State::Granted) {
        if (Status done = end_lease(books, request.lease, now, by, decision.why); !done) {
            return fail(done.error());
        }
    }
    request.state = decision.state;
    request.why = decision.why;
    request.by = by;
    request.changed = now;
    const auto kept = books.requests.replace(request, before);
    const bool mine = kept && *kept;
    if (!mine && decision.state == State::Granted) {
        static_cast<void>(
            end_lease(books, request.lease, now, by, "the request was changed meanwhile")
        );
    }
    if (!kept) {
        return fail(kept.error());
    }
    if (!mine) {
        return fail(
            Errc::Conflict, "request " + std::to_string(request.id) + " was changed meanwhile"
        );
    }
    return request;
}

std::optional<Decision> ended_elsewhere(const Books& books, const Request& request, Time now) {
    const auto lease = books.leases.store.find(request.lease);
    if (!lease) {
        return lease.error().code == Errc::NotFound
                   ? std::optional(Decision{State::Ended, "its lease is no longer on record"})
                   : std::nullopt;
    }
    if (lease->alive(now)) {
        return std::nullopt;
    }
    if (lease->expires <= now) {
        return Decision{State::Ended, "its time is over"};
    }
    return Decision{State::Revoked, lease->ended_reason + ", by " + lease->ended_by};
}

}  // namespace sekisho::exemption

#include "cli/lease_ops.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"
#include "lease/check.h"
#include "lease/grant.h"
#include "lease/lease.h"
#include "policy/policy.h"
#include "store/store.h"

#include <cstdint>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

lease::Limits limits_of(const config::Gate& gate) {
    lease::Limits limits;
    limits.longest = gate.exempt_longest;
    return limits;
}

Result<Time> end_of(const Json& request, const config::Gate& gate, Time at, bool penalty) {
    if (const std::string until = request.value("until", ""); !until.empty()) {
        const auto time = parse_rfc3339(until);
        return time ? Result<Time>(*time)
                    : fail(Errc::Invalid, "\"" + until + "\" is no date: 2027-01-31, for example");
    }
    const std::string span = request.value("for", "");
    if (span.empty()) {
        return at + (penalty ? gate.penalty_for : gate.exempt_for);
    }
    const auto duration = parse_duration(span);
    return duration ? Result<Time>(at + *duration)
                    : fail(Errc::Invalid, "\"" + span + "\" is no time: 90d, 12h, for example");
}

Result<lease::Lease> read_lease(const Json& request, const config::Gate& gate, Time at) {
    lease::Lease out;
    const bool penalty = request.value("kind", "exemption") == "penalty";
    out.kind = penalty ? lease::Kind::Penalty : lease::Kind::Exemption;
    if (const std::string text = request.value("prefix", ""); !text.empty()) {
        const auto prefix = Prefix::parse(text);
        if (!prefix) {
            return fail(prefix.error());
        }
        out.prefix = *prefix;
    }
    out.line = request.value("line", "");
    out.class_name = request.value("class", penalty ? gate.penalty_class : gate.exempt_class);
    if (out.class_name.empty()) {
        return fail(
            Errc::Invalid,
            std::string("no class: name one, or set gate.") +
                (penalty ? "penalty_class" : "exempt_class")
        );
    }
    out.owner = request.value("owner", "");
    out.reason = request.value("reason", "");
    out.created_by = request.value("by", "");
    out.conditions.reverse_name = request.value("reverse_name", "");
    out.conditions.unlisted = request.value("unlisted", false);
    out.conditions.connections_per_day = request.value("connections_per_day", std::uint32_t{0});
    if (out.conditions.unlisted && gate.dnsbl.empty()) {
        return fail(Errc::Invalid, "gate.dnsbl names no block list that could be asked");
    }
    if (out.conditions.connections_per_day != 0 && gate.engine != "xdp") {
        return fail(
            Errc::Invalid, "connections_per_day needs gate.engine = \"xdp\": no other counts them"
        );
    }
    const auto expires = end_of(request, gate, at, penalty);
    if (!expires) {
        return fail(expires.error());
    }
    out.expires = *expires;
    return out;
}

}  // namespace

Json lease_json(const lease::Lease& lease, Time now) {
    Json out{
        {"id", lease.id},
        {"kind", lease::name(lease.kind)},
        {"target", lease.target()},
        {"class", lease.class_name},
        {"owner", lease.owner},
        {"reason", lease.reason},
        {"created_by", lease.created_by},
        {"created", rfc3339(lease.created)},
        {"expires", rfc3339(lease.expires)},
        {"alive", lease.alive(now)},
    };
    if (!lease.conditions.reverse_name.empty()) {
        out["reverse_name"] = lease.conditions.reverse_name;
    }
    if (lease.conditions.unlisted) {
        out["unlisted"] = true;
    }
    if (lease.conditions.connections_per_day != 0) {
        out["connections_per_day"] = lease.conditions.connections_per_day;
    }
    if (lease.checked) {
        out["checked"] = rfc3339(*lease.checked);
    }
    if (lease.ended) {
        out["ended"] = rfc3339(*lease.ended);
        out["ended_by"] = lease.ended_by;
        out["ended_reason"] = lease.ended_reason;
    }
    return out;
}

Result<Json> change_lease(
    store::Store& store,
    const policy::Policy& policy,
    const config::Gate& gate,
    const std::string& command,
    const Json& request
) {
    const lease::Registry registry{store.leases(), store.journal()};
    const Time at = now();
    const auto told = [at](const Result<lease::Lease>& lease) {
        return lease ? Result<Json>(lease_json(*lease, at)) : fail(lease.error());
    };
    if (command == "lease-add") {
        auto lease = read_lease(request, gate, at);
        if (!lease) {
            return fail(lease.error());
        }
        return told(lease::grant(registry, std::move(*lease), policy, limits_of(gate), at));
    }
    const auto id = request.value("id", std::int64_t{0});
    const std::string by = request.value("by", "");
    if (command == "lease-renew") {
        const auto known = registry.store.find(id);
        if (!known) {
            return fail(known.error());
        }
        const auto expires = end_of(request, gate, at, known->kind == lease::Kind::Penalty);
        return expires ? told(lease::renew(registry, id, *expires, by, limits_of(gate), at))
                       : fail(expires.error());
    }
    if (command == "lease-end") {
        const auto known = registry.store.find(id);
        if (!known) {
            return fail(known.error());
        }
        const auto ended = lease::end(registry, *known, at, by, request.value("reason", ""));
        if (!ended) {
            return fail(ended.error());
        }
        return *ended ? told(registry.store.find(id)) : fail(lease::has_ended(*known));
    }
    return fail(Errc::NotFound, "the gate knows no command \"" + command + "\"");
}

}  // namespace sekisho::cli

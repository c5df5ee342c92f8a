// The policy in force, the gate's word on it, and leases.
#include "base/ip.h"
#include "base/result.h"
#include "desk/api.h"
#include "desk/context.h"
#include "desk/handlers.h"
#include "desk/json.h"
#include "lease/grant.h"
#include "lease/lease.h"
#include "policy/policy.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace sekisho::desk {

ApiAnswer get_policy(const Call& call) {
    const policy::Policy& policy = *call.context.snapshot.policy;
    Json classes = Json::array();
    for (const policy::Class& item : policy.classes()) {
        classes.push_back({{"name", item.name}, {"note", item.note}, {"prefixes", item.prefixes}});
    }
    Json rules = Json::array();
    for (const policy::RuleSource& rule : policy.rules()) {
        rules.push_back(
            {{"name", rule.name},
             {"from", rule.from},
             {"to", rule.to},
             {"action", policy::name(rule.action)},
             {"stage", policy::name(rule.stage)},
             {"note", rule.note}}
        );
    }
    ApiAnswer answer;
    answer.body = Json{
        {"digest", policy.digest()}, {"classes", std::move(classes)}, {"rules", std::move(rules)}
    };
    return answer;
}

ApiAnswer get_gate(const Call& call) {
    return answered(ask_role(call.context.control, "gate", Json{{"command", "status"}}));
}

// The running gate answers when it can; else the same policy, as this process holds it.
ApiAnswer explain_gate(const Call& call) {
    const auto source = IpAddress::parse(call.text("source"));
    const auto destination = IpAddress::parse(call.text("destination"));
    if (!source || !destination) {
        return problem_of(source ? destination.error() : source.error());
    }
    const auto live = ask_role(
        call.context.control,
        "gate",
        Json{
            {"command", "explain"}, {"source", source->text()}, {"destination", destination->text()}
        }
    );
    ApiAnswer answer;
    answer.body = Json{
        {"source", source->text()},
        {"destination", destination->text()},
        {"lines", policy::explain(*call.context.snapshot.policy, *source, *destination)}
    };
    if (live) {
        answer.body["gate"] = *live;
    } else {
        answer.body["gate_error"] = live.error().message;
    }
    return answer;
}

ApiAnswer look_exemptions(const Call& call) {
    const auto found = call.context.leases.all(static_cast<std::size_t>(call.number("limit", 100)));
    if (!found) {
        return problem_of(found.error());
    }
    Json rows = Json::array();
    for (const lease::Lease& one : *found) {
        rows.push_back(to_json(one, call.context.now));
    }
    ApiAnswer answer;
    answer.body = Json{{"exemptions", std::move(rows)}};
    return answer;
}

ApiAnswer revoke_lease(const Call& call) {
    const std::int64_t id = call.number("id", 0);
    const auto found = call.context.leases.find(id);
    if (!found) {
        return problem_of(found.error());
    }
    const auto ended = lease::end(
        {call.context.leases, call.context.journal},
        *found,
        call.context.now,
        call.by(),
        call.reason
    );
    if (!ended) {
        return problem_of(ended.error());
    }
    if (!*ended) {
        return problem_of(lease::has_ended(*found));
    }
    ApiAnswer answer;
    answer.body = Json{{"text", found->target() + ": ended"}};
    return answer;
}

}  // namespace sekisho::desk

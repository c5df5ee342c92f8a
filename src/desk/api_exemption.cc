// Requests for an exemption: to be looked at, granted and refused.
#include "base/result.h"
#include "base/time.h"
#include "desk/api.h"
#include "desk/context.h"
#include "desk/exemption.h"
#include "desk/handlers.h"
#include "desk/routes.h"
#include "exemption/act.h"
#include "exemption/exemption.h"

#include <cstddef>
#include <string>
#include <utility>

namespace sekisho::desk {
namespace {

Json to_json(const exemption::Request& one) {
    Json findings = Json::array();
    for (const exemption::Finding& finding : one.findings) {
        findings.push_back(
            {{"check", exemption::name(finding.check)},
             {"mark", exemption::name(finding.mark)},
             {"detail", finding.detail}}
        );
    }
    Json out{
        {"id", one.id},
        {"login", one.login},
        {"line", one.line},
        {"address", one.address.text()},
        {"domain", one.domain},
        {"reason", one.reason},
        {"created", rfc3339(one.created)},
        {"state", exemption::name(one.state)},
        {"changed", rfc3339(one.changed)},
        {"by", one.by},
        {"why", one.why},
        {"findings", std::move(findings)}
    };
    if (one.checked) {
        out["checked"] = rfc3339(*one.checked);
    }
    if (one.lease != 0) {
        out["lease"] = one.lease;
    }
    return out;
}

ApiAnswer not_kept() {
    return problem(503, "Unavailable", "requests for exemptions aren't kept here");
}

}  // namespace

ApiAnswer look_requests(const Call& call) {
    if (call.context.requests == nullptr) {
        return not_kept();
    }
    const auto found = call.context.requests->list(
        exemption::parse_state(call.text("state")),
        static_cast<std::size_t>(call.number("limit", 100))
    );
    if (!found) {
        return problem_of(found.error());
    }
    Json rows = Json::array();
    for (const exemption::Request& one : *found) {
        rows.push_back(to_json(one));
    }
    ApiAnswer answer;
    answer.body = Json{{"requests", std::move(rows)}};
    return answer;
}

// Of one that waits: granted or refused; of one that is granted: revoked. Its owner is told by the
// mail role.
ApiAnswer decide_request(const Call& call) {
    const Context& context = call.context;
    if (context.requests == nullptr) {
        return not_kept();
    }
    const auto found = context.requests->find(call.number("id", 0));
    if (!found) {
        return problem_of(found.error());
    }
    const std::string verb = call.route.path.substr(call.route.path.rfind('/') + 1);
    const exemption::State to = verb == "grant"    ? exemption::State::Granted
                                : verb == "refuse" ? exemption::State::Refused
                                                   : exemption::State::Revoked;
    // Asked is still being looked up: nobody decides before that.
    if (found->state == exemption::State::Asked) {
        return problem(409, "Conflict", "it is still being looked up");
    }
    const auto done = exemption::bring(
        {*context.requests, {context.leases, context.journal}},
        *found,
        {to, call.reason},
        call.by(),
        *context.snapshot.policy,
        exemption_terms(context.snapshot.config.gate),
        context.now
    );
    if (!done) {
        return problem_of(done.error());
    }
    ApiAnswer answer;
    answer.body = Json{
        {"text",
         "request " + std::to_string(done->id) + ": " + std::string(exemption::name(done->state))}
    };
    return answer;
}

}  // namespace sekisho::desk

#include "desk/routes.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "desk/audit_api.h"
#include "desk/handlers.h"
#include "desk/openapi.h"
#include "staff/roles.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::desk {
namespace {

using staff::Role;
using staff::Roles;

constexpr Roles kAnybody{};
constexpr Roles kLook{Role::Support, Role::Abuse, Role::Operator};
constexpr Roles kHold{Role::Abuse, Role::Operator};
constexpr Roles kOperator{Role::Operator};
constexpr Roles kAuditor{Role::Auditor};

using Parameters = std::vector<Parameter>;

Parameters operator+(Parameters left, Parameters right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

Parameters paged(std::int64_t most = 1000) {
    return {
        {.name = "cursor", .help = "next_cursor of the page before"},
        {.name = "limit", .help = "rows at the most", .type = Type::Integer, .most = most}
    };
}

Parameters span() {
    return {
        {.name = "since", .help = "not earlier", .type = Type::Time},
        {.name = "until", .help = "not later", .type = Type::Time}
    };
}

const Parameter kAt{.name = "at", .help = "as it was at this time; else now", .type = Type::Time};

Parameters selector() {
    return {
        {.name = "account", .help = "the login it was submitted with"},
        {.name = "line", .help = "the line it came from"},
        {.name = "sender", .help = "the reverse-path"},
        {.name = "recipient", .help = "one of the forward-paths"},
        {.name = "domain", .help = "of a recipient"},
        {.name = "client", .help = "the address it came from"},
        {.name = "older", .help = "accepted before", .type = Type::Time},
        {.name = "held", .help = "whether it is held", .type = Type::Flag}
    };
}

std::vector<Route> of_people() {
    return {
        {.method = "POST",
         .path = "/session",
         .operation = "signIn",
         .tag = "session",
         .summary =
             "Signs in with name, password and one-time or recovery code. Sets the cookie of "
             "the session; its writes repeat `csrf` in Sekisho-Csrf.",
         .roles = kAnybody,
         .body = "SignIn",
         .answer = "Me",
         .handler = sign_in,
         .open = true},
        {.method = "GET",
         .path = "/session",
         .operation = "whoAmI",
         .tag = "session",
         .summary = "Who asks, with which roles, and until when.",
         .roles = kAnybody,
         .answer = "Me",
         .handler = who_am_i},
        {.method = "DELETE",
         .path = "/session",
         .operation = "signOut",
         .tag = "session",
         .summary = "Ends the session.",
         .roles = kAnybody,
         .answer = "Told",
         .handler = sign_out},
        {.method = "GET",
         .path = "/audit",
         .operation = "readAudit",
         .tag = "audit",
         .summary = "What operators looked at and did, the newest first.",
         .roles = kAuditor,
         .parameters =
             Parameters{
                 {.name = "who", .help = "the operator"},
                 {.name = "subject", .help = "exactly as it stands there"},
                 {.name = "action", .help = "the operation"}
             } +
             span() + paged(),
         .answer = "Audit",
         .handler = read_audit,
         .paged = true},
        {.method = "GET",
         .path = "/audit/check",
         .operation = "checkAudit",
         .tag = "audit",
         .summary = "Whether the chain of the audit is whole, and its last digest.",
         .roles = kAuditor,
         .answer = "AuditCheck",
         .handler = verify_audit},
    };
}

std::vector<Route> of_looks() {
    return {
        {.method = "GET",
         .path = "/status",
         .operation = "getStatus",
         .tag = "system",
         .summary = "Roles, totals of 24 hours, the policy in force.",
         .roles = kLook,
         .answer = "Status",
         .handler = get_status},
        {.method = "GET",
         .path = "/history",
         .operation = "getHistory",
         .tag = "system",
         .summary = "Events by kind over time, in steps of equal length.",
         .roles = kLook,
         .parameters =
             {{.name = "hours",
               .help = "back from now; else 24",
               .type = Type::Integer,
               .most = 24 * 31}},
         .answer = "History",
         .handler = get_history},
        {.method = "GET",
         .path = "/live",
         .operation = "watch",
         .tag = "system",
         .summary = "Server-sent events: one event `totals` with what happened since the last one, "
                    "then the end; the browser asks again after the `retry` it was told.",
         .roles = kLook,
         .handler = watch},
        {.method = "GET",
         .path = "/events",
         .operation = "lookEvents",
         .tag = "look",
         .summary = "The journal, the newest first.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters =
             Parameters{
                 {.name = "address", .help = "of the client, or the source of a flow"},
                 {.name = "line", .help = "the subscriber's line"},
                 {.name = "account", .help = "the login"},
                 {.name = "queue_id", .help = "the message's"},
                 {.name = "message_id", .help = "with its angle brackets"},
                 {.name = "recipient", .help = "the forward-path"},
                 {.name = "reference", .help = "the number told to the subscriber"},
                 {.name = "kind", .help = "kinds, with commas between"},
                 {.name = "order",
                  .help = "newest first, unless it says oldest",
                  .choices = {"newest", "oldest"}}
             } +
             span() + paged(),
         .answer = "Events",
         .handler = look_events,
         .paged = true},
        {.method = "GET",
         .path = "/trace",
         .operation = "lookTrace",
         .tag = "look",
         .summary = "Where a message is: each recipient's state, reply, cause in words, next try.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters =
             {{.name = "id", .help = "Message-ID, queue id or reference", .required = true}},
         .answer = "Trace",
         .handler = look_trace},
        {.method = "GET",
         .path = "/subscriber",
         .operation = "lookSubscriber",
         .tag = "look",
         .summary = "Everything about one subscriber: line, class, sessions, blocked flows, stage "
                    "and conduct, limits, logins, messages, exemptions, notices; findings first.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters =
             {{.name = "q",
               .help = "address, login, mail address, line, reference or Message-ID",
               .required = true},
              kAt},
         .answer = "Subscriber",
         .handler = look_subscriber},
        {.method = "GET",
         .path = "/line",
         .operation = "lookLine",
         .tag = "look",
         .summary = "Who held an address: a subscriber, ambiguous or unknown.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters =
             {{.name = "address", .help = "an IP address", .type = Type::Address, .required = true},
              kAt},
         .answer = "Line",
         .handler = look_line},
        {.method = "GET",
         .path = "/accounts",
         .operation = "lookAccounts",
         .tag = "look",
         .summary = "The accounts, without credentials.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters = paged(),
         .answer = "Accounts",
         .handler = look_accounts,
         .paged = true},
        {.method = "GET",
         .path = "/conduct",
         .operation = "lookConduct",
         .tag = "look",
         .summary = "Accounts that are slowed, held, suspended or exempt, and why.",
         .roles = kLook,
         .reason = Reason::Needed,
         .answer = "Conduct",
         .handler = look_conduct},
        {.method = "GET",
         .path = "/exemptions",
         .operation = "lookExemptions",
         .tag = "look",
         .summary = "Exemptions and penalties in the gate, the newest first; ended ones too.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters = {{.name = "limit", .help = "rows at the most", .type = Type::Integer}},
         .answer = "Exemptions",
         .handler = look_exemptions},
        {.method = "GET",
         .path = "/gate/status",
         .operation = "getGate",
         .tag = "gate",
         .summary = "What the gate says of itself.",
         .roles = kLook,
         .answer = "Object",
         .handler = get_gate},
        {.method = "GET",
         .path = "/gate/explain",
         .operation = "explainGate",
         .tag = "gate",
         .summary = "What would happen to a connection to port 25, and why.",
         .roles = kLook,
         .parameters =
             {{.name = "source", .help = "who opens it", .type = Type::Address, .required = true},
              {.name = "destination", .help = "to whom", .type = Type::Address, .required = true}},
         .answer = "Explanation",
         .handler = explain_gate},
        {.method = "GET",
         .path = "/openapi.json",
         .operation = "getOpenapi",
         .tag = "system",
         .summary = "This document.",
         .roles = kAnybody,
         .answer = "Object",
         .handler = get_openapi,
         .open = true},
    };
}

std::vector<Route> of_queue() {
    const auto order = [](const char* what, Roles roles, const char* body, const char* summary) {
        return Route{
            .method = "POST",
            .path = std::string("/queue/") + what,
            .operation = std::string(what) + "Messages",
            .tag = "queue",
            .summary = summary,
            .roles = roles,
            .reason = Reason::Needed,
            .body = body,
            .answer = "Done",
            .handler = order_queue
        };
    };
    const auto one = [](const char* what, Roles roles, const char* summary) {
        return Route{
            .method = "POST",
            .path = std::string("/queue/{id}/") + what,
            .operation = std::string(what) + "Message",
            .tag = "queue",
            .summary = summary,
            .roles = roles,
            .reason = Reason::Needed,
            .body = "Reason",
            .answer = "Told",
            .handler = order_message
        };
    };
    return {
        {.method = "GET",
         .path = "/queue",
         .operation = "lookQueue",
         .tag = "queue",
         .summary = "Messages that wait.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters = selector() + paged(10'000),
         .answer = "Queue",
         .handler = look_queue,
         .paged = true},
        {.method = "GET",
         .path = "/queue/count",
         .operation = "countQueue",
         .tag = "queue",
         .summary = "How many, and a sample.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters = selector(),
         .answer = "Object",
         .handler = look_queue},
        {.method = "GET",
         .path = "/queue/stats",
         .operation = "getQueueStats",
         .tag = "queue",
         .summary = "What waits, by destination and account.",
         .roles = kLook,
         .parameters = {{.name = "limit", .help = "rows at the most", .type = Type::Integer}},
         .answer = "Object",
         .handler = look_queue},
        {.method = "GET",
         .path = "/queue/suspensions",
         .operation = "getSuspensions",
         .tag = "queue",
         .summary = "Accounts and domains whose mail is stopped.",
         .roles = kLook,
         .answer = "Suspensions",
         .handler = look_queue},
        order("retry", kLook, "Order", "Tries these now; 1000 at the most."),
        order("release", kLook, "Order", "Lets what is held go out."),
        order("hold", kHold, "Order", "Keeps them, until they are released."),
        order("drop", kOperator, "DropOrder", "Throws them away, with or without a bounce."),
        order("reroute", kOperator, "RerouteOrder", "Sends them another way."),
        {.method = "POST",
         .path = "/queue/suspend",
         .operation = "suspendMail",
         .tag = "queue",
         .summary = "Stops the mail of an account or to a domain.",
         .roles = kHold,
         .reason = Reason::Needed,
         .body = "Suspension",
         .answer = "Object",
         .handler = order_queue},
        {.method = "POST",
         .path = "/queue/resume",
         .operation = "resumeMail",
         .tag = "queue",
         .summary = "Ends that.",
         .roles = kHold,
         .reason = Reason::Needed,
         .body = "Suspension",
         .answer = "Object",
         .handler = order_queue},
        one("retry", kLook, "Tries it now."),
        one("release", kLook, "Lets it go out."),
        one("hold", kHold, "Keeps it, until it is released."),
        one("drop", kOperator, "Throws it away."),
    };
}

std::vector<Route> of_accounts() {
    const auto on_account = [](const char* what,
                               const char* operation,
                               Roles roles,
                               const char* body,
                               const char* summary) {
        return Route{
            .method = "POST",
            .path = std::string("/accounts/{login}/") + what,
            .operation = operation,
            .tag = "accounts",
            .summary = summary,
            .roles = roles,
            .reason = Reason::Needed,
            .body = body,
            .answer = "Told",
            .handler = order_account
        };
    };
    const auto send_as = [](const char* what, const char* summary) {
        return Route{
            .method = "POST",
            .path = std::string("/send-as/") + what,
            .operation = std::string(what) + "SendAs",
            .tag = "accounts",
            .summary = summary,
            .roles = kLook,
            .reason = Reason::Needed,
            .body = "SendAs",
            .answer = "Object",
            .handler = order_send_as
        };
    };
    return {
        on_account(
            "suspend",
            "suspendAccount",
            kHold,
            "Reason",
            "It may not send; its sessions end, its queued mail is held; it goes on "
            "receiving."
        ),
        on_account(
            "resume",
            "resumeAccount",
            kHold,
            "Resume",
            "Trusts it again, and sends on what was held."
        ),
        on_account(
            "notice",
            "resendNotice",
            kLook,
            "Reason",
            "Sends its owner the notice about its stage again."
        ),
        {.method = "GET",
         .path = "/send-as",
         .operation = "lookSendAs",
         .tag = "accounts",
         .summary = "Addresses elsewhere that an account may send as, or asks to.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters = {{.name = "login", .help = "the account's", .required = true}},
         .answer = "Object",
         .handler = look_send_as},
        send_as("add", "Asks for one: a code is mailed to it, unless somebody vouches for it."),
        send_as("prove", "Confirms one with the code that came."),
        send_as("remove", "Takes one away."),
        {.method = "POST",
         .path = "/accounts/{login}/link",
         .operation = "linkAccount",
         .tag = "accounts",
         .summary = "A link that opens the subscriber's own page once, for who has lost the "
                    "password; whoever has it is let in.",
         .roles = kOperator,
         .reason = Reason::Needed,
         .body = "Reason",
         .answer = "Link",
         .handler = link_account,
         .secret = true},
        {.method = "POST",
         .path = "/limits/reset",
         .operation = "resetLimit",
         .tag = "accounts",
         .summary = "Lets the counts of an account, line, address or domain begin anew.",
         .roles = kHold,
         .reason = Reason::Needed,
         .body = "LimitReset",
         .answer = "Object",
         .handler = reset_limit},
        {.method = "GET",
         .path = "/policy",
         .operation = "getPolicy",
         .tag = "policy",
         .summary = "The policy in force: classes, rules, stages.",
         .roles = kLook,
         .answer = "Policy",
         .handler = get_policy},
        {.method = "POST",
         .path = "/exemptions/{id}/revoke",
         .operation = "revokeExemption",
         .tag = "policy",
         .summary = "Ends an exemption or a penalty.",
         .roles = kOperator,
         .reason = Reason::Needed,
         .body = "Reason",
         .answer = "Told",
         .handler = revoke_lease},
    };
}

std::vector<Route> of_requests() {
    const auto decide = [](const char* what, const char* operation, const char* summary) {
        return Route{
            .method = "POST",
            .path = std::string("/exemption-requests/{id}/") + what,
            .operation = operation,
            .tag = "policy",
            .summary = summary,
            .roles = kOperator,
            .reason = Reason::Needed,
            .body = "Reason",
            .answer = "Told",
            .handler = decide_request
        };
    };
    return {
        {.method = "GET",
         .path = "/exemption-requests",
         .operation = "lookExemptionRequests",
         .tag = "policy",
         .summary = "Who asked for an exemption on the own page, what was found, what became of "
                    "it; the newest first.",
         .roles = kLook,
         .reason = Reason::Needed,
         .parameters =
             {{.name = "state",
               .help = "only these",
               .choices =
                   {"asked", "waiting", "granted", "refused", "withdrawn", "revoked", "ended"}},
              {.name = "limit", .help = "rows at the most", .type = Type::Integer}},
         .answer = "ExemptionRequests",
         .handler = look_requests},
        decide("grant", "grantExemptionRequest", "Grants one that waits; its owner is told."),
        decide("refuse", "refuseExemptionRequest", "Refuses one that waits; its owner is told."),
        decide(
            "revoke",
            "revokeExemptionRequest",
            "Ends one that is granted, and its exemption; its owner is told."
        ),
    };
}

std::vector<Route> make() {
    std::vector<Route> all;
    for (auto part : {of_people, of_looks, report_routes, of_queue, of_accounts, of_requests}) {
        for (Route& route : part()) {
            all.push_back(std::move(route));
        }
    }
    return all;
}

bool matches(
    std::string_view pattern, std::string_view path, std::map<std::string, std::string>& values
) {
    const auto wanted = split(pattern, '/');
    const auto given = split(path, '/');
    if (wanted.size() != given.size()) {
        return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i].starts_with('{')) {
            values[std::string(wanted[i].substr(1, wanted[i].size() - 2))] = given[i];
        } else if (wanted[i] != given[i]) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::vector<std::string> Route::path_names() const {
    std::vector<std::string> out;
    for (const std::string_view part : split(path, '/')) {
        if (part.starts_with('{')) {
            out.emplace_back(part.substr(1, part.size() - 2));
        }
    }
    return out;
}

const std::vector<Route>& routes() {
    static const std::vector<Route> kRoutes = make();
    return kRoutes;
}

Found find_route(std::string_view method, std::string_view path) {
    Found found;
    for (const Route& route : routes()) {
        std::map<std::string, std::string> values;
        if (!matches(route.path, path, values)) {
            continue;
        }
        const bool head = method == "HEAD" && route.method == "GET";
        if (route.method == method || head) {
            return {.route = &route, .path = std::move(values), .allow = ""};
        }
        found.allow += found.allow.empty() ? "" : ", ";
        found.allow += route.method == "GET" ? "GET, HEAD" : route.method;
    }
    return found;
}

}  // namespace sekisho::desk

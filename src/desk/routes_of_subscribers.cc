// The routes about one subscriber: accounts, lines, requests.
#include "desk/handlers.h"
#include "desk/route_parts.h"
#include "desk/routes.h"
#include "staff/roles.h"

#include <string>
#include <utility>
#include <vector>

namespace sekisho::desk {

namespace {

// suspend, resume and notice, of an account or of a line.
std::vector<Route> of_conduct(
    const std::string& path, const std::string& whose, const char* suspended
) {
    const auto one = [&](const char* what,
                         const std::string& operation,
                         staff::Roles roles,
                         const char* body,
                         const char* summary) {
        return Route{
            .method = "POST",
            .path = path + what,
            .operation = operation,
            .tag = "accounts",
            .summary = summary,
            .roles = roles,
            .reason = Reason::Needed,
            .body = body,
            .answer = "Told",
            .handler = order_conduct
        };
    };
    return {
        one("suspend", "suspend" + whose, kHold, "Reason", suspended),
        one("resume",
            "resume" + whose,
            kHold,
            "Resume",
            "Trusts it again, and sends on what was held."),
        one("notice",
            whose == "Account" ? "resendNotice" : "resendNoticeOf" + whose,
            kLook,
            "Reason",
            "Sends its owner the notice about its stage again."),
    };
}

}  // namespace

std::vector<Route> of_accounts() {
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
    std::vector<Route> all = of_conduct(
        "/accounts/{login}/",
        "Account",
        "It may not send; its sessions end, its queued mail is held; it goes on receiving."
    );
    for (Route& route : of_conduct(
             "/lines/{line}/",
             "Line",
             "Nobody may send from it; sessions end, what was queued from there is held."
         )) {
        all.push_back(std::move(route));
    }
    for (Route& route : std::vector<Route>{
             {.method = "GET",
              .path = "/send-as",
              .operation = "lookSendAs",
              .tag = "accounts",
              .summary = "Everything that an account may send as: its own, aliases, those it is "
                         "delegate for, "
                         "and addresses elsewhere, also those that wait for their code.",
              .roles = kLook,
              .reason = Reason::Needed,
              .parameters = {{.name = "login", .help = "the account's", .required = true}},
              .answer = "Object",
              .handler = look_send_as},
             send_as(
                 "add", "Asks for one: a code is mailed to it, unless somebody vouches for it."
             ),
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
         }) {
        all.push_back(std::move(route));
    }
    return all;
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

}  // namespace sekisho::desk

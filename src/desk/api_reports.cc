// What others report about our domains: who sends as us, and TLS on the way to us.
#include "base/bytes.h"
#include "base/result.h"
#include "desk/api.h"
#include "desk/handlers.h"
#include "desk/json.h"
#include "desk/routes.h"
#include "report/ledger.h"
#include "report/shown.h"
#include "staff/roles.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::int64_t kDays = 30;
constexpr std::int64_t kDaysMost = 3650;

report::ReceivedQuery query_of(const Call& call) {
    report::ReceivedQuery query;
    query.domain = to_lower(call.text("domain"));
    query.since = call.context.now - std::chrono::hours{24 * call.number("days", kDays)};
    query.verified_only = call.text("verified") == "true";
    return query;
}

template <class T>
ApiAnswer shown_as(const char* name, const Result<T>& found) {
    if (!found) {
        return problem_of(found.error());
    }
    ApiAnswer answer;
    answer.body = Json{{name, Json::parse(report::shown(*found).dump())}};
    return answer;
}

}  // namespace

ApiAnswer look_dmarc_reports(const Call& call) {
    if (call.context.reports == nullptr) {
        return shown_as("sources", Result<std::vector<report::SourceSum>>{});
    }
    return shown_as("sources", call.context.reports->sources(query_of(call)));
}

ApiAnswer look_tls_reports(const Call& call) {
    if (call.context.reports == nullptr) {
        return shown_as("policies", Result<std::vector<report::TlsSum>>{});
    }
    return shown_as("policies", call.context.reports->tls_sums(query_of(call)));
}

std::vector<Route> report_routes() {
    const std::vector<Parameter> parameters{
        {.name = "domain", .help = "only about this domain"},
        {.name = "days",
         .help = "reports of so many days back; else 30",
         .type = Type::Integer,
         .most = kDaysMost},
        {.name = "verified", .help = "only those whose mail passed DMARC", .type = Type::Flag}
    };
    const staff::Roles roles{staff::Role::Abuse, staff::Role::Operator};
    return {
        {.method = "GET",
         .path = "/reports/dmarc",
         .operation = "lookDmarcReports",
         .tag = "reports",
         .summary = "Who sends as our domains, as others report it, and what it means.",
         .roles = roles,
         .parameters = parameters,
         .answer = "DmarcReports",
         .handler = look_dmarc_reports},
        {.method = "GET",
         .path = "/reports/tls",
         .operation = "lookTlsReports",
         .tag = "reports",
         .summary = "Who reports trouble with TLS on the way to us, and what it means.",
         .roles = roles,
         .parameters = parameters,
         .answer = "TlsReports",
         .handler = look_tls_reports},
    };
}

}  // namespace sekisho::desk

#include "cli/limit_control.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "event/event.h"
#include "limit/gcra.h"
#include "limit/limiter.h"
#include "limit/spec.h"
#include "mail/server.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::cli {
namespace {

Time shown(limit::Instant at) {
    return std::chrono::ceil<std::chrono::seconds>(at);
}

Json list(mail::Server& server) {
    const auto specs = server.limits();
    Json rows = Json::array();
    for (const limit::Limiter::Counters& one : server.limiter().counters()) {
        Json row{{"limit", one.limit}};
        const auto spec = std::ranges::find(specs, one.limit, &limit::Spec::name);
        if (spec != specs.end()) {
            row["count"] = limit::name(spec->counts);
            row["by"] = spec->by_text();
            row["allowed"] = spec->allowance();
            row["where"] = limit::name(spec->where);
            row["service"] = limit::name(spec->service);
            row["shadow"] = spec->shadow;
        } else {
            row["count"] = "failed-logins";
            row["by"] = one.limit.substr(one.limit.rfind('.') + 1);
        }
        row["keys"] = one.keys;
        row["taken"] = one.taken;
        row["refused"] = one.refused;
        row["would_refuse"] = one.would_refuse;
        row["dropped_live"] = one.dropped_live;
        rows.push_back(std::move(row));
    }
    return Json{{"limits", std::move(rows)}};
}

limit::Limiter::Which about(const std::string& subject, const std::string& limit) {
    return [subject, limit](std::string_view name, std::string_view key) {
        return (limit.empty() || name == limit) && limit::is_about(key, subject);
    };
}

Json show(mail::Server& server, const std::string& subject) {
    Json rows = Json::array();
    for (const limit::Use& use : server.limiter().uses(about(subject, ""), now())) {
        rows.push_back(
            {{"limit", use.limit},
             {"key", use.key},
             {"used", use.used},
             {"allowed", use.allowed},
             {"reset", use.used > 0 ? rfc3339(shown(use.recovered_at)) : ""}}
        );
    }
    return Json{{"subject", subject}, {"uses", std::move(rows)}};
}

Result<Json> reset(
    mail::Server& server, event::Journal& journal, const std::string& subject, const Json& request
) {
    const std::string limit = request.value("limit", "");
    const std::string reason = request.value("reason", "");
    if (reason.empty()) {
        return fail(Errc::Invalid, "why? a reason is kept with it");
    }
    const auto counters = server.limiter().counters();
    if (!limit.empty() &&
        std::ranges::find(counters, limit, &limit::Limiter::Counters::limit) == counters.end()) {
        return fail(Errc::NotFound, "there is no limit \"" + limit + "\"");
    }
    const std::size_t gone = server.limiter().forget_if(about(subject, limit));
    event::Event row;
    row.at = now();
    row.kind = event::Kind::LimitReset;
    if (IpAddress::parse(subject)) {
        row.address = subject;
    } else {
        (subject.find('@') == std::string::npos ? row.line : row.account) = subject;
    }
    row.rule = limit.empty() ? "" : "limit:" + limit;
    row.count = static_cast<std::int64_t>(gone);
    row.detail =
        fmt::format("{} counts began anew, by {}: {}", gone, request.value("by", "?"), reason);
    journal.append(std::move(row));
    return Json{
        {"subject", subject},
        {"reset", gone},
        {"text", fmt::format("{}: {} counts begin anew", subject, gone)}
    };
}

}  // namespace

Result<Json> limit_command(
    mail::Server& server, event::Journal& journal, const std::string& name, const Json& request
) {
    if (name == "limit-list") {
        return list(server);
    }
    const std::string subject = request.value("subject", "");
    if (subject.empty()) {
        return fail(Errc::Invalid, "of which account, address, line or domain?");
    }
    if (name == "limit-show") {
        return show(server, subject);
    }
    if (name == "limit-reset") {
        return reset(server, journal, subject, request);
    }
    return fail(Errc::NotFound, "the mail server knows no command \"" + name + "\"");
}

}  // namespace sekisho::cli

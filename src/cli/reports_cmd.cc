// sekisho reports list|show|dmarc|tls|read on the store; due|send ask the mail role.
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/report_keeper.h"
#include "report/dmarc.h"
#include "report/hint.h"
#include "report/ledger.h"
#include "report/shown.h"
#include "report/tls.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::cli {
namespace {

using report::Kind;
using Work = std::function<int(const config::Config&, store::Store&)>;

int with_store(const Context& context, const Work& work) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    return store ? work(*config, **store) : report(context, store.error());
}

struct Options {
    std::string domain, since = "30d";
    bool verified = false;
};

Result<report::ReceivedQuery> query_of(const Options& options) {
    report::ReceivedQuery query;
    query.domain = to_lower(options.domain);
    query.verified_only = options.verified;
    const auto span = parse_duration(options.since);
    const auto time = span ? std::optional(now() - *span) : parse_rfc3339(options.since);
    if (!time) {
        return fail(Errc::Invalid, "--since is a time, or a span (30d)");
    }
    query.since = *time;
    return query;
}

Json to_json(const report::ReceivedFacts& one) {
    return Json{
        {"id", one.id},
        {"kind", name(one.kind)},
        {"organization", one.organization},
        {"domain", one.domain},
        {"begin", rfc3339(one.begin)},
        {"end", rfc3339(one.end)},
        {"good", one.good},
        {"bad", one.bad},
        {"from", one.from},
        {"verified", one.verified},
        {"report_id", one.report_id},
        {"at", rfc3339(one.at)}
    };
}

int list(const Context& context, const Options& options, store::Store& store) {
    const auto query = query_of(options);
    if (!query) {
        return report(context, query.error());
    }
    const auto found = store.reports().received(*query);
    if (!found) {
        return report(context, found.error());
    }
    Json rows = Json::array();
    std::vector<std::vector<std::string>> lines;
    for (const report::ReceivedFacts& one : *found) {
        rows.push_back(to_json(one));
        lines.push_back(
            {std::to_string(one.id),
             std::string(name(one.kind)),
             rfc3339(one.begin).substr(0, 10),
             one.domain,
             one.organization,
             report::grouped(one.good),
             report::grouped(one.bad),
             one.verified ? "" : "not verified"}
        );
    }
    print(
        context,
        Json{{"reports", std::move(rows)}},
        lines.empty() ? "no reports"
                      : table({"ID", "KIND", "DAY", "ABOUT", "FROM", "GOOD", "BAD", ""}, lines)
    );
    return kDone;
}

Json auth_json(const std::vector<report::AuthResult>& all) {
    Json out = Json::array();
    for (const report::AuthResult& one : all) {
        out.push_back(
            {{"domain", one.domain},
             {"selector", one.selector},
             {"result", one.result},
             {"human_result", one.human}}
        );
    }
    return out;
}

std::string auth_text(const std::vector<report::AuthResult>& all) {
    std::string out;
    for (const report::AuthResult& one : all) {
        out += (out.empty() ? "" : ", ") + one.result + " " + one.domain +
               (one.selector.empty() ? "" : "/" + one.selector);
    }
    return out.empty() ? "none" : out;
}

int show_dmarc(const Context& context, const report::DmarcReport& one, Json out) {
    Json rows = Json::array();
    std::vector<std::vector<std::string>> lines;
    for (const report::CountedRow& counted : one.rows) {
        const report::DmarcRow& row = counted.row;
        rows.push_back(
            {{"source", row.source},
             {"count", counted.count},
             {"passed", row.passed()},
             {"disposition", row.disposition},
             {"header_from", row.header_from},
             {"envelope_from", row.envelope_from},
             {"dkim_aligned", row.dkim_aligned},
             {"spf_aligned", row.spf_aligned},
             {"dkim", auth_json(row.dkim)},
             {"spf", auth_json(row.spf)}}
        );
        lines.push_back(
            {row.source,
             report::grouped(counted.count),
             row.passed() ? "pass" : "fail",
             row.disposition,
             row.header_from,
             auth_text(row.spf),
             auth_text(row.dkim)}
        );
    }
    out["policy"] = {{"domain", one.policy.domain}, {"p", one.policy.p}, {"sp", one.policy.sp}};
    out["rows"] = std::move(rows);
    print(
        context,
        out,
        fmt::format(
            "{} about {}, {} to {}, p={}\n",
            one.by.organization,
            one.policy.domain,
            rfc3339(one.begin),
            rfc3339(one.end),
            one.policy.p
        ) + table({"SOURCE", "COUNT", "DMARC", "DONE", "FROM", "SPF", "DKIM"}, lines)
    );
    return kDone;
}

int show_tls(const Context& context, const report::TlsReport& one, Json out) {
    Json policies = Json::array();
    std::string text =
        fmt::format("{}, {} to {}\n", one.organization, rfc3339(one.begin), rfc3339(one.end));
    for (const report::TlsResult& result : one.results) {
        Json failures = Json::array();
        text += fmt::format(
            "{} ({}): {} sessions held, {} failed\n",
            result.policy.domain,
            result.policy.type,
            report::grouped(result.succeeded),
            report::grouped(result.failed)
        );
        for (const report::CountedFailure& failure : result.failures) {
            failures.push_back(report::shown(failure));
            text += fmt::format(
                "  {} x {} at {}: {}\n",
                report::grouped(failure.count),
                failure.failure.type,
                failure.failure.mx_host.empty() ? "a mail host" : failure.failure.mx_host,
                report::hint(failure.failure)
            );
        }
        policies.push_back(
            {{"domain", result.policy.domain},
             {"type", result.policy.type},
             {"succeeded", result.succeeded},
             {"failed", result.failed},
             {"failures", std::move(failures)}}
        );
    }
    out["policies"] = std::move(policies);
    text.pop_back();
    print(context, out, text);
    return kDone;
}

int show(const Context& context, std::int64_t id, store::Store& store) {
    const auto found = store.reports().received(id);
    if (!found) {
        return report(context, found.error());
    }
    Json out{{"id", id}, {"from", found->from}, {"verified", found->verified}};
    if (const auto* dmarc = std::get_if<report::DmarcReport>(&found->report)) {
        return show_dmarc(context, *dmarc, std::move(out));
    }
    return show_tls(context, std::get<report::TlsReport>(found->report), std::move(out));
}

int dmarc(const Context& context, const Options& options, store::Store& store) {
    const auto query = query_of(options);
    if (!query) {
        return report(context, query.error());
    }
    const auto found = store.reports().sources(*query);
    if (!found) {
        return report(context, found.error());
    }
    std::string text;
    for (const report::SourceSum& one : *found) {
        text += report::hint(one) + "\n";
    }
    if (!text.empty()) {
        text.pop_back();
    }
    print(
        context,
        Json{{"sources", report::shown(*found)}},
        text.empty() ? "no reports about mail of our domains" : text
    );
    return kDone;
}

int tls(const Context& context, const Options& options, store::Store& store) {
    const auto query = query_of(options);
    if (!query) {
        return report(context, query.error());
    }
    const auto found = store.reports().tls_sums(*query);
    if (!found) {
        return report(context, found.error());
    }
    std::string text;
    for (const report::TlsSum& one : *found) {
        std::uint64_t failed = 0;
        std::string lines;
        for (const report::CountedFailure& failure : one.failures) {
            failed += failure.count;
            lines += fmt::format(
                "  {} x at {}: {}\n",
                report::grouped(failure.count),
                failure.failure.mx_host.empty() ? "a mail host" : failure.failure.mx_host,
                report::hint(failure.failure)
            );
        }
        text += fmt::format(
            "{} to {} ({}): {} sessions held, {} failed\n{}",
            one.organization,
            one.domain,
            one.policy_type,
            report::grouped(one.succeeded),
            report::grouped(failed),
            lines
        );
    }
    if (!text.empty()) {
        text.pop_back();
    }
    print(
        context,
        Json{{"policies", report::shown(*found)}},
        text.empty() ? "no reports about TLS to our hosts" : text
    );
    return kDone;
}

int read(
    const Context& context,
    const std::string& file,
    const config::Config& config,
    store::Store& store
) {
    const auto text = read_file(file);
    if (!text) {
        return report(context, text.error());
    }
    auto taken = take_reports(store, config, *text, false, file, false);
    if (!taken) {
        // A whole mail, as a mail program saves it.
        auto mail = take_reports(store, config, *text, true, file, false);
        if (!mail) {
            return report(context, taken.error());
        }
        taken = std::move(mail);
    }
    std::string text_out = fmt::format("{} taken, {} known already", taken->taken, taken->known);
    for (const std::string& domain : taken->refused) {
        text_out += "; " + printable(domain) + " is neither in mail.domains nor in reports.domains";
    }
    print(
        context,
        Json{{"taken", taken->taken}, {"known", taken->known}, {"refused", taken->refused}},
        text_out
    );
    return taken->taken + taken->known > 0 ? kDone : kFailed;
}

std::string due_text(const Json& answer) {
    std::vector<std::vector<std::string>> lines;
    for (const Json& row : answer.value("reports", Json::array())) {
        lines.push_back(
            {row.value("kind", ""),
             row.value("day", ""),
             row.value("domain", ""),
             report::grouped(row.value("count", std::uint64_t{0})),
             row.value("due", ""),
             row.value("detail", "")}
        );
    }
    if (answer.value("from", "").empty()) {
        return "reports.from is empty: nothing is recorded, no reports are sent";
    }
    return lines.empty() ? "nothing was seen that is to be reported"
                         : table({"KIND", "DAY", "DOMAIN", "SEEN", "DUE", ""}, lines);
}

std::string sent_text(const Json& answer) {
    std::string text;
    for (const Json& row : answer.value("reports", Json::array())) {
        std::string what = row.value("detail", "");
        if (answer.value("dry_run", false)) {
            what.clear();
            for (const Json& to : row.value("to", Json::array())) {
                what += (what.empty() ? "would go to " : ", ") + to.get<std::string>();
            }
            for (const Json& problem : row.value("problems", Json::array())) {
                what += (what.empty() ? "" : "; ") + problem.get<std::string>();
            }
        }
        text += fmt::format(
            "{} {} {}: {}\n",
            row.value("kind", ""),
            row.value("day", ""),
            row.value("domain", ""),
            what.empty() ? row.value("state", "") : what
        );
    }
    if (text.empty()) {
        return "no report is due: those of today are, once the day (UTC) is over";
    }
    text.pop_back();
    return text;
}

void add_query(CLI::App& command, Options& options) {
    command.add_option("--domain", options.domain, "Only about this domain");
    command.add_option("--since", options.since, "Reports that came since: a time, or a span")
        ->capture_default_str();
    command.add_flag("--verified", options.verified, "Only those whose mail passed DMARC");
}

using Look = int (*)(const Context&, const Options&, store::Store&);

void add_look(
    CLI::App& top,
    Context& context,
    Chosen& chosen,
    const std::string& name,
    const std::string& help,
    Look look
) {
    auto options = std::make_shared<Options>();
    auto* command = top.add_subcommand(name, help);
    add_query(*command, *options);
    command->callback([&context, &chosen, options, look] {
        chosen = [&context, options, look] {
            return with_store(context, [&](const config::Config&, store::Store& store) {
                return look(context, *options, store);
            });
        };
    });
}

void add_sending(CLI::App& top, Context& context, Chosen& chosen) {
    top.add_subcommand("due", "What was seen, and when its report goes")
        ->callback([&context, &chosen] {
            chosen = [&context] {
                return ask_mail(context, Json{{"command", "reports-due"}}, due_text);
            };
        });
    auto at_once = std::make_shared<bool>(false);
    auto dry = std::make_shared<bool>(false);
    auto* send = top.add_subcommand("send", "Send the reports of all days that are over");
    send->add_flag("--now", *at_once, "At once, whenever they are due")->required();
    send->add_flag("--dry-run", *dry, "Only say to whom they would go");
    send->callback([&context, &chosen, at_once, dry] {
        chosen = [&context, dry] {
            return ask_mail(
                context, Json{{"command", "reports-send"}, {"dry_run", *dry}}, sent_text
            );
        };
    });
}

}  // namespace

void add_reports(CLI::App& app, Context& context, Chosen& chosen) {
    auto* top = app.add_subcommand("reports", "DMARC and TLS reports: of others, and ours to them");
    top->require_subcommand(1);
    add_look(*top, context, chosen, "list", "Reports that came, the newest first", list);
    add_look(
        *top, context, chosen, "dmarc", "Who sends as our domains, and whether it passes", dmarc
    );
    add_look(
        *top, context, chosen, "tls", "Who had trouble with TLS on the way to us, and why", tls
    );
    auto id = std::make_shared<std::int64_t>(0);
    auto* showing = top->add_subcommand("show", "All that one report says");
    showing->add_option("id", *id, "Its number in `list`")->required();
    showing->callback([&context, &chosen, id] {
        chosen = [&context, id] {
            return with_store(context, [&](const config::Config&, store::Store& store) {
                return show(context, *id, store);
            });
        };
    });
    auto file = std::make_shared<std::string>();
    auto* reading = top->add_subcommand("read", "Take a report that came another way");
    reading->add_option("file", *file, "XML, JSON, gzip, zip, or a whole mail")->required();
    reading->callback([&context, &chosen, file] {
        chosen = [&context, file] {
            return with_store(context, [&](const config::Config& config, store::Store& store) {
                return read(context, *file, config, store);
            });
        };
    });
    add_sending(*top, context, chosen);
}

}  // namespace sekisho::cli

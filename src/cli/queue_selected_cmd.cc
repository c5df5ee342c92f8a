// sekisho queue list|retry|hold|release|reroute|drop: on one message, or on all that a selector
// names. Before a change it shows how many, and some of them, and asks.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/event_text.h"
#include "cli/queue_cmd.h"
#include "cli/queue_control.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::vector<std::string> ids;
    std::string account, line, sender, recipient, domain, client, older;
    bool held = false, all = false;
    std::size_t limit = 100;
    std::string reason, route;
    bool bounce = false, yes = false, dry_run = false;
};

void add_selector(CLI::App& sub, Options& options) {
    sub.add_option("--id,queue-id", options.ids, "Queue ids");
    sub.add_option("--account", options.account, "Login that submitted it");
    sub.add_option("--line", options.line, "Subscriber's line it came from");
    sub.add_option("--sender", options.sender, "Reverse-path; <> for notifications");
    sub.add_option("--recipient", options.recipient, "Address of a recipient");
    sub.add_option("--domain", options.domain, "Domain of a recipient");
    sub.add_option("--client", options.client, "Address of the client it came from");
    sub.add_option("--older", options.older, "Accepted before: a time, or a span back (2h)");
    sub.add_flag("--held", options.held, "Only those that are held");
}

// What was given, as the mail role reads it.
Result<Json> selector(const Options& options) {
    Json request = Json::object();
    const auto put = [&request](const char* key, const std::string& value) {
        if (!value.empty()) {
            request[key] = value;
        }
    };
    if (!options.ids.empty()) {
        request["ids"] = options.ids;
    }
    put("account", options.account);
    put("line", options.line);
    put("sender", options.sender);
    put("recipient", options.recipient);
    put("domain", options.domain);
    put("client", options.client);
    if (options.held) {
        request["held"] = true;
    }
    if (!options.older.empty()) {
        const auto when = parse_when(options.older);
        if (!when) {
            return fail(when.error());
        }
        request["older"] = rfc3339(*when);
    }
    return request;
}

Json with(Json selector, const char* command) {
    selector["command"] = command;
    return selector;
}

int list(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto request = selector(options);
    if (!request) {
        return report(context, request.error());
    }
    constexpr std::size_t kPage = 1000;
    Json rows = Json::array();
    Json page_request = with(std::move(*request), "queue-list");
    while (rows.size() < options.limit) {
        page_request["limit"] = std::min(kPage, options.limit - rows.size());
        auto answer = ask(*config, "mail", page_request);
        if (!answer) {
            return report(context, answer.error());
        }
        for (Json& row : answer->at("messages")) {
            rows.push_back(std::move(row));
        }
        if (!answer->contains("next_after")) {
            break;
        }
        page_request["after"] = answer->at("next_after");
    }
    print(context, rows, queue_table(rows));
    return kDone;
}

// "12 the next try, 3 their turn"
std::string waits_for(const Json& row) {
    static constexpr std::array<std::pair<const char*, const char*>, 6> kReasons{{
        {"held", "a release"},
        {"suspended", "a resumption"},
        {"in_delivery", "the other server"},
        {"deferred", "the next try"},
        {"planned", "their time"},
        {"due", "their turn"},
    }};
    std::string out;
    for (const auto& [key, words] : kReasons) {
        const auto count = row.value(key, std::uint64_t{0});
        if (count > 0) {
            out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, words);
        }
    }
    return out;
}

// Mail hosts that are being talked to, or that have asked to be left alone.
std::string places_text(const Json& places) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& row : places) {
        const std::string slowed = row.value("slowed_by", "");
        const double pause = row.value("pause_seconds", 0.0);
        std::string state = slowed.empty() ? "" : "slowed down by: " + printable(slowed, 120);
        if (pause > 0) {
            state += fmt::format("{}next in {:.0f} s", state.empty() ? "" : "; ", std::ceil(pause));
        }
        rows.push_back(
            {row.value("place", ""),
             fmt::format(
                 "{} of {}",
                 row.value("active", std::uint64_t{0}),
                 row.value("limit", std::uint64_t{0})
             ),
             fmt::format("{}", row.value("waiting", std::uint64_t{0})),
             state}
        );
    }
    return rows.empty() ? ""
                        : "\n\n" + table({"MAIL HOSTS", "CONNECTIONS", "WAITING", "STATE"}, rows);
}

std::string stats_text(const Json& answer) {
    std::string out = fmt::format(
        "{} messages, {} bytes, {} held; {} destinations, {} accounts\n",
        answer.value("messages", std::uint64_t{0}),
        answer.value("bytes", std::uint64_t{0}),
        answer.value("held", std::uint64_t{0}),
        answer.value("destinations_total", std::uint64_t{0}),
        answer.value("accounts_total", std::uint64_t{0})
    );
    const auto number = [](const Json& row, const char* key) {
        return fmt::format("{}", row.value(key, std::uint64_t{0}));
    };
    std::vector<std::vector<std::string>> rows;
    for (const Json& row : answer.value("destinations", Json::array())) {
        rows.push_back(
            {row.value("domain", ""),
             number(row, "messages"),
             waits_for(row),
             row.value("oldest", ""),
             row.value("next_try", ""),
             row.value("why", "")}
        );
    }
    if (!rows.empty()) {
        out += "\n" +
               table({"DESTINATION", "MESSAGES", "WAIT FOR", "OLDEST", "NEXT TRY", "WHY"}, rows);
    }
    out += places_text(answer.value("places", Json::array()));
    rows.clear();
    for (const Json& row : answer.value("accounts", Json::array())) {
        rows.push_back(
            {row.value("account", ""),
             number(row, "messages"),
             number(row, "bytes"),
             number(row, "held"),
             row.value("oldest", "")}
        );
    }
    if (!rows.empty()) {
        out += "\n\n" + table({"ACCOUNT", "MESSAGES", "BYTES", "HELD", "OLDEST"}, rows);
    }
    return out;
}

int stats(const Context& context, const Options& options) {
    auto request = selector(options);
    if (!request) {
        return report(context, request.error());
    }
    (*request)["limit"] = options.limit;
    return ask_mail(context, with(std::move(*request), "queue-stats"), stats_text);
}

struct Totals {
    std::uint64_t done = 0;
    Json failed = Json::array();
};

// Page by page, up to the messages that were there when they were counted.
std::expected<Totals, Error> act(
    const config::Config& config, const Json& chosen, const Json& order, const std::string& as_of
) {
    Totals totals;
    Json page = with(chosen, "queue-list");
    page["limit"] = kActMax;
    if (!page.contains("older")) {
        page["older"] = as_of;
    }
    for (;;) {
        const auto rows = ask(config, "mail", page);
        if (!rows) {
            return std::unexpected(rows.error());
        }
        Json request = order;
        request["ids"] = Json::array();
        for (const Json& row : rows->at("messages")) {
            request["ids"].push_back(row.at("queue_id"));
        }
        if (!request["ids"].empty()) {
            const auto answer = ask(config, "mail", request);
            if (!answer) {
                return std::unexpected(answer.error());
            }
            totals.done += answer->value("done", std::uint64_t{0});
            for (const Json& one : answer->value("failed", Json::array())) {
                totals.failed.push_back(one);
            }
        }
        if (!rows->contains("next_after")) {
            return totals;
        }
        page["after"] = rows->at("next_after");
    }
}

int tell(const Context& context, const std::string& verb, const Totals& totals) {
    std::string text = fmt::format("{}: {} done", verb, totals.done);
    if (!totals.failed.empty()) {
        text += fmt::format(", {} not:", totals.failed.size());
        for (const Json& one : totals.failed) {
            text += fmt::format("\n  {}", one.value("error", ""));
        }
    }
    print(context, Json{{"done", totals.done}, {"failed", totals.failed}}, text);
    return totals.failed.empty() ? kDone : kFailed;
}

int change(const Context& context, const std::string& verb, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto chosen = selector(options);
    if (!chosen) {
        return report(context, chosen.error());
    }
    // Ids are names: who gave them has looked already, and a wrong one is an error.
    const bool by_id = !options.ids.empty() && chosen->size() == 1;
    if (chosen->empty() && !options.all) {
        return report(
            context, {Errc::Invalid, "say which messages (--account, --domain, ...), or --all"}
        );
    }
    if (!by_id && (verb == "release" || verb == "retry")) {
        (*chosen)["held"] = verb == "release";  // the others have nothing to be done
    }
    const auto counted = ask(*config, "mail", with(*chosen, "queue-count"));
    if (!counted) {
        return report(context, counted.error());
    }
    const auto count = counted->value("count", std::uint64_t{0});
    if (options.dry_run || (!by_id && !options.yes)) {
        const std::string text = fmt::format(
            "{} message{}, {} recipients, {} bytes\n{}",
            count,
            count == 1 ? "" : "s",
            counted->value("recipients", std::uint64_t{0}),
            counted->value("bytes", std::uint64_t{0}),
            queue_table(counted->at("sample"))
        );
        if (options.dry_run) {
            print(context, *counted, text);
            return kDone;
        }
        fmt::print(stderr, "{}\n", text);
        if (count > 0) {
            const auto yes = agreed(fmt::format("{} {} of them?", verb, count));
            if (!yes || !*yes) {
                return report(context, yes ? Error{Errc::Denied, "nothing was done"} : yes.error());
            }
        }
    }
    Json order{
        {"command", "queue-" + verb},
        {"who", operator_name()},
        {"reason", options.reason},
        {"route", options.route},
        {"bounce", options.bounce},
        {"selector", chosen->dump()}
    };
    if (by_id && options.ids.size() == 1) {
        order["queue_id"] = options.ids.front();
        const auto answer = ask(*config, "mail", order);
        if (!answer) {
            return report(context, answer.error());
        }
        print(context, *answer, answer->value("text", "done"));
        return kDone;
    }
    const auto totals = act(*config, *chosen, order, counted->value("as_of", ""));
    return totals ? tell(context, verb, *totals) : report(context, totals.error());
}

}  // namespace

void add_queue_selected(CLI::App& queue, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* listing = queue.add_subcommand("list", "The queued messages, oldest first");
    add_selector(*listing, *options);
    listing->add_option("--limit", options->limit, "Rows at the most")
        ->check(CLI::Range(1, 1000000));
    listing->callback([&context, &chosen, options] {
        chosen = [&context, options] { return list(context, *options); };
    });
    auto* statistics = queue.add_subcommand("stats", "What waits: by destination and by account");
    add_selector(*statistics, *options);
    statistics->add_option("--limit", options->limit, "Rows of each at the most")
        ->check(CLI::Range(1, 10000));
    statistics->callback([&context, &chosen, options] {
        chosen = [&context, options] { return stats(context, *options); };
    });
    struct One {
        const char* name;
        const char* help;
    };
    for (const One& one :
         {One{"retry", "Try them now"},
          One{"hold", "Keep them; no more tries until released"},
          One{"release", "End a hold and try them now"},
          One{"reroute", "Send them by another server, and try them now"},
          One{"drop", "Remove them, without notice to their senders unless --bounce"}}) {
        auto* sub = queue.add_subcommand(one.name, one.help);
        const std::string verb = one.name;
        add_selector(*sub, *options);
        sub->add_flag("--all", options->all, "Every queued message");
        sub->add_option("--reason", options->reason, "Why; shown with the message, kept in events");
        sub->add_flag("--yes", options->yes, "Don't ask");
        sub->add_flag(
            "--dry-run", options->dry_run, "Show what it would be done to, and do nothing"
        );
        if (verb == "reroute") {
            sub->add_option(
                   "--to",
                   options->route,
                   "HOST:PORT of the other server, or the name of a [[route]]"
            )
                ->required();
        }
        if (verb == "drop") {
            sub->add_flag(
                "--bounce", options->bounce, "Send each sender a notice, with the reason, first"
            );
        }
        sub->callback([&context, &chosen, options, verb] {
            chosen = [&context, options, verb] { return change(context, verb, *options); };
        });
    }
}

}  // namespace sekisho::cli

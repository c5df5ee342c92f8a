// sekisho limit list|show|reset|replay.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/event_text.h"
#include "cli/limit_replay.h"
#include "config/config.h"
#include "event/event.h"
#include "policy/policy.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string subject, limit, reason, since = "7d", file;
    std::size_t rows = 50;
};

std::string number(const Json& row, const char* key) {
    return std::to_string(row.value(key, std::uint64_t{0}));
}

std::string list_text(const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : answer.at("limits")) {
        const std::string where = one.value("where", "");
        rows.push_back(
            {one.value("limit", ""),
             one.value("count", ""),
             one.value("by", "") + (where.empty() || where == "anywhere" ? "" : ", " + where),
             one.value("allowed", ""),
             one.value("shadow", false) ? "shadow" : "",
             number(one, "keys"),
             number(one, "taken"),
             number(one, "refused"),
             number(one, "would_refuse")}
        );
    }
    return rows.empty() ? "there are no limits"
                        : table(
                              {"LIMIT",
                               "COUNTS",
                               "BY",
                               "ALLOWED",
                               "",
                               "KEYS",
                               "PASSED",
                               "REFUSED",
                               "WOULD REFUSE"},
                              rows
                          );
}

std::string show_text(const Json& answer) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : answer.at("uses")) {
        const std::string reset = one.value("reset", "");
        rows.push_back(
            {one.value("limit", ""),
             one.value("key", ""),
             fmt::format("{} of {}", one.value("used", 0LL), one.value("allowed", 0LL)),
             reset.empty() ? "now" : reset}
        );
    }
    return rows.empty() ? "nothing of any limit is used by " + answer.value("subject", "")
                        : table({"LIMIT", "KEY", "USED", "ALL FREE AGAIN"}, rows);
}

Status read_all(event::Journal& journal, LimitReplay& replay) {
    event::Query query;
    query.kinds = LimitReplay::kinds();
    query.newest_first = false;
    return event::for_each(journal, query, [&replay](const event::Event& one) { replay.add(one); });
}

Json to_json(const Replayed& replayed) {
    Json hits = Json::array();
    for (const ReplayHit& hit : replayed.hits) {
        hits.push_back(
            {{"limit", hit.limit},
             {"key", hit.key},
             {"allowed", hit.allowed},
             {"refused", hit.refused},
             {"first", rfc3339(hit.first)},
             {"last", rfc3339(hit.last)}}
        );
    }
    return Json{
        {"events", replayed.events},
        {"from", replayed.events == 0 ? "" : rfc3339(replayed.from)},
        {"hits", std::move(hits)},
        {"not_seen", replayed.unseen}
    };
}

std::string replay_text(const Replayed& replayed, std::size_t rows_max) {
    std::string out = fmt::format("{} recorded events", replayed.events);
    if (replayed.events > 0) {
        out += " since " + rfc3339(replayed.from);
    }
    out += replayed.hits.empty()
               ? ": nobody would have been refused\n"
               : fmt::format(": {} would have been refused\n", replayed.hits.size());
    if (!replayed.hits.empty()) {
        std::vector<std::vector<std::string>> rows;
        for (const ReplayHit& hit : replayed.hits) {
            if (rows.size() == rows_max) {
                break;
            }
            rows.push_back(
                {hit.limit,
                 hit.key,
                 std::to_string(hit.allowed),
                 std::to_string(hit.refused),
                 rfc3339(hit.first),
                 rfc3339(hit.last)}
            );
        }
        out += table({"LIMIT", "KEY", "ALLOWED", "REFUSED", "FIRST", "LAST"}, rows);
        if (replayed.hits.size() > rows_max) {
            out += fmt::format("\n... and {} more (--rows)", replayed.hits.size() - rows_max);
        }
    }
    for (const std::string& one : replayed.unseen) {
        out += fmt::format("\n{}: not looked at, the journal has no sizes and connections", one);
    }
    return out;
}

int replay(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    Context other = context;
    other.config_file = options.file.empty() ? context.config_file : options.file;
    const auto changed = load_config(other);
    if (!changed) {
        return changed.error();
    }
    const auto since = parse_when(options.since);
    if (!since) {
        return report(context, since.error());
    }
    auto policy = policy::Policy::compile(changed->policy);
    if (!policy) {
        return report(context, policy.error());
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    auto run = LimitReplay::make(*changed, std::move(*policy), *since);
    if (!run) {
        return report(context, run.error());
    }
    if (const Status read = read_all((*store)->journal(), *run); !read) {
        return report(context, read.error());
    }
    const Replayed replayed = run->result();
    print(context, to_json(replayed), replay_text(replayed, options.rows));
    return kDone;
}

}  // namespace

void add_limit(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* limit =
        app.add_subcommand("limit", "What clients may do, and how much of it they have used");
    limit->require_subcommand(1);

    auto* list = limit->add_subcommand("list", "The limits, and how often they passed and refused");
    list->callback([&context, &chosen] {
        chosen = [&context] {
            return ask_mail(context, Json{{"command", "limit-list"}}, list_text);
        };
    });

    auto* show = limit->add_subcommand("show", "What one account, address or line has used");
    show->add_option("subject", options->subject, "Account, address, line or domain")->required();
    show->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return ask_mail(
                context, Json{{"command", "limit-show"}, {"subject", options->subject}}, show_text
            );
        };
    });

    auto* reset = limit->add_subcommand("reset", "Let its counts begin anew; this is recorded");
    reset->add_option("subject", options->subject, "Account, address, line or domain")->required();
    reset->add_option("--limit", options->limit, "Only this limit");
    reset->add_option("--reason", options->reason, "Why; kept with it")->required();
    reset->callback([&context, &chosen, options] {
        chosen = [&context, options] {
            return ask_mail(
                context,
                Json{
                    {"command", "limit-reset"},
                    {"subject", options->subject},
                    {"limit", options->limit},
                    {"reason", options->reason},
                    {"by", operator_name()}
                },
                done_text
            );
        };
    });

    auto* past = limit->add_subcommand(
        "replay", "Who would have been refused by a set of limits, from what is recorded"
    );
    past->add_option("--since", options->since, "A time, or a span back from now (7d)");
    past->add_option("--config", options->file, "A configuration file with the changed limits");
    past->add_option("--rows", options->rows, "Rows at the most")->check(CLI::Range(1, 100000));
    past->callback([&context, &chosen, options] {
        chosen = [&context, options] { return replay(context, *options); };
    });
}

}  // namespace sekisho::cli

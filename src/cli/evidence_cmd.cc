// sekisho gate evidence start|list|show|stop: straight in the store; the gate looks there every
// second.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "evidence/check.h"
#include "evidence/custody.h"
#include "evidence/evidence.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string line, prefix, reason, span, actor;
    std::int64_t id = 0;
    std::size_t limit = 1000;
    bool erase = false;
};

// What a case is at the moment.
std::string state(const evidence::Case& one, Time at) {
    if (one.erased) {
        return "erased";
    }
    if (one.alive(at)) {
        return "recording";
    }
    return one.stopped ? "stopped" : "expired";
}

Json case_json(const evidence::Case& one, Time at) {
    Json out{
        {"id", one.id},
        {"target", one.target()},
        {"state", state(one, at)},
        {"reason", one.reason},
        {"actor", one.actor},
        {"begun", rfc3339(one.begun)},
        {"expires", rfc3339(one.expires)},
        {"erase_at", rfc3339(one.erase_at)},
        {"lost", one.lost}
    };
    if (one.stopped) {
        out["stopped"] = rfc3339(*one.stopped);
        out["stopped_by"] = one.stopped_by;
    }
    return out;
}

Json record_json(const evidence::Record& one) {
    return {
        {"first", rfc3339(one.first)},
        {"last", rfc3339(one.last)},
        {"protocol", "tcp"},
        {"client", one.client.address.text()},
        {"client_port", one.client.port},
        {"server", one.server.address.text()},
        {"server_port", one.server.port},
        {"direction", one.to_server ? "to-port-25" : "from-port-25"},
        {"rule", one.rule},
        {"outcome", evidence::name(one.outcome)},
        {"count", one.count}
    };
}

std::string case_line(const evidence::Case& one, Time at) {
    return fmt::format(
        "evidence {} of {}: {}, until {}, by {}: {}\nits records are erased at {}",
        one.id,
        one.target(),
        state(one, at),
        rfc3339(one.stopped.value_or(one.expires)),
        one.actor,
        one.reason,
        rfc3339(one.erase_at)
    );
}

using Work = std::function<int(const config::Config&, store::Store&)>;

int in_store(const Context& context, const Work& work) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const int exit = work(*config, **store);
    const Status written = (*store)->journal().flush();
    return written ? exit : report(context, written.error());
}

evidence::Custody custody(store::Store& store) {
    return {store.evidence(), store.journal()};
}

Result<evidence::Case> asked_for(const Options& options) {
    evidence::Case out;
    out.line = options.line;
    out.reason = options.reason;
    out.actor = options.actor;
    if (!options.prefix.empty()) {
        const auto prefix = Prefix::parse(options.prefix);
        if (!prefix) {
            return fail(prefix.error());
        }
        out.prefix = *prefix;
    }
    const auto span = parse_duration(options.span);
    if (!span) {
        return fail(Errc::Invalid, "\"" + options.span + "\" is no time: 2h, for example");
    }
    out.begun = now();
    out.expires = out.begun + *span;
    return out;
}

int start(const Context& context, const Options& options) {
    return in_store(context, [&](const config::Config& config, store::Store& store) {
        if (config.gate.engine == "none") {
            return report(context, Error{Errc::Conflict, "gate.engine is none: nothing is seen"});
        }
        auto one = asked_for(options);
        if (!one) {
            return report(context, one.error());
        }
        evidence::Limits limits;
        limits.longest = config.gate.evidence_longest;
        const auto begun =
            evidence::begin(custody(store), std::move(*one), limits, config.gate.evidence_keep);
        if (!begun) {
            return report(context, begun.error());
        }
        Json out = case_json(*begun, now());
        std::string text = case_line(*begun, now());
        if (config.gate.engine == "nftables") {
            out["note"] = "nftables reports no flows: only answered connections are recorded";
            text += "\n" + out["note"].get<std::string>();
        }
        print(context, out, text);
        return kDone;
    });
}

int list(const Context& context, const Options& options) {
    return in_store(context, [&](const config::Config&, store::Store& store) {
        const auto cases = store.evidence().all(options.limit);
        if (!cases) {
            return report(context, cases.error());
        }
        const Time at = now();
        Json out = Json::array();
        std::vector<std::vector<std::string>> rows;
        for (const evidence::Case& one : *cases) {
            out.push_back(case_json(one, at));
            rows.push_back(
                {fmt::format("{}", one.id),
                 one.target(),
                 state(one, at),
                 rfc3339(one.stopped.value_or(one.expires)),
                 rfc3339(one.erase_at),
                 one.actor,
                 one.reason}
            );
        }
        print(
            context,
            out,
            rows.empty()
                ? "none"
                : table({"ID", "TARGET", "STATE", "UNTIL", "ERASED AT", "ACTOR", "REASON"}, rows)
        );
        return kDone;
    });
}

int show(const Context& context, const Options& options) {
    return in_store(context, [&](const config::Config&, store::Store& store) {
        const Time at = now();
        const auto shown =
            evidence::show(custody(store), options.id, options.actor, options.limit, at);
        if (!shown) {
            return report(context, shown.error());
        }
        Json out = case_json(shown->one, at);
        out["records"] = Json::array();
        std::vector<std::vector<std::string>> rows;
        for (const evidence::Record& one : shown->records) {
            out["records"].push_back(record_json(one));
            rows.push_back(
                {rfc3339(one.first),
                 rfc3339(one.last),
                 one.client.text(),
                 one.to_server ? "->" : "<-",
                 one.server.text(),
                 std::string(evidence::name(one.outcome)),
                 one.rule,
                 fmt::format("{}", one.count)}
            );
        }
        std::string text = case_line(shown->one, at) + "\n";
        if (shown->one.lost > 0) {
            text += fmt::format("{} packets beyond its room are not here\n", shown->one.lost);
        }
        text +=
            rows.empty()
                ? "no flow"
                : table(
                      {"FIRST", "LAST", "CLIENT", "", "SERVER", "OUTCOME", "RULE", "COUNT"}, rows
                  );
        print(context, out, text);
        return kDone;
    });
}

int stop(const Context& context, const Options& options) {
    return in_store(context, [&](const config::Config& config, store::Store& store) {
        const Time at = now();
        const auto stopped = evidence::stop(
            custody(store), options.id, options.actor, options.erase, config.gate.evidence_keep, at
        );
        if (!stopped) {
            return report(context, stopped.error());
        }
        Json out = case_json(stopped->one, at);
        std::string text = case_line(stopped->one, at);
        if (options.erase) {
            out["records_erased"] = stopped->erased;
            text = fmt::format(
                "evidence {} of {}: {} records erased",
                stopped->one.id,
                stopped->one.target(),
                stopped->erased
            );
        }
        print(context, out, text);
        return kDone;
    });
}

}  // namespace

void add_evidence(CLI::App& gate, Context& context, Chosen& chosen) {
    auto* group = gate.add_subcommand(
        "evidence", "For a time, record one line's blocked flows with both of their ends"
    );
    group->require_subcommand(1);
    const auto command = [&](const char* name, const char* help, auto run) {
        auto options = std::make_shared<Options>();
        options->actor = operator_name();
        auto* app = group->add_subcommand(name, help);
        app->callback([&context, &chosen, options, run] {
            chosen = [&context, options, run] { return run(context, *options); };
        });
        return std::pair{app, options};
    };
    const auto actor = [](CLI::App* app, Options& options) {
        app->add_option("--actor", options.actor, "Who does it (the user when not given)");
    };
    const auto number = [](CLI::App* app, Options& options) {
        app->add_option("id", options.id, "Its number")->required();
    };
    const auto [starting, for_start] = command("start", "Begin to record", start);
    starting->add_option("--line", for_start->line, "Whatever this line holds");
    starting->add_option(
        "--prefix", for_start->prefix, "Or addresses: no wider than /24, IPv6 /56"
    );
    starting->add_option("--reason", for_start->reason, "Why")->required();
    starting->add_option("--for", for_start->span, "How long, such as 2h")->required();
    actor(starting, *for_start);
    const auto [listing, for_list] = command("list", "Every case, the newest first", list);
    listing->add_option("--limit", for_list->limit, "Rows at the most")
        ->check(CLI::Range(1, 100000));
    const auto [showing, for_show] =
        command("show", "The records; that they were shown is recorded too", show);
    number(showing, *for_show);
    actor(showing, *for_show);
    showing->add_option("--limit", for_show->limit, "Rows at the most")
        ->check(CLI::Range(1, 100000));
    const auto [stopping, for_stop] = command("stop", "End it before its time", stop);
    number(stopping, *for_stop);
    actor(stopping, *for_stop);
    stopping->add_flag("--erase", for_stop->erase, "Erase its records at once");
}

}  // namespace sekisho::cli

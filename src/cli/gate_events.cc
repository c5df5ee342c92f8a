// sekisho gate events: what the gate did: blocked, answered, leases, modes, downgrades, evidence.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/event_text.h"
#include "event/event.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string since = "24h";
    std::string line, rule, other_class;
    std::vector<std::string> kinds;
    std::size_t limit = 100;
    bool follow = false;
};

constexpr std::size_t kPage = 1000;
constexpr Duration kLookAgain{500};
// An event may be written a while after its time: packets that were counted together.
constexpr Duration kLate = std::chrono::minutes(3);

const std::vector<event::Kind>& kinds_of_the_gate() {
    static const std::vector<event::Kind> kinds{
        event::Kind::GateBlocked,
        event::Kind::GateWouldBlock,
        event::Kind::GateAnswered,
        event::Kind::GateDowngraded,
        event::Kind::PolicyChanged,
        event::Kind::LeaseGranted,
        event::Kind::LeaseRenewed,
        event::Kind::LeaseEnded,
        event::Kind::EvidenceBegun,
        event::Kind::EvidenceShown,
        event::Kind::EvidenceStopped,
        event::Kind::EvidenceErased,
    };
    return kinds;
}

Result<event::Query> to_query(const Options& options) {
    event::Query query;
    const auto since = parse_when(options.since);
    if (!since) {
        return fail(since.error());
    }
    query.since = *since;
    if (!options.line.empty()) {
        query.line = options.line;
    }
    for (const std::string& text : options.kinds) {
        const auto kind = event::parse_kind(text);
        if (!kind || !std::ranges::count(kinds_of_the_gate(), *kind)) {
            return fail(Errc::Invalid, "the gate has no kind of event \"" + text + "\"");
        }
        query.kinds.push_back(*kind);
    }
    if (query.kinds.empty()) {
        query.kinds = kinds_of_the_gate();
    }
    query.limit = kPage;
    return query;
}

bool wanted(const event::Event& event, const Options& options) {
    if (!options.rule.empty() && event.rule != options.rule) {
        return false;
    }
    // The class of the other end is all that is known of it.
    return options.other_class.empty() || event.detail.ends_with("class " + options.other_class);
}

// The newest `limit` after the id, oldest first; `last` becomes the newest id there is.
Result<std::vector<event::Event>> read(
    event::Journal& journal,
    event::Query query,
    const Options& options,
    std::size_t limit,
    std::int64_t& last
) {
    const std::int64_t after = last;
    std::vector<event::Event> out;
    while (true) {
        auto page = journal.find(query);
        if (!page) {
            return fail(page.error());
        }
        for (event::Event& one : *page) {
            query.before_id = one.id;
            last = std::max(last, one.id);
            if (one.id > after && out.size() < limit && wanted(one, options)) {
                out.push_back(std::move(one));
            }
        }
        if (page->size() < kPage || out.size() >= limit) {
            std::ranges::reverse(out);
            return out;
        }
    }
}

// A line each, as they come.
void stream(const Context& context, const std::vector<event::Event>& events) {
    for (const event::Event& one : events) {
        if (context.json) {
            fmt::print("{}\n", event_json(one).dump());
            continue;
        }
        fmt::print(
            "{} {:<16} {}{}{}{}{} {}\n",
            rfc3339(one.at),
            event::name(one.kind),
            one.line.empty() ? one.address : one.line + " " + one.address,
            one.rule.empty() ? "" : " rule " + one.rule,
            one.count > 1 ? fmt::format(" x{}", one.count) : "",
            one.reference.empty() ? "" : " reference ",
            one.reference,
            one.detail
        );
    }
    std::fflush(stdout);
}

int follow(
    const Context& context, event::Journal& journal, event::Query query, const Options& options
) {
    std::int64_t last = 0;
    auto events = read(journal, query, options, options.limit, last);
    while (events) {
        stream(context, *events);
        std::this_thread::sleep_for(kLookAgain);
        query.since = now() - kLate;
        events = read(journal, query, options, kPage * kPage, last);
    }
    return report(context, events.error());
}

int events(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto query = to_query(options);
    if (!query) {
        return report(context, query.error());
    }
    const auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    event::Journal& journal = (*store)->journal();
    if (options.follow) {
        return follow(context, journal, *query, options);
    }
    std::int64_t last = 0;
    const auto found = read(journal, *query, options, options.limit, last);
    if (!found) {
        return report(context, found.error());
    }
    Json rows = Json::array();
    std::ranges::transform(*found, std::back_inserter(rows), event_json);
    print(context, rows, event_table(*found));
    return kDone;
}

}  // namespace

void add_gate_events(CLI::App& gate, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* app = gate.add_subcommand(
        "events", "What the gate did: blocked, answered, leases, modes, downgrades, evidence"
    );
    app->add_option("--since", options->since, "A time, or a span back from now (24h)");
    app->add_option("--line", options->line, "Of this subscriber's line");
    app->add_option("--rule", options->rule, "Of this rule");
    app->add_option("--class", options->other_class, "Towards, or from, a server of this class");
    app->add_option("--kind", options->kinds, "gate-blocked, gate-answered, lease-granted, ...");
    app->add_option("--limit", options->limit, "Rows at the most")->check(CLI::Range(1, 100000));
    app->add_flag(
        "--follow", options->follow, "Go on as they come, a line each (JSON with --json)"
    );
    app->callback([&context, &chosen, options] {
        chosen = [&context, options] { return events(context, *options); };
    });
}

}  // namespace sekisho::cli

// sekisho gate replay: what another policy, or this one on another day, would do to the flows of
// the last days.
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/policy_history.h"
#include "config/config.h"
#include "config/reader.h"
#include "event/event.h"
#include "gate/replay/flow_log.h"
#include "gate/replay/replay.h"
#include "gate/replay/seen.h"
#include "lease/plan.h"
#include "line/line.h"
#include "policy/overlay.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "store/store.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string since = "7d";
    std::string at;      // empty: now
    std::string policy;  // a configuration file; empty: what is in force
    std::string flows;   // a flow log; empty: the journal
    std::size_t limit = 50;
    bool all = false;
};

constexpr std::size_t kFlowLogMax = std::size_t{1} << 30U;

// What a flow log or the journal told, beside the flows.
struct Read {
    std::size_t flows = 0;
    std::size_t left_out = 0;
    std::vector<std::string> faults;
};

Result<Time> time_of(const std::string& text) {
    const auto time = parse_rfc3339(text);
    if (!time) {
        return fail(
            Errc::Invalid,
            "\"" + text + "\" is no time: 2027-04-01 (UTC) or 2027-04-01T09:00:00+09:00"
        );
    }
    return *time;
}

// The policy as it will be at the time, with the leases that live then.
Result<std::shared_ptr<const policy::Policy>> policy_at(
    const policy::Source& source, store::Store* store, Time at
) {
    auto policy = policy::compile_at(source, at);
    if (!policy || store == nullptr) {
        return policy;
    }
    const auto living = store->leases().living();
    if (!living) {
        return fail(living.error());
    }
    const auto held = [store](const std::string& line) {
        auto prefixes = lease::held_by(store->lines(), line);
        return prefixes ? std::move(*prefixes) : std::vector<Prefix>{};
    };
    const lease::Plan plan = lease::plan(*living, **policy, held, at);
    return policy::with_overrides(*policy, lease::overrides_of(plan.placed));
}

Result<Read> replay_journal(event::Journal& journal, Time since, gate::Replay& replay) {
    event::Query query;
    query.kinds = {
        event::Kind::GateBlocked, event::Kind::GateAnswered, event::Kind::GateWouldBlock
    };
    query.since = since;
    Read out;
    const Status read = event::for_each(journal, query, [&](const event::Event& one) {
        const auto client = IpAddress::parse(one.address);
        auto server_class = gate::class_of_other_end(one.detail);
        if (!client || !server_class) {
            ++out.left_out;
            return;
        }
        gate::SeenFlow flow;
        flow.at = one.at;
        flow.client = *client;
        flow.line = one.line;
        flow.server_class = std::move(*server_class);
        flow.packets = one.count;
        flow.was_cut = one.kind != event::Kind::GateWouldBlock;
        replay.add(flow);
        ++out.flows;
    });
    if (!read) {
        return fail(read.error());
    }
    return out;
}

Result<Read> replay_log(
    const std::string& file, const policy::Policy& today, store::Store* store, gate::Replay& replay
) {
    const auto text = read_file(file, kFlowLogMax);
    if (!text) {
        return fail(text.error());
    }
    gate::FlowLog log = gate::read_flow_log(*text);
    if (log.flows.empty() && log.faulty > 0) {
        return fail(Errc::Invalid, file + ": " + log.faults.front().message);
    }
    Read out;
    out.flows = log.flows.size();
    out.left_out = log.faulty;
    for (const auto& fault : log.faults) {
        out.faults.push_back(fmt::format("{}:{}: {}", file, fault.row, fault.message));
    }
    for (gate::SeenFlow& flow : log.flows) {
        if (flow.line.empty() && store != nullptr) {
            auto holder = store->lines().holder(flow.client, flow.at, std::nullopt);
            flow.line = holder ? std::move(holder->line) : "";
        }
        // A log doesn't say what became of a flow: what the policy in force does to it.
        flow.was_cut = policy::blocks(
            today.judge(flow.client, *flow.server, policy::Direction::ToPort25).action
        );
        replay.add(flow);
    }
    return out;
}

Json sender_json(const gate::Replay::Sender& one) {
    return {
        {"line", one.line},
        {"address", one.address.text()},
        {"change", gate::name(one.change())},
        {"lost", one.lost},
        {"regained", one.regained},
        {"cut", one.of(gate::Fate::Cut)},
        {"limited", one.of(gate::Fate::Limited)},
        {"undecided", one.of(gate::Fate::Undecided)},
        {"passes", one.of(gate::Fate::Passes)},
        {"rules", one.rules},
        {"servers", one.servers},
        {"first", rfc3339(one.first)},
        {"last", rfc3339(one.last)}
    };
}

std::string report_text(const Json& out, std::size_t shown) {
    std::string text = fmt::format(
        "{} flows of {} lines or addresses, by the policy as of {}: {} lose what passed, {} regain "
        "what was cut, {} stay cut{}\n",
        out["flows"].get<std::size_t>(),
        out["seen"].get<std::size_t>(),
        out["at"].get<std::string>(),
        out["lost"].get<std::size_t>(),
        out["regained"].get<std::size_t>(),
        out["stays_cut"].get<std::size_t>(),
        out["undecided"].get<std::size_t>() == 0
            ? ""
            : fmt::format(", {} can't be told", out["undecided"].get<std::size_t>())
    );
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : out["senders"]) {
        const auto joined = [&one](const char* key) {
            return fmt::format("{}", fmt::join(one[key].get<std::vector<std::string>>(), ", "));
        };
        const auto line = one["line"].get<std::string>();
        rows.push_back(
            {line.empty() ? "(not known)" : line,
             one["address"],
             one["change"],
             fmt::format("{}", one["lost"].get<std::int64_t>()),
             fmt::format("{}", one["regained"].get<std::int64_t>()),
             joined("rules"),
             joined("servers"),
             one["last"]}
        );
    }
    if (!rows.empty()) {
        text += table(
            {"LINE", "ADDRESS", "CHANGE", "LOST", "REGAINED", "RULES", "TO CLASS", "LAST"}, rows
        );
    }
    if (out["of"].get<std::size_t>() > shown) {
        text += fmt::format(
            "and {} more: --limit {}\n",
            out["of"].get<std::size_t>() - shown,
            out["of"].get<std::size_t>()
        );
    }
    for (const Json& fault : out["faults"]) {
        text += fault.get<std::string>() + "\n";
    }
    if (const auto left = out["left_out"].get<std::size_t>(); left > 0) {
        text += fmt::format("{} rows could not be read and are left out\n", left);
    }
    return text;
}

Json report_json(const gate::Replay& replay, const Read& read, const Options& options, Time at) {
    std::vector<gate::Replay::Sender> senders = replay.senders();
    Json out{
        {"at", rfc3339(at)},
        {"flows", read.flows},
        {"seen", senders.size()},
        {"left_out", read.left_out},
        {"faults", read.faults}
    };
    const auto count = [&senders](gate::Replay::Change change) {
        return std::ranges::count_if(senders, [change](const gate::Replay::Sender& one) {
            return one.change() == change;
        });
    };
    out["lost"] = count(gate::Replay::Change::Lost);
    out["regained"] = count(gate::Replay::Change::Regained);
    out["stays_cut"] = count(gate::Replay::Change::StaysCut);
    out["undecided"] = std::ranges::count_if(senders, [](const gate::Replay::Sender& one) {
        return one.of(gate::Fate::Undecided) > 0;
    });
    if (!options.all) {
        std::erase_if(senders, [](const gate::Replay::Sender& one) {
            return one.change() != gate::Replay::Change::Lost &&
                   one.change() != gate::Replay::Change::Regained;
        });
    }
    out["of"] = senders.size();
    senders.resize(std::min(senders.size(), options.limit));
    out["senders"] = Json::array();
    for (const auto& one : senders) {
        out["senders"].push_back(sender_json(one));
    }
    return out;
}

Result<std::shared_ptr<const policy::Source>> source_of(
    const config::Config& config, const std::string& file
) {
    if (file.empty()) {
        return source_in_force(config);
    }
    auto other = config::load(file);
    if (!other) {
        return fail(Errc::Invalid, other.error().front().message());
    }
    return std::make_shared<const policy::Source>(std::move(other->policy));
}

Result<Json> replayed(const config::Config& config, const Options& options) {
    const auto span = parse_duration(options.since);
    const auto since = span ? Result<Time>(now() - *span) : time_of(options.since);
    const auto at = options.at.empty() ? Result<Time>(now()) : time_of(options.at);
    if (!since || !at) {
        return fail(since ? at.error() : since.error());
    }
    std::unique_ptr<store::Store> store;
    if (std::filesystem::exists(config.database())) {
        auto opened = store::open_store(config.database());
        if (!opened) {
            return fail(opened.error());
        }
        store = std::move(*opened);
    } else if (options.flows.empty()) {
        return fail(
            Errc::NotFound,
            "nothing was seen here yet: start the gate first, or name a flow log with --flows"
        );
    }
    const auto source = source_of(config, options.policy);
    const auto in_force = source_in_force(config);
    if (!source || !in_force) {
        return fail(source ? in_force.error() : source.error());
    }
    auto policy = policy_at(**source, store.get(), *at);
    if (!policy) {
        return fail(policy.error());
    }
    gate::Replay replay(std::move(*policy));
    Result<Read> read;
    if (options.flows.empty()) {
        read = replay_journal(store->journal(), *since, replay);
    } else {
        const auto today = policy_at(**in_force, store.get(), now());
        if (!today) {
            return fail(today.error());
        }
        read = replay_log(options.flows, **today, store.get(), replay);
    }
    if (!read) {
        return fail(read.error());
    }
    return report_json(replay, *read, options, *at);
}

int run(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto out = replayed(*config, options);
    if (!out) {
        return report(context, out.error());
    }
    print(context, *out, report_text(*out, (*out)["senders"].size()));
    return kDone;
}

}  // namespace

void add_gate_replay(CLI::App& gate, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* app = gate.add_subcommand(
        "replay", "Who would be cut, or pass again, by another policy or on another day"
    );
    app->add_option("--since", options->since, "Events since a time, or a span back from now");
    app->add_option(
        "--at", options->at, "By the stages of then (2027-04-01T09:00:00+09:00); now if not given"
    );
    app->add_option(
        "--policy", options->policy, "Another sekisho.toml; what is in force if not given"
    );
    app->add_option(
        "--flows", options->flows, "A flow log (nfdump -o csv, tshark -T fields) for the journal"
    );
    app->add_option("--limit", options->limit, "Rows at the most")->check(CLI::Range(1, 100000));
    app->add_flag("--all", options->all, "Those too for whom nothing changes");
    app->callback([&context, &chosen, options] {
        chosen = [&context, options] { return run(context, *options); };
    });
}

}  // namespace sekisho::cli

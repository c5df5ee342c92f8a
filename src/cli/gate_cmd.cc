// sekisho gate [run|status|detach|explain]; the rest of it is in lease_cmd.cc.
#include "base/ip.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/explain.h"
#include "cli/leased_policy.h"
#include "cli/role.h"
#include "config/config.h"
#include "gate/enforce/engine.h"
#include "lease/lease.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// The sources of lines: what each holds, and what is wrong with it.
std::string lines_text(const Json& status) {
    const Json lines = status.value("line_index", Json::object());
    std::string out;
    if (lines.contains("error")) {
        out += "lines: not in memory: " + lines.value("error", "") + "\n";
    }
    for (const Json& one : lines.value("sources", Json::array())) {
        out += fmt::format(
            "lines of {}: {} held, {} rows wrong ({})\n",
            one.value("name", ""),
            one.value("held", 0),
            one.value("wrong", 0),
            one.contains("fault") ? one.value("fault", "") : one.value("file", "")
        );
        for (const Json& error : one.value("errors", Json::array())) {
            out += "  " + error.get<std::string>() + "\n";
        }
    }
    return out;
}

std::string status_text(const Json& status) {
    std::string out = fmt::format(
        "engine {}, mode {}, policy {}\n",
        status.value("engine", ""),
        status.value("mode", ""),
        status.value("policy", "").substr(0, 12)
    );
    for (const Json& one : status.value("interfaces", Json::array())) {
        const bool attached = one.value("attached", false);
        out += fmt::format(
            "interface {}: {}\n",
            one.value("name", ""),
            attached ? one.value("mode", "") : one.value("error", "not attached")
        );
    }
    for (const Json& one : status.value("downgrades", Json::array())) {
        out += fmt::format(
            "rule {}: {} instead of {}: {}\n",
            one.value("rule", ""),
            one.value("used", ""),
            one.value("declared", ""),
            one.value("reason", "")
        );
    }
    out += lines_text(status);
    std::vector<std::vector<std::string>> rows;
    const auto row = [&rows](const std::string& name, const Json& rule) {
        const auto packets = [&rule](const char* side) {
            return fmt::format(
                "{}", rule.value(side, Json::object()).value("packets", std::uint64_t{0})
            );
        };
        rows.push_back(
            {name,
             rule.value("action", "pass"),
             rule.value("stage", ""),
             packets("to"),
             packets("from")}
        );
    };
    for (const Json& rule : status.value("rules", Json::array())) {
        row(rule.value("name", ""), rule);
    }
    row("(no rule)", status.value("unnamed", Json::object()));
    out += table({"RULE", "ACTION", "STAGE", "PACKETS TO :25", "FROM :25"}, rows);
    if (const Json answer = status.value("answer", Json::object());
        answer.value("answered_total", std::uint64_t{0}) > 0) {
        out += fmt::format(
            "{} connections answered, {} open, {} closed for want of room\n",
            answer.value("answered_total", std::uint64_t{0}),
            answer.value("open", std::uint64_t{0}),
            answer.value("crowded_total", std::uint64_t{0})
        );
    }
    return out;
}

int status(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto answer = ask(*config, "gate", Json{{"command", "status"}});
    if (!answer) {
        return report(context, answer.error());
    }
    print(context, *answer, status_text(*answer));
    return kDone;
}

// With the leases of the database, where there is one.
Result<Json> explain_leased(
    const config::Config& config, const IpAddress& source, const IpAddress& destination
) {
    const auto without = [&](const std::string& why) -> Result<Json> {
        const auto policy = policy::compile_at(config.policy, now());
        if (!policy) {
            return fail(policy.error());
        }
        Json out = explained(**policy, config.gate.mode, source, destination);
        if (!why.empty()) {
            out["steps"].push_back("exemptions, penalties and shares are not known: " + why);
        }
        return out;
    };
    if (!std::filesystem::exists(config.database())) {
        return without("");
    }
    const auto store = store::open_store(config.database());
    if (!store) {
        return without(store.error().message);
    }
    LeasedPolicy leased(**store);
    const auto policy = leased.of_file(config, now());
    if (!policy) {
        return fail(policy.error());
    }
    Json out = explained(**policy, config.gate.mode, source, destination);
    for (const IpAddress& address : {source, destination}) {
        if (const lease::Lease* lease = leased.lease_of(address)) {
            out["steps"].push_back(fmt::format(
                "{} has its class by {} {} of {} until {}: {}",
                address.text(),
                lease::name(lease->kind),
                lease->id,
                lease->owner,
                rfc3339(lease->expires),
                lease->reason
            ));
        }
    }
    return out;
}

int explain(const Context& context, const std::string& from, const std::string& to) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto source = IpAddress::parse(from);
    const auto destination = IpAddress::parse(to);
    if (!source || !destination) {
        return report(context, source ? destination.error() : source.error());
    }
    auto result = explain_leased(*config, *source, *destination);
    if (!result) {
        return report(context, result.error());
    }
    std::string text;
    for (const Json& step : (*result)["steps"]) {
        text += step.get<std::string>() + "\n";
    }
    print(context, *result, text);
    return kDone;
}

int detach(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    if (ask(*config, "gate", Json{{"command", "status"}})) {
        return report(
            context, Error{Errc::Conflict, "the gate runs: stop it first, or it attaches again"}
        );
    }
    std::size_t links = 0;
    if (!config->gate.pin.empty()) {
        const auto removed = gate::remove_pins(config->gate.pin);
        if (!removed) {
            return report(context, removed.error());
        }
        links = *removed;
    }
    const auto filters = gate::remove_tc_filters();
    if (!filters) {
        return report(context, filters.error());
    }
    links += *filters;
    const auto table = gate::remove_nft_table();
    if (!table && config->gate.engine == "nftables") {
        return report(context, table.error());
    }
    const bool rules = table && *table;
    std::string text = fmt::format("{} interfaces let go", links);
    text += rules ? ", the table of nftables removed\n" : "\n";
    print(context, Json{{"interfaces", links}, {"nftables", rules}}, text);
    return kDone;
}

}  // namespace

void add_gate(CLI::App& app, Context& context, Chosen& chosen) {
    auto* gate = app.add_subcommand(
        "gate",
        "The gate: alone, runs it; status, events, top, plan, apply, rollback, detach, explain, "
        "exempt, "
        "penalty, evidence"
    );
    gate->require_subcommand(0, 1);
    gate->callback([&context, &chosen] {
        if (!chosen) {
            chosen = [&context] { return run_gate(context); };
        }
    });
    gate->add_subcommand("run", "Run the gate in the foreground")->callback([&context, &chosen] {
        chosen = [&context] { return run_gate(context); };
    });
    gate->add_subcommand("status", "Engine, interfaces, counters by rule")
        ->callback([&context, &chosen] { chosen = [&context] { return status(context); }; });
    gate->add_subcommand("detach", "Take off what a stopped gate left in force (gate.pin)")
        ->callback([&context, &chosen] { chosen = [&context] { return detach(context); }; });
    add_gate_top(*gate, context, chosen);
    add_gate_plan(*gate, context, chosen);
    add_gate_replay(*gate, context, chosen);
    add_gate_apply(*gate, context, chosen);
    add_gate_events(*gate, context, chosen);
    add_evidence(*gate, context, chosen);
    add_leases(*gate, context, chosen, "exempt", "exemption");
    add_leases(*gate, context, chosen, "penalty", "penalty");
    struct Pair {
        std::string source, destination;
    };
    auto pair = std::make_shared<Pair>();
    auto* explaining = gate->add_subcommand(
        "explain", "Which class, which rule, which verdict for SRC to DST, and why"
    );
    explaining->add_option("source", pair->source, "Address of the end that opens the connection")
        ->required();
    explaining
        ->add_option("destination", pair->destination, "Address of the end that listens on port 25")
        ->required();
    explaining->callback([&context, &chosen, pair] {
        chosen = [&context, pair] { return explain(context, pair->source, pair->destination); };
    });
}

}  // namespace sekisho::cli

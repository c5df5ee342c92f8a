// sekisho gate plan: which rule is in which stage when, for whom.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/policy_history.h"
#include "config/config.h"
#include "lease/share.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "store/store.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

const char* name(policy::Planned::State state) {
    switch (state) {
        case policy::Planned::State::Past:
            return "past";
        case policy::Planned::State::Now:
            return "in force";
        case policy::Planned::State::Coming:
            break;
    }
    return "coming";
}

Json plan_json(const policy::Source& source, Time at) {
    std::map<std::string, std::string> actions;
    for (const policy::RuleSource& rule : source.rules) {
        actions[rule.name] = policy::name(rule.action);
    }
    Json rows = Json::array();
    std::string action;
    for (const policy::Planned& one : policy::planned(source, at)) {
        if (!one.at) {  // the rule itself comes before its steps
            action = actions[one.rule];
        }
        rows.push_back(
            {{"rule", one.rule},
             {"from", one.at ? Json(rfc3339(*one.at)) : Json()},
             {"state", name(one.state)},
             {"action", action},
             {"stage", policy::name(one.stage)},
             {"to", one.to},
             {"regions", one.scope.regions},
             {"share", one.scope.share},
             {"scope", one.scope.text()}}
        );
    }
    return rows;
}

// How many prefixes of known lines are in a share now, for who asks what a share comes to.
Status add_shares(const config::Config& config, const policy::Policy& policy, Time at, Json& out) {
    if (!lease::has_shares(policy) || !std::filesystem::exists(config.database())) {
        return {};
    }
    const auto store = store::open_store(config.database());
    if (!store) {
        return fail(store.error());
    }
    lease::Shares shares;
    if (const auto seen = shares.refresh(policy, {}, (*store)->lines(), at); !seen) {
        return fail(seen.error());
    }
    out["shares"] = {
        {"sessions", shares.sessions()},
        {"prefixes", shares.overrides().size()},
        {"left_out", shares.left_out()}
    };
    return {};
}

std::string plan_text(const Json& plan) {
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : plan["steps"]) {
        rows.push_back(
            {one["rule"],
             one["from"].is_null() ? "-" : one["from"].get<std::string>(),
             one["state"],
             one["action"],
             one["stage"],
             one["to"],
             one["scope"]}
        );
    }
    std::string out = fmt::format("at {}", plan["at"].get<std::string>());
    if (!plan["next"].is_null()) {
        out += fmt::format(", next step {}", plan["next"].get<std::string>());
    }
    if (plan["mode"] == "observe") {
        out += "; gate.mode is observe, so that nothing is blocked whatever the stage";
    }
    out += "\n" + table({"RULE", "FROM", "STATE", "ACTION", "STAGE", "TO", "FOR"}, rows);
    if (plan.contains("shares")) {
        const Json& shares = plan["shares"];
        out += fmt::format(
            "of {} open sessions {} prefixes are in a share now{}\n",
            shares["sessions"].get<std::size_t>(),
            shares["prefixes"].get<std::size_t>(),
            shares["left_out"].get<std::size_t>() == 0
                ? ""
                : fmt::format(
                      ", and {} more than the gate holds are left out",
                      shares["left_out"].get<std::size_t>()
                  )
        );
    }
    return out;
}

int plan(const Context& context, const std::string& when) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    Time at = now();
    if (!when.empty()) {
        const auto parsed = parse_rfc3339(when);
        if (!parsed) {
            return report(
                context,
                Error{
                    Errc::Invalid,
                    "\"" + when + "\" is no time: 2027-04-01 (UTC) or 2027-04-01T09:00:00+09:00"
                }
            );
        }
        at = *parsed;
    }
    const auto source = source_in_force(*config);
    if (!source) {
        return report(context, source.error());
    }
    const auto policy = policy::compile_at(**source, at);
    if (!policy) {
        return report(context, policy.error());
    }
    const auto next = policy::next_step(**source, at);
    Json out{
        {"at", rfc3339(at)},
        {"next", next ? Json(rfc3339(*next)) : Json()},
        {"mode", config->gate.mode},
        {"steps", plan_json(**source, at)}
    };
    if (const Status shared = add_shares(*config, **policy, at, out); !shared) {
        return report(context, shared.error());
    }
    print(context, out, plan_text(out));
    return kDone;
}

}  // namespace

void add_gate_plan(CLI::App& gate, Context& context, Chosen& chosen) {
    auto when = std::make_shared<std::string>();
    auto* planning = gate.add_subcommand(
        "plan", "Which rule is in which stage, for whom, and when that changes"
    );
    planning->add_option("--at", *when, "As it will be, or was, then: 2027-04-01T09:00:00+09:00");
    planning->callback([&context, &chosen, when] {
        chosen = [&context, when] { return plan(context, *when); };
    });
}

}  // namespace sekisho::cli

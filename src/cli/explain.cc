#include "cli/explain.h"

#include "base/ip.h"
#include "cli/context.h"
#include "policy/policy.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

Json verdict_json(const policy::Policy& policy, const policy::Verdict& verdict) {
    const auto& classes = policy.classes();
    Json out{
        {"action", policy::name(verdict.action)},
        {"declared", policy::name(verdict.declared)},
        {"client_class", classes.at(verdict.client).name},
        {"server_class", classes.at(verdict.server).name},
    };
    if (verdict.rule >= 0) {
        const auto& rule = policy.rules().at(static_cast<std::size_t>(verdict.rule));
        out["rule"] = rule.name;
        out["stage"] = policy::name(verdict.stage);
        out["note"] = rule.note;
    }
    return out;
}

}  // namespace

Json explained(
    const policy::Policy& policy,
    const std::string& gate_mode,
    const IpAddress& source,
    const IpAddress& destination
) {
    std::vector<std::string> steps = policy::explain(policy, source, destination);
    if (gate_mode == "observe") {
        steps.emplace_back(
            "the gate is in mode observe (gate.mode): nothing is blocked, only counted"
        );
    }
    Json out{
        {"source", source.text()}, {"destination", destination.text()}, {"gate_mode", gate_mode}
    };
    out["to_port_25"] =
        verdict_json(policy, policy.judge(source, destination, policy::Direction::ToPort25));
    out["from_port_25"] =
        verdict_json(policy, policy.judge(destination, source, policy::Direction::FromPort25));
    out["steps"] = steps;
    return out;
}

}  // namespace sekisho::cli

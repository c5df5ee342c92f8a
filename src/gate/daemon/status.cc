#include "gate/daemon/status.h"

#include "gate/daemon/reports.h"
#include "gate/enforce/engine.h"
#include "lease/share.h"
#include "policy/policy.h"

#include <nlohmann/json.hpp>
#include <string>

namespace sekisho::gate {
namespace {

using Json = nlohmann::ordered_json;

Json tally(const Tally& value) {
    return {{"packets", value.packets}, {"bytes", value.bytes}};
}

Json interfaces(const StatusInput& input, const Description& description) {
    Json out = Json::array();
    for (const auto& [name, problem] : input.interfaces) {
        Json one{{"name", name}, {"attached", problem.empty()}};
        for (const Attachment& attachment : description.attachments) {
            if (attachment.interface == name) {
                one["mode"] = attachment.mode;
                if (!attachment.note.empty()) {
                    one["note"] = attachment.note;
                }
            }
        }
        if (!problem.empty()) {
            one["error"] = problem;
        }
        out.push_back(std::move(one));
    }
    return out;
}

Json classes(const policy::Policy& policy) {
    Json out = Json::array();
    for (const policy::Class& one : policy.classes()) {
        out.push_back({{"name", one.name}, {"prefixes", one.prefixes}, {"default", one.id == 0}});
    }
    return out;
}

void put_engine(const StatusInput& input, Json& out) {
    const Description description = input.engine->describe();
    out["interfaces"] = interfaces(input, description);
    out["when_killed"] = description.when_killed;
    out["limits"] = description.limits;
    out["downgrades"] = Json::array();
    for (const Downgrade& one : description.downgrades) {
        out["downgrades"].push_back(
            {{"rule", one.rule},
             {"declared", policy::name(one.declared)},
             {"used", policy::name(one.used)},
             {"reason", one.reason}}
        );
    }
    out["rules"] = Json::array();
    const auto counters = input.engine->counters();
    if (!counters) {
        out["error"] = counters.error().message;
    } else {
        for (const RuleCounter& one : *counters) {
            if (one.rule.empty()) {
                out["unnamed"] = {{"to", tally(one.to)}, {"from", tally(one.from)}};
                continue;
            }
            out["rules"].push_back(
                {{"name", one.rule},
                 {"action", policy::name(one.action)},
                 {"stage", policy::name(one.stage)},
                 {"to", tally(one.to)},
                 {"from", tally(one.from)}}
            );
        }
    }
    out["clients"] = Json::array();
    if (const auto clients = input.engine->class_counters()) {
        for (const ClassCounter& one : *clients) {
            out["clients"].push_back(
                {{"class", one.name}, {"to", tally(one.to)}, {"from", tally(one.from)}}
            );
        }
    }
    Json statistics = Json::object();
    for (const Named& one : input.engine->statistics()) {
        statistics[one.name] = one.value;
    }
    out["statistics"] = std::move(statistics);
}

}  // namespace

std::string status_text(const StatusInput& input) {
    Json out;
    out["engine"] = input.gate.engine;
    out["mode"] = input.gate.mode;
    out["policy"] = input.policy.digest();
    out["prefixes"] = input.policy.prefixes().size();
    out["classes"] = classes(input.policy);
    input.reports.put(out);
    out["answer"] = {
        {"answered_total", input.answered.answered},
        {"crowded_total", input.answered.crowded},
        {"open", input.answered.open}
    };
    out["leases"] = input.leases;
    if (lease::has_shares(input.policy)) {
        out["shares"] = {
            {"sessions", input.shares.sessions()},
            {"prefixes", input.shares.overrides().size()},
            {"left_out", input.shares.left_out()}
        };
    }
    if (input.engine != nullptr) {
        put_engine(input, out);
    }
    return out.dump();
}

}  // namespace sekisho::gate

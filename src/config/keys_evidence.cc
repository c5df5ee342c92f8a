// The keys of [peer_evidence].
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"
#include "peer/evidence.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using C = Config;
using peer::Action;
using peer::Kind;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

constexpr std::int64_t kWeightMax = 1000;
constexpr std::size_t kBasisMax = 500;

// A list's weight stands beside its zone.
bool has_weight(Kind kind) {
    return kind != Kind::BlockList && kind != Kind::KnownList;
}

std::optional<std::string> read_action(peer::Rule& rule, const toml::node& node) {
    const auto action = peer::action_of(node.value_exact<std::string>().value_or(""));
    if (!action) {
        return "expected one of: off, note, weigh, delay, refuse, accept";
    }
    rule.action = *action;
    return std::nullopt;
}

std::optional<std::string> read_weight(peer::Rule& rule, const toml::node& node, Kind kind) {
    const auto weight = node.value_exact<std::int64_t>();
    if (!has_weight(kind)) {
        return "has no weight: each list has points of its own, as \"ZONE*POINTS\"";
    }
    if (!weight || *weight < -kWeightMax || *weight > kWeightMax) {
        return fmt::format("weight: expected an integer from -{} to {}", kWeightMax, kWeightMax);
    }
    rule.weight = static_cast<int>(*weight);
    return std::nullopt;
}

std::optional<std::string> read_basis(peer::Rule& rule, const toml::node& node) {
    const auto basis = node.value_exact<std::string>();
    if (!basis || basis->size() > kBasisMax || basis->find('\n') != std::string::npos) {
        return fmt::format("basis: expected a line of at most {} bytes", kBasisMax);
    }
    rule.basis = *basis;
    return std::nullopt;
}

std::optional<std::string> read_rule(peer::Rule& rule, const toml::node& node, Kind kind) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
        return read_action(rule, node);
    }
    for (const auto& [key, value] : *table) {
        std::optional<std::string> wrong;
        if (key == "action") {
            wrong = read_action(rule, value);
        } else if (key == "weight") {
            wrong = read_weight(rule, value, kind);
        } else if (key == "basis") {
            wrong = read_basis(rule, value);
        } else {
            wrong = "\"" + std::string(key.str()) + "\" is not action, weight or basis";
        }
        if (wrong) {
            return wrong;
        }
    }
    return std::nullopt;
}

Key<C> rule_of(Kind kind) {
    const peer::Rule usual = peer::Rules{}.of(kind);
    Key<C> key{
        std::string(peer::name(kind)),
        "rule",
        "",
        has_weight(kind) ? fmt::format("{{action = \"weigh\", weight = {}}}", usual.weight)
                         : "{action = \"weigh\"}",
        std::string(peer::about(kind)),
        true,
        {}
    };
    key.read = [kind](C& c, const toml::node& node) {
        return read_rule(c.peer_evidence.rules.of(kind), node, kind);
    };
    return key;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> evidence_faults(const PeerEvidence& evidence) {
    const Action action = evidence.rules.of(Kind::DynamicNetwork).action;
    const bool acts =
        action == Action::Delay || action == Action::Refuse || action == Action::Accept;
    if (acts && evidence.dynamic_networks.empty()) {
        return {{"peer_evidence.dynamic_network", "needs files in dynamic_networks"}};
    }
    return {};
}

Table<C> evidence_table() {
    Table<C> table{
        "peer_evidence",
        false,
        "What tells a mail server from a client on port 25 (`mail.peer_check`). A rule is an "
        "action, as `early_talker = \"refuse\"`, or a table, as `early_talker = {action = "
        "\"refuse\", weight = -40, basis = \"decision of 2026-11-02\"}`. `off`: it is not looked "
        "at. `note`: it is told and counts for nothing. `weigh`: its weight is added. `delay`: "
        "that, and mail is greylisted whatever the sum is. `refuse`: it is a client. `accept`: it "
        "is a server, whatever else there is. `basis`, the reason in law or contract, is kept "
        "with each judgement. See docs/operators-guide.md.",
        {
            number<C>(
                "server_at",
                SEKISHO_AT(peer_evidence.server_at),
                1,
                static_cast<std::uint64_t>(kWeightMax),
                "From which sum on it is a server."
            ),
            number<C>(
                "client_at",
                SEKISHO_AT(peer_evidence.client_at),
                1,
                static_cast<std::uint64_t>(kWeightMax),
                "From which sum against it on it is a client."
            ),
            text<C>(
                "names",
                SEKISHO_AT(peer_evidence.names),
                "File with your own words and forms of names of lines and servers, as in "
                "`share/peer-names.txt`; `sekisho peer names` shows what holds. Empty: none."
            ),
            texts<C>(
                "dynamic_networks",
                SEKISHO_AT(peer_evidence.dynamic_networks),
                "Files with networks of other providers' lines, a prefix a row, for "
                "`dynamic_network`. What the policy is to act on belongs into a `[[class]]`."
            ),
        }
    };
    for (std::size_t i = 0; i < peer::kKinds; ++i) {
        table.keys.push_back(rule_of(peer::kind_at(i)));
    }
    return table;
}

#undef SEKISHO_AT

}  // namespace sekisho::config

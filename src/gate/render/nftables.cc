#include "gate/render/nftables.h"

#include "base/time.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

using policy::Action;
using policy::ClassId;
using policy::Direction;

constexpr std::size_t kLimitedSources = 65'536;  // of a rule and family; beyond it they pass

bool to_port25(Direction direction) {
    return direction == Direction::ToPort25;
}

std::string chain_name(const policy::Class& client, Direction direction) {
    return (to_port25(direction) ? "to_by_" : "from_by_") + client.name;
}

std::string set_name(const policy::Class& c, bool v4) {
    return "class_" + c.name + (v4 ? "_v4" : "_v6");
}

std::string limit_set_name(const policy::RuleSource& rule, bool v4) {
    return "limit_" + rule.name + (v4 ? "_v4" : "_v6");
}

// "30/hour"; nothing where nftables can't say it exactly.
std::optional<std::string> nft_rate(const policy::Rate& rate) {
    using namespace std::chrono_literals;
    constexpr std::array<std::pair<Duration, std::string_view>, 5> units{
        {{1s, "second"}, {1min, "minute"}, {1h, "hour"}, {24h, "day"}, {168h, "week"}}
    };
    for (const auto& [unit, name] : units) {
        const std::int64_t connections = std::int64_t{rate.connections} * unit.count();
        if (rate.per.count() > 0 && connections > 0 && connections % rate.per.count() == 0) {
            return fmt::format("{}/{}", connections / rate.per.count(), name);
        }
    }
    return std::nullopt;
}

struct Families {  // that a rule's match leaves over
    bool v4, v6;
};

class Renderer {
  public:
    Renderer(const policy::Policy& policy, const NftOptions& options)
        : policy_(policy), options_(options) {
        members_v4_.resize(policy.classes().size());
        members_v6_.resize(policy.classes().size());
        for (const policy::Range& range : policy::merged_ranges(policy.prefixes())) {
            if (range.class_id != 0) {
                auto& members = range.v4 ? members_v4_ : members_v6_;
                members[range.class_id].push_back(policy::range_text(range));
            }
        }
    }

    NftRendering run() {
        line(
            "# Sekisho, policy {}. Written by the gate: changes made here are lost.",
            policy_.digest()
        );
        line("{}table inet {} {{", render_nftables_removal(), kNftTable);
        counters();
        for (const policy::Class& c : policy_.classes()) {
            if (c.id != 0) {
                set(c, true);
                set(c, false);
            }
        }
        limit_sets();
        for (const Direction direction : {Direction::ToPort25, Direction::FromPort25}) {
            for (const policy::Class& client : policy_.classes()) {
                client_chain(client, direction);
            }
            dispatch_chain(direction);
        }
        if (hands_over()) {
            handover_chains(true);
        }
        base_chain("input", "iifname");
        base_chain("forward", "iifname");
        base_chain("output", "oifname");
        line("}}");
        for (const policy::RuleSource& rule : policy_.rules()) {
            note_downgrade(rule);
        }
        return std::move(out_);
    }

    // What the handover alone takes.
    NftHandoverRendering run_handover() {
        NftHandoverRendering out;
        // Without the policy's digest: a policy, or a lease, that changes nothing here is not
        // loaded.
        line("# Sekisho: who is answered. Written by the gate: changes made here are lost.");
        line("{}table inet {} {{", render_nftables_removal(), kNftTable);
        const bool any_client = answers_for(policy_.classes().front());
        for (const policy::Class& c : policy_.classes()) {
            if (c.id != 0 && (any_client || answers_for(c) || tested(c))) {
                set(c, true);
                set(c, false);
                out.prefixes += members_v4_[c.id].size() + members_v6_[c.id].size();
            }
        }
        handover_chains(false);
        line("}}");
        out.text = std::move(out_.text);
        return out;
    }

  private:
    [[nodiscard]] bool hands_over() const { return options_.handover && answers(policy_); }
    [[nodiscard]] bool answers_at(const policy::Class& client, ClassId server) const {
        return policy_.cell(client.id, server).action == Action::Answer;
    }
    [[nodiscard]] bool answers_for(const policy::Class& client) const {
        return std::ranges::any_of(policy_.classes(), [&](const policy::Class& server) {
            return answers_at(client, server.id);
        });
    }
    // Whether the client's answers take a look at the server's class; the default one is what is
    // left.
    [[nodiscard]] bool tests(const policy::Class& client, const policy::Class& server) const {
        return server.id != 0 &&
               policy_.cell(client.id, server.id).rule != policy_.cell(client.id, 0).rule &&
               (answers_at(client, server.id) || answers_at(client, 0));
    }
    [[nodiscard]] bool tested(const policy::Class& server) const {
        return std::ranges::any_of(policy_.classes(), [&](const policy::Class& client) {
            return tests(client, server);
        });
    }

    // Before routing; after those of conntrack, which reassemble. `counted`: by our counters.
    void handover_chains(bool counted) {
        for (const policy::Class& client : policy_.classes()) {
            if (answers_for(client)) {
                handover_chain(client, counted);
            }
        }
        line("\tchain answer {{");
        const bool otherwise = answers_for(policy_.classes().front());
        for (const policy::Class& client : policy_.classes()) {
            if (!answers_for(client) && !otherwise) {
                continue;
            }
            const std::string then =
                answers_for(client) ? "goto answer_by_" + client.name : std::string("return");
            in_class(client, "saddr", then);
        }
        if (otherwise) {
            line("\t\tgoto answer_by_{}", policy_.classes().front().name);
        }
        line("\t}}");
        line("\tchain prerouting {{");
        line("\t\ttype filter hook prerouting priority mangle; policy accept;");
        only_guarded("iifname");
        line("\t\ttcp dport 25 jump answer");
        line("\t}}");
    }

    [[nodiscard]] std::string client_counter(const policy::Class& client, Direction direction)
        const {
        return nft_client_counter(policy_.written(client.id).name, direction);
    }

    // A match of each family that has members of the class.
    void in_class(const policy::Class& c, const char* end, const std::string& then) {
        if (!members_v4_[c.id].empty()) {
            line("\t\tip {} @{} {}", end, set_name(c, true), then);
        }
        if (!members_v6_[c.id].empty()) {
            line("\t\tip6 {} @{} {}", end, set_name(c, false), then);
        }
    }

    void handover_chain(const policy::Class& client, bool counted) {
        line("\tchain answer_by_{} {{", client.name);
        for (const policy::Class& server : policy_.classes()) {
            if (!tests(client, server)) {
                continue;
            }
            const policy::Verdict verdict = policy_.cell(client.id, server.id);
            if (verdict.action != Action::Answer) {
                in_class(server, "daddr", "return");
                continue;
            }
            if (!members_v4_[server.id].empty()) {
                hand_over(client, verdict, "ip daddr @" + set_name(server, true), true, counted);
            }
            if (!members_v6_[server.id].empty()) {
                hand_over(client, verdict, "ip6 daddr @" + set_name(server, false), false, counted);
            }
        }
        if (answers_at(client, 0)) {
            const policy::Verdict verdict = policy_.cell(client.id, 0);
            hand_over(client, verdict, "meta nfproto ipv4", true, counted);
            hand_over(client, verdict, "meta nfproto ipv6", false, counted);
        }
        line("\t}}");
    }

    // tproxy ends its rule where nobody listens; then the connection is refused.
    void hand_over(
        const policy::Class& client,
        const policy::Verdict& verdict,
        const std::string& match,
        bool v4,
        bool counted
    ) {
        const policy::RuleSource& rule = policy_.rules()[static_cast<std::size_t>(verdict.rule)];
        const std::string count = counted ? fmt::format(
                                                " counter name {} counter name {}",
                                                client_counter(client, Direction::ToPort25),
                                                nft_counter(rule.name, Direction::ToPort25)
                                            )
                                          : std::string();
        const NftHandover& to = *options_.handover;
        if (v4 || to.port_v6 != 0) {
            line(
                "\t\t{} meta l4proto tcp tproxy {} to {}:{} meta mark set {:#x}{} accept",
                match,
                v4 ? "ip" : "ip6",
                v4 ? "127.0.0.1" : "[::1]",
                v4 ? to.port_v4 : to.port_v6,
                to.mark,
                count
            );
        }
        line("\t\t{}{} tcp flags & rst == rst drop", match, count);
        line("\t\t{} reject with tcp reset", match);
    }

    void only_guarded(const char* interface) {
        if (options_.interfaces.empty()) {
            line("\t\t{} \"lo\" accept", interface);
        } else {
            line(
                "\t\t{} != {{ \"{}\" }} accept", interface, fmt::join(options_.interfaces, "\", \"")
            );
        }
    }

    template <class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(out_.text), format, std::forward<Args>(args)...);
        out_.text += '\n';
    }

    void counters() {
        for (const Direction direction : {Direction::ToPort25, Direction::FromPort25}) {
            line("\tcounter {} {{ }}", nft_counter("", direction));
            for (const policy::RuleSource& rule : policy_.rules()) {
                line("\tcounter {} {{ }}", nft_counter(rule.name, direction));
            }
            for (const policy::Class& client : policy_.classes()) {
                if (client.base == client.id) {  // its parts are counted as it
                    line("\tcounter {} {{ }}", nft_client_counter(client.name, direction));
                }
            }
        }
    }

    void set(const policy::Class& c, bool v4) {
        const std::vector<std::string>& members = (v4 ? members_v4_ : members_v6_)[c.id];
        if (members.empty()) {
            return;
        }
        line("\tset {} {{", set_name(c, v4));
        line("\t\ttype {}", v4 ? "ipv4_addr" : "ipv6_addr");
        line("\t\tflags interval");
        line("\t\telements = {{ {} }}", fmt::join(members, ",\n\t\t\t"));
        line("\t}}");
    }

    // What a packet of this pair meets: its counter, then its fate, a line each. Passing is
    // `return`, so that a packet with port 25 on both ends is judged in the other direction too.
    [[nodiscard]] std::vector<std::string> statements(
        const policy::Verdict& verdict, Direction direction, Families families
    ) const {
        const policy::RuleSource* rule =
            verdict.rule < 0 ? nullptr : &policy_.rules()[static_cast<std::size_t>(verdict.rule)];
        const std::string count =
            "counter name " + nft_counter(rule == nullptr ? "" : rule->name, direction);
        if (verdict.action == Action::Limit && to_port25(direction) && rule != nullptr) {
            if (const auto rate = nft_rate(rule->rate)) {
                return limited(*rule, *rate, count, families);
            }
        }
        if (!policy::blocks(verdict.action)) {
            return {count + " return"};
        }
        if (verdict.action == Action::Drop || !to_port25(direction)) {
            return {count + " drop"};
        }
        // A reset is never answered (RFC 9293 §3.10.7.1).
        return {count + " tcp flags & rst == rst drop", "reject with tcp reset"};
    }

    // New connections beyond the rate of their source are refused; what is open stays open.
    [[nodiscard]] static std::vector<std::string> limited(
        const policy::RuleSource& rule,
        const std::string& rate,
        const std::string& count,
        Families families
    ) {
        std::vector<std::string> out{count};
        for (const bool v4 : {true, false}) {
            if (!(v4 ? families.v4 : families.v6)) {
                continue;
            }
            out.push_back(fmt::format(
                "tcp flags & (syn | ack) == syn update @{} {{ {} limit rate over {} burst {} "
                "packets }} reject with tcp reset",
                limit_set_name(rule, v4),
                v4 ? "ip saddr" : "ip6 saddr & ffff:ffff:ffff:ffff::",
                rate,
                rule.rate.connections
            ));
        }
        out.emplace_back("return");
        return out;
    }

    // The buckets of each source: forgotten when they would be full again.
    void limit_sets() {
        for (const policy::RuleSource& rule : policy_.rules()) {
            if (rule.action != Action::Limit || !nft_rate(rule.rate)) {
                continue;
            }
            for (const bool v4 : {true, false}) {
                line("\tset {} {{", limit_set_name(rule, v4));
                line("\t\ttype {}", v4 ? "ipv4_addr" : "ipv6_addr");
                line("\t\tsize {}", kLimitedSources);
                line("\t\tflags dynamic,timeout");
                line(
                    "\t\ttimeout {}s",
                    std::chrono::ceil<std::chrono::seconds>(rule.rate.per).count()
                );
                line("\t}}");
            }
        }
    }

    void client_chain(const policy::Class& client, Direction direction) {
        line("\tchain {} {{", chain_name(client, direction));
        line("\t\tcounter name {}", client_counter(client, direction));
        const policy::Verdict otherwise = policy_.cell(client.id, 0);
        for (const policy::Class& server : policy_.classes()) {
            const policy::Verdict verdict = policy_.cell(client.id, server.id);
            if (server.id == 0 || verdict.rule == otherwise.rule) {
                continue;
            }
            const std::string end = to_port25(direction) ? "daddr" : "saddr";
            if (!members_v4_[server.id].empty()) {
                rules(
                    fmt::format("ip {} @{} ", end, set_name(server, true)),
                    verdict,
                    direction,
                    {true, false}
                );
            }
            if (!members_v6_[server.id].empty()) {
                rules(
                    fmt::format("ip6 {} @{} ", end, set_name(server, false)),
                    verdict,
                    direction,
                    {false, true}
                );
            }
        }
        rules("", otherwise, direction, {true, true});
        line("\t}}");
    }

    void rules(
        const std::string& match,
        const policy::Verdict& verdict,
        Direction direction,
        Families families
    ) {
        for (const std::string& statement : statements(verdict, direction, families)) {
            line("\t\t{}{}", match, statement);
        }
    }

    void dispatch_chain(Direction direction) {
        const char* end = to_port25(direction) ? "saddr" : "daddr";
        line("\tchain {} {{", to_port25(direction) ? "to_port25" : "from_port25");
        for (const policy::Class& client : policy_.classes()) {
            in_class(client, end, "goto " + chain_name(client, direction));
        }
        line("\t\tgoto {}", chain_name(policy_.classes().front(), direction));
        line("\t}}");
    }

    void base_chain(const char* hook, const char* interface) {
        line("\tchain {} {{", hook);
        line("\t\ttype filter hook {} priority {}; policy accept;", hook, options_.priority);
        only_guarded(interface);
        if (hands_over() && std::string_view(hook) == "input") {
            line("\t\tmeta mark {:#x} accept", options_.handover->mark);  // judged before routing
        }
        line("\t\ttcp dport 25 jump to_port25");
        // Not on the way out: what this machine answers was asked through input, and the resets
        // that reject sends come from port 25 too.
        if (std::string_view(hook) != "output") {
            line("\t\ttcp sport 25 jump from_port25");
        }
        line("\t}}");
    }

    void note_downgrade(const policy::RuleSource& rule) {
        if (rule.action == Action::Limit && !nft_rate(rule.rate)) {
            out_.downgrades.push_back(
                {rule.name,
                 rule.action,
                 Action::Count,
                 "nftables has whole connections in a second, minute, hour, day or week, and " +
                     rule.rate.text() + " is none of these: packets pass and are counted"}
            );
        } else if (rule.action == Action::Answer && rule.stage == policy::Stage::Enforce &&
                   !options_.handover) {
            out_.downgrades.push_back(
                {rule.name,
                 rule.action,
                 Action::Refuse,
                 options_.no_handover + ": connections are refused"}
            );
        }
    }

    const policy::Policy& policy_;
    const NftOptions& options_;
    std::vector<std::vector<std::string>> members_v4_, members_v6_;  // by class
    NftRendering out_;
};

}  // namespace

std::string nft_counter(const std::string& rule, Direction direction) {
    // A rule's name never starts with '_'.
    return (to_port25(direction) ? "to_" : "from_") + (rule.empty() ? "_unnamed" : rule);
}

std::string nft_client_counter(const std::string& client_class, Direction direction) {
    return (to_port25(direction) ? "client_to_" : "client_from_") + client_class;
}

bool answers(const policy::Policy& policy) {
    return std::ranges::any_of(policy.classes(), [&](const policy::Class& client) {
        return std::ranges::any_of(policy.classes(), [&](const policy::Class& server) {
            return policy.cell(client.id, server.id).action == Action::Answer;
        });
    });
}

NftHandoverRendering render_nft_handover(const policy::Policy& policy, const NftOptions& options) {
    return Renderer(policy, options).run_handover();
}

NftRendering render_nftables(const policy::Policy& policy, const NftOptions& options) {
    return Renderer(policy, options).run();
}

std::string render_nftables_removal() {
    // Adding what exists changes nothing; so the deletion always finds the table.
    return fmt::format("table inet {0}\ndelete table inet {0}\n", kNftTable);
}

}  // namespace sekisho::gate

#include "gate/render/nftables.h"

#include "policy/policy.h"
#include "policy/ranges.h"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {
namespace {

using policy::Action;
using policy::ClassId;
using policy::Direction;

bool to_port25(Direction direction) {
    return direction == Direction::ToPort25;
}

std::string chain_name(const policy::Class& client, Direction direction) {
    return (to_port25(direction) ? "to_by_" : "from_by_") + client.name;
}

std::string set_name(const policy::Class& c, bool v4) {
    return "class_" + c.name + (v4 ? "_v4" : "_v6");
}

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
        for (const Direction direction : {Direction::ToPort25, Direction::FromPort25}) {
            for (const policy::Class& client : policy_.classes()) {
                client_chain(client, direction);
            }
            dispatch_chain(direction);
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

  private:
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

    // What a packet of this pair meets: its counter, then its fate. Passing is `return`, so that a
    // packet with port 25 on both ends is judged in the other direction too.
    [[nodiscard]] std::string statement(const policy::Verdict& verdict, Direction direction) const {
        const std::string rule = verdict.rule < 0
                                     ? std::string()
                                     : policy_.rules()[static_cast<std::size_t>(verdict.rule)].name;
        std::string out = "counter name " + nft_counter(rule, direction) + " ";
        if (!policy::blocks(verdict.action)) {
            return out + "return";
        }
        const bool silent = verdict.action == Action::Drop || !to_port25(direction);
        if (silent) {
            return out + "drop";
        }
        // A reset is never answered (RFC 9293 §3.10.7.1).
        return out + "tcp flags & rst == rst drop\n\t\t" + "{MATCH}reject with tcp reset";
    }

    void client_chain(const policy::Class& client, Direction direction) {
        line("\tchain {} {{", chain_name(client, direction));
        const policy::Verdict otherwise = policy_.cell(client.id, 0);
        for (const policy::Class& server : policy_.classes()) {
            const policy::Verdict verdict = policy_.cell(client.id, server.id);
            if (server.id == 0 || verdict.rule == otherwise.rule) {
                continue;
            }
            const std::string end = to_port25(direction) ? "daddr" : "saddr";
            if (!members_v4_[server.id].empty()) {
                rule(fmt::format("ip {} @{} ", end, set_name(server, true)), verdict, direction);
            }
            if (!members_v6_[server.id].empty()) {
                rule(fmt::format("ip6 {} @{} ", end, set_name(server, false)), verdict, direction);
            }
        }
        rule("", otherwise, direction);
        line("\t}}");
    }

    void rule(const std::string& match, const policy::Verdict& verdict, Direction direction) {
        std::string text = statement(verdict, direction);
        const std::size_t at = text.find("{MATCH}");
        if (at != std::string::npos) {
            text.replace(at, std::string_view("{MATCH}").size(), match);
        }
        line("\t\t{}{}", match, text);
    }

    void dispatch_chain(Direction direction) {
        const std::string end = to_port25(direction) ? "saddr" : "daddr";
        line("\tchain {} {{", to_port25(direction) ? "to_port25" : "from_port25");
        for (const policy::Class& client : policy_.classes()) {
            if (!members_v4_[client.id].empty()) {
                line(
                    "\t\tip {} @{} goto {}",
                    end,
                    set_name(client, true),
                    chain_name(client, direction)
                );
            }
            if (!members_v6_[client.id].empty()) {
                line(
                    "\t\tip6 {} @{} goto {}",
                    end,
                    set_name(client, false),
                    chain_name(client, direction)
                );
            }
        }
        line("\t\tgoto {}", chain_name(policy_.classes().front(), direction));
        line("\t}}");
    }

    void base_chain(const char* hook, const char* interface) {
        line("\tchain {} {{", hook);
        line("\t\ttype filter hook {} priority {}; policy accept;", hook, options_.priority);
        if (options_.interfaces.empty()) {
            line("\t\t{} \"lo\" accept", interface);
        } else {
            line(
                "\t\t{} != {{ \"{}\" }} accept", interface, fmt::join(options_.interfaces, "\", \"")
            );
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
        if (rule.action == Action::Limit) {
            out_.downgrades.push_back(
                {rule.name,
                 rule.action,
                 Action::Count,
                 "the nftables engine keeps no rate for each source: packets pass and are counted"}
            );
        } else if (rule.action == Action::Answer) {
            out_.downgrades.push_back(
                {rule.name,
                 rule.action,
                 Action::Refuse,
                 "the nftables engine can't hand over to a responder: connections are refused"}
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

NftRendering render_nftables(const policy::Policy& policy, const NftOptions& options) {
    return Renderer(policy, options).run();
}

std::string render_nftables_removal() {
    // Adding what exists changes nothing; so the deletion always finds the table.
    return fmt::format("table inet {0}\ndelete table inet {0}\n", kNftTable);
}

}  // namespace sekisho::gate

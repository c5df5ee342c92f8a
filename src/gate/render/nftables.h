// One policy as an nftables rule set: a table of its own, replaced as a whole in one transaction.
// Stateless: connection tracking is neither needed nor asked.
#pragma once

#include "policy/policy.h"

#include <string>
#include <vector>

namespace sekisho::gate {

inline constexpr const char* kNftTable = "sekisho";
// Names of the counters; `rule` empty is what no rule names.
[[nodiscard]] std::string nft_counter(const std::string& rule, policy::Direction direction);

struct NftOptions {
    std::vector<std::string> interfaces;  // empty: all but loopback
    int priority = -10;                   // in the hooks input, forward and output
};

struct NftRendering {
    std::string text;  // for nft -f
    struct Downgrade {
        std::string rule;
        policy::Action declared = policy::Action::Pass;
        policy::Action used = policy::Action::Pass;
        std::string reason;
    };
    std::vector<Downgrade> downgrades;
};
[[nodiscard]] NftRendering render_nftables(
    const policy::Policy& policy, const NftOptions& options = {}
);
// The text that removes all of it; no error when there is nothing.
[[nodiscard]] std::string render_nftables_removal();

}  // namespace sekisho::gate

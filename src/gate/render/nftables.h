// One policy as an nftables rule set: a table of its own, replaced as a whole in one transaction.
// Stateless: connection tracking is neither needed nor asked.
#pragma once

#include "policy/policy.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::gate {

inline constexpr const char* kNftTable = "sekisho";
// Names of the counters; `rule` empty is what no rule names.
[[nodiscard]] std::string nft_counter(const std::string& rule, policy::Direction direction);
[[nodiscard]] std::string nft_client_counter(
    const std::string& client_class, policy::Direction direction
);

// How packets of enforced `answer` rules reach the responder: before routing, tproxy gives them to
// its socket, and the mark to the routing rule that keeps them here. The responder's packets then
// have the address that the client called, without connection tracking: a border that sees one
// direction only works the same. `port_v6` 0: IPv6 is refused.
struct NftHandover {
    std::uint16_t port_v4 = 0, port_v6 = 0;
    std::uint32_t mark = 0;
};

struct NftOptions {
    std::vector<std::string> interfaces;  // empty: all but loopback
    int priority = -10;                   // in the hooks input, forward and output
    std::optional<NftHandover> handover;
    std::string no_handover = "no responder runs here";  // why, when there is none
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

// Whether anybody is answered now.
[[nodiscard]] bool answers(const policy::Policy& policy);
// Only the handover, for an engine that judges the rest: our table with the sets that it takes.
// `prefixes`: how many elements they have.
struct NftHandoverRendering {
    std::string text;
    std::size_t prefixes = 0;
};
[[nodiscard]] NftHandoverRendering render_nft_handover(
    const policy::Policy& policy, const NftOptions& options
);
// The text that removes all of it; no error when there is nothing.
[[nodiscard]] std::string render_nftables_removal();

}  // namespace sekisho::gate

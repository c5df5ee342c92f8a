// The way of packets of `answer` rules to the responder of this machine: a routing rule that keeps
// marked packets here, for both engines; and our table of nftables, for the engine that isn't
// nftables itself. Made when the first such rule is in force, taken away with the last.
//
// When the process dies, what is made stays: nobody listens then, and the table refuses what it
// would have handed over, until a gate runs again or `sekisho gate detach`.
#pragma once

#include "base/result.h"
#include "gate/enforce/engine.h"
#include "gate/render/nftables.h"
#include "policy/policy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::gate {

inline constexpr std::uint32_t kAnswerMark = 0x53454b49;  // of packets, up to the socket
inline constexpr std::uint32_t kAnswerTable = 8825;       // of routes; the rule's preference too

// Marked packets go to this machine. Needs CAP_NET_ADMIN and the ip program (iproute2).
[[nodiscard]] Status add_answer_routes(bool v6);
void remove_answer_routes();

// Where packets that come in on these interfaces appear to nftables: on themselves and on what
// stands above them (VLANs, bonds). `bridge`: one that carries packets past nftables' hooks, so
// that none can be handed over; empty: none does.
struct Appearance {
    std::vector<std::string> interfaces;  // in order, each once
    std::string bridge;
};
[[nodiscard]] Appearance appearance_of(
    const std::vector<std::string>& interfaces, const std::string& sysfs = "/sys/class/net"
);

class Handover {
  public:
    void set_responder(const ResponderPorts& ports) { ports_ = ports; }

    // What would be in force differs from what is: interfaces have changed, or the responder has.
    [[nodiscard]] bool stale(const std::vector<std::string>& interfaces) const;

    // In force for the policy (with its overrides) on these interfaces; empty, or why it can't be:
    // `answer` is to be refused then. Without interfaces only the reasons that are known now.
    [[nodiscard]] std::string put(
        const policy::Policy& policy, const std::vector<std::string>& interfaces
    );
    void remove();
    // The same for what an earlier gate left; once.
    void remove_leftover();
    // Somebody else has flushed the table: it is loaded again. Cheap enough for every second.
    void watch();

    // More prefixes than nftables loads and changes quickly.
    static constexpr std::size_t kPrefixesMax = 50'000;

  private:
    ResponderPorts ports_, ports_in_force_;
    std::vector<std::string> interfaces_;  // as put() was given them
    Appearance appearance_;
    std::string text_;      // loaded; empty: nothing is
    bool leftover_ = true;  // perhaps
};

}  // namespace sekisho::gate

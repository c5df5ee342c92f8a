// What enforces a policy on packets. Engines differ in what they can do; what an engine can't do is
// in its list of downgrades, never silently missing.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::gate {

struct Tally {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;  // XDP: of frames; nftables: of IP packets
    friend Tally operator+(const Tally& a, const Tally& b) {
        return {a.packets + b.packets, a.bytes + b.bytes};
    }
    friend bool operator==(const Tally&, const Tally&) = default;
};

// Grows as long as the engine lives, over any number of policies that have a rule of this name.
struct RuleCounter {
    std::string rule;  // empty: what no rule names
    policy::Action action = policy::Action::Pass;
    policy::Stage stage = policy::Stage::Enforce;
    Tally to, from;  // to port 25, from port 25
};

// A blocked or would-be-blocked packet, and those alike that it stands for.
struct Flow {
    Time since{}, at{};  // of the first and the last packet
    IpAddress client, server;
    std::uint16_t client_port = 0;
    policy::Direction direction = policy::Direction::ToPort25;
    std::string rule;
    bool blocked = false;  // false: it passed, and would be blocked were the rule enforced
    std::uint64_t count = 1;
    unsigned interface_index = 0;
};

struct Downgrade {
    std::string rule;
    policy::Action declared = policy::Action::Pass;
    policy::Action used = policy::Action::Pass;
    std::string reason;
};

struct Attachment {
    std::string interface;
    std::string mode;  // native, generic, tc, hook
    std::string note;  // why this mode
};

struct OverrideCount {
    Prefix prefix;
    std::uint64_t connections = 0;
};

struct Named {
    std::string name;
    std::uint64_t value = 0;
};

struct Description {
    std::string engine;
    std::string policy_digest;  // empty: none in force
    std::vector<Attachment> attachments;
    std::vector<Downgrade> downgrades;
    std::vector<std::string> limits;  // what this engine doesn't do, for people
    std::string when_killed;          // what happens to packets if the process dies
};

// All calls may come from any thread; poll() from one at a time.
class Engine {
  public:
    virtual ~Engine() = default;  // leaves

    // The new policy with its overrides is in force when this returns; on an error the old one is,
    // untouched.
    virtual Status apply(
        std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
    ) = 0;
    Status apply(std::shared_ptr<const policy::Policy> policy) {
        return apply(std::move(policy), {});
    }
    // Other overrides of the policy in force. What stays the same is not touched.
    virtual Status set_overrides(const std::vector<policy::Override>& overrides) = 0;
    // How many connections each prefix opened to port 25 since it is overridden; empty where the
    // engine doesn't count them.
    [[nodiscard]] virtual Result<std::vector<OverrideCount>> override_counts() = 0;
    // Puts the engine on these interfaces and takes it off all others. Interfaces that can't be had
    // are an error in the list; the others are attached all the same.
    virtual std::vector<std::pair<std::string, Status>> attach(
        const std::vector<std::string>& interfaces
    ) = 0;
    virtual Status detach() = 0;
    // The process ends: what was made to outlive it stays in force, the rest is detached.
    virtual void leave() = 0;

    [[nodiscard]] virtual Result<std::vector<RuleCounter>> counters() = 0;
    // Counters that aren't a rule's: fragments, resets, events lost, ...
    [[nodiscard]] virtual std::vector<Named> statistics() = 0;
    [[nodiscard]] virtual Description describe() = 0;

    // Waits up to `wait` for flows and hands them over on the calling thread.
    virtual void poll(Duration wait, const std::function<void(const Flow&)>& flow) = 0;
};

// Tc: the same program at the ingress of traffic control. Auto takes the first that can be had.
enum class XdpMode { Auto, Native, Generic, Tc };

// `pin`: a folder in a BPF file system in which the attachment outlives the process; empty: none.
// Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root; the error says what is missing.
[[nodiscard]] Result<std::unique_ptr<Engine>> make_xdp_engine(XdpMode mode, std::string pin = {});
// `keep`: the rules stay when the engine is left. Needs CAP_NET_ADMIN and the nft program.
[[nodiscard]] Result<std::unique_ptr<Engine>> make_nft_engine(bool keep = false);

// What a gate that has ended left in force (gate.pin): takes the XDP program off every interface
// whose link is pinned in the folder, and the folder with it; how many there were.
[[nodiscard]] Result<std::size_t> remove_pins(const std::string& folder);
// The same for traffic control, on every interface of this network namespace.
[[nodiscard]] Result<std::size_t> remove_tc_filters();
// The same for our table of nftables; whether there was one.
[[nodiscard]] Result<bool> remove_nft_table();

}  // namespace sekisho::gate

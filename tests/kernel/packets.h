// Frames made by hand, frames taken apart again, and one run of the XDP program over a frame.
#pragma once

#include "base/ip.h"
#include "gate/enforce/xdp_engine.h"
#include "policy/policy.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::kernel_test {

using Bytes = std::vector<std::uint8_t>;

enum TcpFlag : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16 };

struct Extension {  // an IPv6 extension header: its type and how many octets it has (8, 16, ...)
    std::uint8_t type = 0;
    std::size_t size = 8;
};

enum class Ppp { None, Plain, Compressed };  // how many octets the PPP protocol has: none, 2, 1

struct Tunnel {  // IP around the packet
    IpAddress source, destination;
    bool option = false;  // IPv6: the Tunnel Encapsulation Limit of RFC 2473
};

struct Frame {
    Endpoint source, destination;
    std::vector<std::pair<std::uint16_t, std::uint16_t>> tags;  // TPID, TCI
    std::size_t ip_options = 0;                                 // octets, a multiple of 4
    std::vector<Extension> extensions;
    std::uint16_t fragment = 0;  // IPv4: flags and offset; IPv6: needs an extension 44 to stand in
    std::uint8_t protocol = 6;
    std::uint32_t seq = 1000, ack = 0;
    std::uint8_t flags = kSyn;
    std::size_t tcp_options = 0;
    std::size_t payload = 0;
    bool pad = true;  // to the 60 octets of an Ethernet frame
    bool multicast_mac = false;
    Ppp pppoe = Ppp::None;
    std::optional<Tunnel> tunnel;

    [[nodiscard]] Bytes bytes() const;
};

// The TCP segment in a frame, all checksums checked.
struct Seen {
    bool valid = false;
    std::string why;  // when not valid
    Endpoint source, destination;
    std::vector<std::pair<std::uint16_t, std::uint16_t>> tags;
    std::uint32_t seq = 0, ack = 0;
    std::uint8_t flags = 0;
    std::uint64_t source_mac = 0, destination_mac = 0;
    std::optional<std::uint16_t> session;  // PPPoE, its length checked
    std::optional<Tunnel> tunnel;
    std::size_t padding = 0;  // octets behind the IP packet, all zero
};
[[nodiscard]] Seen dissect(const Bytes& frame);

inline constexpr std::uint16_t kSession = 0x1234;
inline constexpr std::uint64_t kSourceMac = 0x020000000001;
inline constexpr std::uint64_t kDestinationMac = 0x020000000002;

// The forms of the gate's program.
struct Program {
    int fd = -1;
    bool tc = false;
    const char* name = "";
};
[[nodiscard]] std::vector<Program> programs_of(gate::XdpEngine& engine);

struct RunResult {
    int verdict = -1;  // XDP_DROP, XDP_PASS, XDP_TX, and what traffic control calls so
    Bytes out;
};
[[nodiscard]] RunResult run_program(const Program& program, const Bytes& frame);

[[nodiscard]] bool is_root();
// Classes and rules in short: {"subscribers", {"198.51.100.0/24"}}.
[[nodiscard]] policy::ClassSource group(const char* name, const std::vector<std::string>& prefixes);
[[nodiscard]] policy::RuleSource rule(
    const char* name,
    const char* from,
    const char* to,
    policy::Action action,
    policy::Stage stage = policy::Stage::Enforce
);
[[nodiscard]] std::shared_ptr<const policy::Policy> compile(const policy::Source& source);
[[nodiscard]] Endpoint at(const char* text);

}  // namespace sekisho::kernel_test

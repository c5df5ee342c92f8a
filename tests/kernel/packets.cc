#include "kernel/packets.h"

#include "base/assert.h"
#include "base/ip.h"
#include "policy/policy.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::kernel_test {
namespace {

void put16(Bytes& out, std::uint16_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8U));
    out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Bytes& out, std::uint32_t value) {
    put16(out, static_cast<std::uint16_t>(value >> 16U));
    put16(out, static_cast<std::uint16_t>(value));
}
void put_mac(Bytes& out, std::uint64_t mac) {
    put16(out, static_cast<std::uint16_t>(mac >> 32U));
    put32(out, static_cast<std::uint32_t>(mac));
}
void put_address(Bytes& out, const IpAddress& address) {
    const auto& bytes = address.bytes();
    out.insert(out.end(), bytes.begin(), bytes.begin() + (address.is_v4() ? 4 : 16));
}

std::uint64_t get(const Bytes& in, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value = (value << 8U) | in.at(at + i);
    }
    return value;
}

// RFC 1071; written apart from the program under test.
std::uint16_t checksum(const Bytes& words) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        sum += (i % 2 == 0) ? std::uint32_t{words[i]} << 8U : words[i];
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

Bytes pseudo_header(const IpAddress& source, const IpAddress& destination, const Bytes& segment) {
    Bytes out;
    put_address(out, source);
    put_address(out, destination);
    put32(out, 6);
    put32(out, static_cast<std::uint32_t>(segment.size()));
    out.insert(out.end(), segment.begin(), segment.end());
    return out;
}

Bytes tcp_segment(const Frame& frame) {
    Bytes out;
    put16(out, frame.source.port);
    put16(out, frame.destination.port);
    put32(out, frame.seq);
    put32(out, frame.ack);
    out.push_back(static_cast<std::uint8_t>((20 + frame.tcp_options) / 4 << 4U));
    out.push_back(frame.flags);
    put16(out, 64240);
    put32(out, 0);
    out.insert(out.end(), frame.tcp_options, 1);  // NOP
    out.insert(out.end(), frame.payload, 0x5a);
    const std::uint16_t sum =
        checksum(pseudo_header(frame.source.address, frame.destination.address, out));
    out[16] = static_cast<std::uint8_t>(sum >> 8U);
    out[17] = static_cast<std::uint8_t>(sum);
    return out;
}

void put_v4(Bytes& out, const Frame& frame, std::size_t payload) {
    Bytes ip;
    const std::size_t header = 20 + frame.ip_options;
    ip.push_back(static_cast<std::uint8_t>(0x40 | header / 4));
    ip.push_back(0);
    put16(ip, static_cast<std::uint16_t>(header + payload));
    put16(ip, 0x1234);
    put16(ip, frame.fragment);
    ip.push_back(57);
    ip.push_back(frame.protocol);
    put16(ip, 0);
    put_address(ip, frame.source.address);
    put_address(ip, frame.destination.address);
    ip.insert(ip.end(), frame.ip_options, 1);
    const std::uint16_t sum = checksum(ip);
    ip[10] = static_cast<std::uint8_t>(sum >> 8U);
    ip[11] = static_cast<std::uint8_t>(sum);
    out.insert(out.end(), ip.begin(), ip.end());
}

void put_v6(Bytes& out, const Frame& frame, std::size_t payload) {
    std::size_t extensions = 0;
    for (const Extension& one : frame.extensions) {
        extensions += one.size;
    }
    put32(out, 0x60000000);
    put16(out, static_cast<std::uint16_t>(extensions + payload));
    out.push_back(frame.extensions.empty() ? frame.protocol : frame.extensions.front().type);
    out.push_back(57);
    put_address(out, frame.source.address);
    put_address(out, frame.destination.address);
    for (std::size_t i = 0; i < frame.extensions.size(); ++i) {
        const Extension& one = frame.extensions[i];
        const bool last = i + 1 == frame.extensions.size();
        out.push_back(last ? frame.protocol : frame.extensions[i + 1].type);
        // AH counts in 4 octets without the first two (RFC 4302 §2.2), the others in 8 without one.
        out.push_back(
            static_cast<std::uint8_t>(one.type == 51 ? one.size / 4 - 2 : one.size / 8 - 1)
        );
        const std::size_t rest = out.size();
        out.insert(out.end(), one.size - 2, 0);
        if (one.type == 44) {
            out[rest - 1] = 0;
            out[rest] = static_cast<std::uint8_t>(frame.fragment >> 8U);
            out[rest + 1] = static_cast<std::uint8_t>(frame.fragment);
        }
    }
}

// The packet in a tunnel.
void put_tunnel(Bytes& out, const Tunnel& tunnel, bool inner_v4, std::size_t payload) {
    Frame around{.source = {tunnel.source, 0}, .destination = {tunnel.destination, 0}};
    around.protocol = inner_v4 ? 4 : 41;
    if (tunnel.source.is_v4()) {
        put_v4(out, around, payload);
        return;
    }
    if (tunnel.option) {
        around.extensions = {{60, 8}};
    }
    put_v6(out, around, payload);
}

struct Walk {
    std::size_t at = 0;
    std::size_t ip = 0;
    std::size_t ip_size = 0;
    std::uint8_t next = 0;  // protocol of what follows
};

// Reads the IP header; empty string when right.
std::string walk_ip(
    const Bytes& frame, bool v4, Walk& walk, IpAddress& source, IpAddress& destination
) {
    walk.ip = walk.at;
    if (v4) {
        if (frame.size() < walk.at + 20 || frame[walk.at] != 0x45) {
            return "not a plain IPv4 header";
        }
        const auto head = frame.begin() + static_cast<std::ptrdiff_t>(walk.at);
        if (checksum(Bytes(head, head + 20)) != 0) {
            return "IPv4 checksum";
        }
        walk.ip_size = get(frame, walk.at + 2, 2);
        source = IpAddress::v4(static_cast<std::uint32_t>(get(frame, walk.at + 12, 4)));
        destination = IpAddress::v4(static_cast<std::uint32_t>(get(frame, walk.at + 16, 4)));
        walk.next = frame[walk.at + 9];
        walk.at += 20;
        return "";
    }
    if (frame.size() < walk.at + 40) {
        return "short IPv6 header";
    }
    walk.ip_size = get(frame, walk.at + 4, 2) + 40;
    for (const std::size_t offset : {std::size_t{8}, std::size_t{24}}) {
        std::array<std::uint8_t, 16> bytes{};
        std::copy_n(
            frame.begin() + static_cast<std::ptrdiff_t>(walk.at + offset), 16, bytes.begin()
        );
        (offset == 8 ? source : destination) = IpAddress::v6(bytes);
    }
    walk.next = frame[walk.at + 6];
    walk.at += 40;
    if (walk.next == 60) {  // the option of a tunnel
        walk.next = frame[walk.at];
        walk.at += 8;
    }
    return "";
}

// From what is behind the tags to the TCP segment; empty string when right.
std::string walk_packet(const Bytes& frame, std::uint64_t proto, Walk& walk, Seen& seen) {
    std::size_t promised = 0;  // by PPPoE
    if (proto == 0x8864) {
        seen.session = static_cast<std::uint16_t>(get(frame, walk.at + 2, 2));
        promised = get(frame, walk.at + 4, 2);
        proto = get(frame, walk.at + 6, 2) == 0x21 ? 0x0800 : 0x86dd;
        walk.at += 8;
    }
    if (proto != 0x0800 && proto != 0x86dd) {
        return "neither IPv4 nor IPv6";
    }
    const std::size_t start = walk.at;
    std::string why =
        walk_ip(frame, proto == 0x0800, walk, seen.source.address, seen.destination.address);
    if (why.empty() && promised != 0 && promised != walk.ip_size + 2) {
        return "length of PPPoE";
    }
    if (why.empty() && (walk.next == 4 || walk.next == 41)) {
        const std::size_t outer_size = walk.ip_size;
        seen.tunnel = Tunnel{seen.source.address, seen.destination.address, walk.at - start > 40};
        why = walk_ip(frame, walk.next == 4, walk, seen.source.address, seen.destination.address);
        if (why.empty() && start + outer_size != walk.ip + walk.ip_size) {
            return "length of the tunnel";
        }
    }
    return why.empty() && walk.next != 6 ? "not TCP" : why;
}

}  // namespace

Bytes Frame::bytes() const {
    Bytes out;
    put_mac(out, multicast_mac ? 0x01005e000001 : kDestinationMac);
    put_mac(out, kSourceMac);
    for (const auto& [tpid, tci] : tags) {
        put16(out, tpid);
        put16(out, tci);
    }
    const Bytes segment = tcp_segment(*this);
    Bytes packet;
    if (source.address.is_v4()) {
        put_v4(packet, *this, segment.size());
    } else {
        put_v6(packet, *this, segment.size());
    }
    packet.insert(packet.end(), segment.begin(), segment.end());
    bool v4 = source.address.is_v4();
    if (tunnel) {
        Bytes around;
        put_tunnel(around, *tunnel, v4, packet.size());
        packet.insert(packet.begin(), around.begin(), around.end());
        v4 = tunnel->source.is_v4();
    }
    if (pppoe == Ppp::None) {
        put16(out, v4 ? 0x0800 : 0x86dd);
    } else {
        const std::size_t octets = pppoe == Ppp::Plain ? 2 : 1;
        put16(out, 0x8864);
        put16(out, 0x1100);
        put16(out, kSession);
        put16(out, static_cast<std::uint16_t>(octets + packet.size()));
        if (pppoe == Ppp::Plain) {
            out.push_back(0);
        }
        out.push_back(v4 ? 0x21 : 0x57);
    }
    out.insert(out.end(), packet.begin(), packet.end());
    if (pad && out.size() < 60) {
        out.resize(60, 0xee);
    }
    return out;
}

Seen dissect(const Bytes& frame) {
    Seen seen;
    if (frame.size() < 14) {
        seen.why = "short";
        return seen;
    }
    seen.destination_mac = get(frame, 0, 6);
    seen.source_mac = get(frame, 6, 6);
    Walk walk{12};
    std::uint64_t proto = get(frame, 12, 2);
    while (proto == 0x8100 || proto == 0x88a8) {
        seen.tags.emplace_back(proto, get(frame, walk.at + 2, 2));
        walk.at += 4;
        proto = get(frame, walk.at, 2);
    }
    walk.at += 2;
    seen.why = walk_packet(frame, proto, walk, seen);
    if (!seen.why.empty()) {
        return seen;
    }
    const std::size_t end = walk.ip + walk.ip_size;
    if (end > frame.size() || end < walk.at + 20) {
        seen.why = "lengths";
        return seen;
    }
    const Bytes segment(
        frame.begin() + static_cast<std::ptrdiff_t>(walk.at),
        frame.begin() + static_cast<std::ptrdiff_t>(end)
    );
    if (checksum(pseudo_header(seen.source.address, seen.destination.address, segment)) != 0) {
        seen.why = "TCP checksum";
        return seen;
    }
    seen.padding = frame.size() - end;
    for (std::size_t i = end; i < frame.size(); ++i) {
        if (frame[i] != 0) {
            seen.why = "padding shows old bytes";
            return seen;
        }
    }
    seen.source.port = static_cast<std::uint16_t>(get(segment, 0, 2));
    seen.destination.port = static_cast<std::uint16_t>(get(segment, 2, 2));
    seen.seq = static_cast<std::uint32_t>(get(segment, 4, 4));
    seen.ack = static_cast<std::uint32_t>(get(segment, 8, 4));
    seen.flags = segment[13];
    seen.valid = true;
    return seen;
}

std::vector<Program> programs_of(gate::XdpEngine& engine) {
    std::vector<Program> out{{engine.program_fd(), false, "XDP"}};
    if (const auto tc = engine.tc_program_fd()) {
        out.push_back({*tc, true, "traffic control"});
    }
    return out;
}

RunResult run_program(const Program& program, const Bytes& frame) {
    RunResult result;
    result.out.resize(4096);
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = result.out.data();
    options.data_size_out = static_cast<std::uint32_t>(result.out.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program.fd, &options) != 0) {
        return result;
    }
    result.out.resize(options.data_size_out);
    result.verdict = static_cast<int>(options.retval);
    if (program.tc) {
        const int action = result.verdict;
        result.verdict = action == TC_ACT_UNSPEC     ? XDP_PASS
                         : action == TC_ACT_SHOT     ? XDP_DROP
                         : action == TC_ACT_REDIRECT ? XDP_TX
                                                     : -1;
    }
    return result;
}

bool is_root() {
    return geteuid() == 0;
}

policy::ClassSource group(const char* name, const std::vector<std::string>& prefixes) {
    policy::ClassSource out;
    out.name = name;
    for (const std::string& text : prefixes) {
        const auto prefix = Prefix::parse(text);
        SEKISHO_ASSERT(prefix.has_value());
        out.prefixes.push_back(*prefix);
    }
    return out;
}

policy::RuleSource rule(
    const char* name, const char* from, const char* to, policy::Action action, policy::Stage stage
) {
    // More than any test sends, where the rate is not what it is about.
    const policy::Rate rate =
        action == policy::Action::Limit ? *policy::Rate::parse("1000000/1s") : policy::Rate{};
    return policy::RuleSource{name, from, to, action, stage, "", "", rate};
}

std::shared_ptr<const policy::Policy> compile(const policy::Source& source) {
    auto compiled = policy::Policy::compile(source);
    SEKISHO_ASSERT(compiled.has_value());
    return *compiled;
}

Endpoint at(const char* text) {
    const auto endpoint = Endpoint::parse(text);
    SEKISHO_ASSERT(endpoint.has_value());
    return *endpoint;
}

}  // namespace sekisho::kernel_test

// Any frame through the program (BPF_PROG_TEST_RUN), in XDP and in traffic control, and through a
// parser written apart from it: they must agree on the verdict, and an answer must be a valid
// reset. Needs root; without, nothing is run but the parser.
#include "base/ip.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "policy/policy.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <memory>
#include <optional>
#include <span>
#include <unistd.h>
#include <vector>

namespace {

using sekisho::Endpoint;
using sekisho::IpAddress;
using Bytes = std::span<const std::uint8_t>;
namespace gate = sekisho::gate;
namespace policy = sekisho::policy;

constexpr std::size_t kFrameMin = 14;
constexpr std::size_t kFrameMax = 3000;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

std::uint16_t word(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8U | bytes[at + 1]);
}

struct Segment {
    Endpoint source, destination;
    std::size_t at = 0;      // of the TCP header in the frame
    std::size_t length = 0;  // of the segment, by the IP header
    bool fragment = false;
    bool tunnelled = false;
    bool odd = false;  // no answer fits into what is around it
};

std::optional<Segment> parse_ip(Bytes frame, std::size_t at, bool v4, Segment around);

// 4: IPv4 inside, 41: IPv6.
bool tunnel(std::uint8_t next) {
    return next == 4 || next == 41;
}
std::optional<Segment> inside(Bytes frame, std::size_t at, std::uint8_t next, Segment around) {
    if (around.tunnelled) {
        return std::nullopt;
    }
    around.tunnelled = true;
    return parse_ip(frame, at, next == 4, around);
}

std::optional<Segment> with_ports(Bytes frame, Segment segment) {
    if (segment.at + 4 > frame.size()) {
        return std::nullopt;
    }
    segment.source.port = word(frame, segment.at);
    segment.destination.port = word(frame, segment.at + 2);
    return segment;
}

std::optional<Segment> parse_v4(Bytes frame, std::size_t at, Segment out) {
    if (at + 20 > frame.size() || frame[at] >> 4U != 4 || (frame[at] & 15U) < 5 ||
        (frame[at + 9] != 6 && !tunnel(frame[at + 9])) || (word(frame, at + 6) & 0x1fffU) != 0) {
        return std::nullopt;
    }
    const std::size_t header = (frame[at] & 15U) * 4U;
    out.fragment = out.fragment || (word(frame, at + 6) & 0x2000U) != 0;
    if (frame[at + 9] != 6) {
        out.odd = out.odd || header != 20;
        return inside(frame, at + header, frame[at + 9], out);
    }
    const auto address = [&](std::size_t offset) {
        return IpAddress::v4(
            std::uint32_t{word(frame, at + offset)} << 16U | word(frame, at + offset + 2)
        );
    };
    out.source = {address(12), 0};
    out.destination = {address(16), 0};
    const std::size_t total = word(frame, at + 2);
    out.at = at + header;
    out.length = total > header ? total - header : 0;
    return with_ports(frame, out);
}

bool extension(std::uint8_t next) {
    constexpr std::array<std::uint8_t, 8> kTypes{0, 43, 44, 51, 60, 135, 139, 140};
    return std::find(kTypes.begin(), kTypes.end(), next) != kTypes.end();
}

std::optional<Segment> parse_v6(Bytes frame, std::size_t start, Segment out) {
    if (start + 40 > frame.size() || frame[start] >> 4U != 6) {
        return std::nullopt;
    }
    const auto address = [&](std::size_t offset) {
        std::array<std::uint8_t, 16> bytes{};
        std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(start + offset), 16, bytes.begin());
        return IpAddress::v6(bytes);
    };
    out.source = {address(8), 0};
    out.destination = {address(24), 0};
    std::uint8_t next = frame[start + 6];
    std::size_t at = start + 40;
    for (int i = 0; i < 8 && extension(next); ++i) {
        if (at + 8 > frame.size()) {
            return std::nullopt;
        }
        std::size_t size = (frame[at + 1] + 1U) * 8U;
        if (next == 44) {
            if ((word(frame, at + 2) & 0xfff8U) != 0) {
                return std::nullopt;
            }
            out.fragment = out.fragment || (word(frame, at + 2) & 1U) != 0;
            size = 8;
        } else if (next == 51) {
            size = (frame[at + 1] + 2U) * 4U;
        }
        next = frame[at];
        at += size;
    }
    if (tunnel(next)) {
        return inside(frame, at, next, out);
    }
    if (next != 6) {
        return std::nullopt;
    }
    const std::size_t total = word(frame, start + 4) + 40U;
    out.at = at;
    out.length = total > at - start ? total - (at - start) : 0;
    return with_ports(frame, out);
}

// NOLINTNEXTLINE(misc-no-recursion): once, into a tunnel
std::optional<Segment> parse_ip(Bytes frame, std::size_t at, bool v4, Segment around) {
    return v4 ? parse_v4(frame, at, around) : parse_v6(frame, at, around);
}

std::optional<Segment> parse_pppoe(Bytes frame, std::size_t at) {
    if (at + 8 > frame.size() || frame[at] != 0x11 || frame[at + 1] != 0) {
        return std::nullopt;
    }
    Segment around;
    around.odd = (frame[at + 6] & 1U) != 0;
    const std::size_t last = at + (around.odd ? 6 : 7);
    if ((!around.odd && frame[at + 6] != 0) || (frame[last] != 0x21 && frame[last] != 0x57)) {
        return std::nullopt;
    }
    return parse_ip(frame, last + 1, frame[last] == 0x21, around);
}

std::optional<Segment> parse(Bytes frame) {
    std::size_t at = 12;
    for (int tags = 0; tags < 2 && at + 6 <= frame.size(); ++tags) {
        if (word(frame, at) == 0x8100 || word(frame, at) == 0x88a8) {
            at += 4;
        }
    }
    if (at + 2 > frame.size()) {
        return std::nullopt;
    }
    const std::uint16_t proto = word(frame, at);
    if (proto == 0x8864) {
        return parse_pppoe(frame, at + 2);
    }
    return proto == 0x0800 || proto == 0x86dd ? parse_ip(frame, at + 2, proto == 0x0800, {})
                                              : std::nullopt;
}

bool answerable(Bytes frame, const Segment& segment) {
    return segment.at + 20 <= frame.size() && !segment.fragment && !segment.odd &&
           (frame[segment.at + 13] & 4U) == 0 && frame[segment.at + 12] >> 4U >= 5 &&
           segment.length >= (frame[segment.at + 12] >> 4U) * 4U && (frame[0] & 1U) == 0;
}

std::uint32_t expected(
    Bytes frame, const std::optional<Segment>& segment, const policy::Policy& p
) {
    std::uint32_t verdict = XDP_PASS;
    if (segment) {
        for (const auto& one : policy::judge_packet(p, segment->source, segment->destination)) {
            if (policy::blocks(one.verdict.action)) {
                const bool reset = one.direction == policy::Direction::ToPort25 &&
                                   one.verdict.action == policy::Action::Refuse &&
                                   answerable(frame, *segment);
                verdict = reset ? XDP_TX : XDP_DROP;
            }
        }
    }
    return verdict;
}

std::shared_ptr<const policy::Policy> make_policy() {
    policy::Source source;
    const auto group = [&](const char* name, const std::vector<const char*>& prefixes) {
        policy::ClassSource c;
        c.name = name;
        for (const char* text : prefixes) {
            c.prefixes.push_back(*sekisho::Prefix::parse(text));
        }
        source.classes.push_back(c);
    };
    // Halves of the address spaces, so that mutated addresses stay interesting.
    group("low", {"0.0.0.0/1", "::/1"});
    group("quiet", {"10.0.0.0/8", "2001:db8::/33"});
    group("inner", {"10.1.2.3", "2001:db8::1"});
    using policy::Action;
    using policy::Stage;
    source.rules = {
        {"watch", "inner", "*", Action::Drop, Stage::Observe, "", ""},
        {"silent", "quiet", "*", Action::Drop, Stage::Enforce, "", ""},
        {"closed", "low", "*", Action::Refuse, Stage::Enforce, "", ""},
    };
    return *policy::Policy::compile(source);
}

struct Machine {
    std::shared_ptr<const policy::Policy> policy = make_policy();
    std::unique_ptr<gate::XdpEngine> engine;  // null: no root
    int tc = -1;
    Machine() {
        if (geteuid() == 0) {
            auto loaded = gate::XdpEngine::load(gate::XdpMode::Auto);
            require(loaded.has_value());
            engine = std::move(*loaded);
            require(engine->apply(policy).has_value());
            const auto program = engine->tc_program_fd();
            require(program.has_value());
            tc = *program;
        }
    }
};

// Its segment's ends are those of the refused one, exchanged, and it is a reset.
void check_reset(Bytes out, const Segment& asked) {
    const auto reset = parse(out);
    require(reset.has_value());
    require(reset->source == asked.destination && reset->destination == asked.source);
    require(reset->length == 20 && reset->at + 20 <= out.size());
    require((out[reset->at + 13] & 4U) != 0);
}

struct Outcome {
    std::uint32_t verdict;
    std::vector<std::uint8_t> out;
};
std::optional<Outcome> run(int program, Bytes frame) {
    Outcome outcome{0, std::vector<std::uint8_t>(4096)};
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = outcome.out.data();
    options.data_size_out = static_cast<std::uint32_t>(outcome.out.size());
    options.repeat = 1;
    if (bpf_prog_test_run_opts(program, &options) != 0) {
        return std::nullopt;
    }
    outcome.verdict = options.retval;
    outcome.out.resize(options.data_size_out);
    return outcome;
}

void check(
    const Outcome& outcome, std::uint32_t wanted, Bytes frame, const std::optional<Segment>& segment
) {
    require(outcome.verdict == wanted);
    if (wanted == XDP_TX) {
        check_reset(outcome.out, *segment);
    } else {
        require(std::equal(outcome.out.begin(), outcome.out.end(), frame.begin(), frame.end()));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Machine machine;
    if (size < kFrameMin || size > kFrameMax) {
        return 0;
    }
    const Bytes frame(data, size);
    const auto segment = parse(frame);
    const std::uint32_t wanted = expected(frame, segment, *machine.policy);
    if (!machine.engine) {
        return 0;
    }
    const auto in_xdp = run(machine.engine->program_fd(), frame);
    require(in_xdp.has_value());
    check(*in_xdp, wanted, frame, segment);
    // The kernel makes no packet of every frame: of one that ends in its IP header, for one.
    if (auto in_tc = run(machine.tc, frame)) {
        const auto action = static_cast<int>(in_tc->verdict);
        in_tc->verdict = action == TC_ACT_UNSPEC     ? XDP_PASS
                         : action == TC_ACT_REDIRECT ? XDP_TX
                                                     : XDP_DROP;
        check(*in_tc, wanted, frame, segment);
    }
    return 0;
}

// The same packets through policy::Policy and through the BPF program, in XDP and in traffic
// control: they must agree on every one.
#include "gate/enforce/xdp_engine.h"
#include "kernel/packets.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <map>
#include <random>
#include <set>

namespace sekisho::kernel_test {
namespace {

using policy::Action;
using policy::Direction;
using policy::Stage;

// What the engine promises for a packet, from the policy alone.
struct Expected {
    int verdict = XDP_PASS;
    std::map<std::pair<std::string, bool>, std::uint64_t> counted;  // rule, to port 25
};

Expected expect(const policy::Policy& policy, const Frame& frame) {
    Expected out;
    for (const auto& [verdict, direction] :
         policy::judge_packet(policy, frame.source, frame.destination)) {
        const bool to = direction == Direction::ToPort25;
        const std::string rule =
            verdict.rule < 0 ? "" : policy.rules()[static_cast<std::size_t>(verdict.rule)].name;
        ++out.counted[{rule, to}];
        const bool answered = to && verdict.action != Action::Drop && (frame.flags & kRst) == 0 &&
                              frame.pppoe != Ppp::Compressed;
        if (policy::blocks(verdict.action)) {
            out.verdict = answered ? XDP_TX : XDP_DROP;
        }
    }
    return out;
}

class World {
  public:
    explicit World(std::uint64_t seed) : random_(seed) {
        const std::size_t classes = 2 + random_() % 12;
        std::set<Prefix> used;
        for (std::size_t c = 0; c < classes; ++c) {
            const std::string name = "c" + std::to_string(c);
            source_.classes.push_back(group(name.c_str(), {}));
            const std::size_t prefixes = 1 + random_() % 60;
            for (std::size_t i = 0; i < prefixes; ++i) {
                const Prefix prefix = any_prefix();
                if (used.insert(prefix).second) {
                    source_.classes.back().prefixes.push_back(prefix);
                    prefixes_.push_back(prefix);
                }
            }
        }
        if (random_() % 3 == 0) {  // the default class carved out of others
            source_.classes.push_back(group("outside", {}));
            for (const char* text : {"10.129.3.0/29", "10.0.0.0/10", "2001:db8:4300::/41"}) {
                if (used.insert(*Prefix::parse(text)).second) {
                    source_.classes.back().prefixes.push_back(*Prefix::parse(text));
                }
            }
        }
        for (std::size_t r = 0; r < 1 + random_() % 30; ++r) {
            const std::string name = "r" + std::to_string(r);
            source_.rules.push_back(rule(
                name.c_str(),
                any_class().c_str(),
                any_class().c_str(),
                static_cast<Action>(random_() % 6),
                static_cast<Stage>(random_() % 4 == 0 ? random_() % 3 : 2)
            ));
        }
    }

    [[nodiscard]] const policy::Source& source() const { return source_; }

    Frame packet() {
        const bool v4 = random_() % 2 == 0;
        Frame frame{
            .source = {any_address(v4), any_port()}, .destination = {any_address(v4), any_port()}
        };
        if (random_() % 4 != 0) {
            (random_() % 2 == 0 ? frame.source : frame.destination).port = 25;
        }
        frame.seq = static_cast<std::uint32_t>(random_());
        frame.ack = static_cast<std::uint32_t>(random_());
        frame.flags = static_cast<std::uint8_t>(random_() % 32);
        frame.payload = random_() % 4 == 0 ? random_() % 200 : 0;
        frame.tcp_options = random_() % 11 * 4;
        for (std::size_t i = random_() % 3; i > 0; --i) {
            frame.tags.emplace_back(i == 2 ? 0x88a8 : 0x8100, random_() & 0xffffU);
        }
        if (v4 && random_() % 4 == 0) {
            frame.ip_options = random_() % 11 * 4;
        }
        if (!v4 && random_() % 4 == 0) {
            for (std::size_t i = random_() % 5; i > 0; --i) {
                frame.extensions.push_back(
                    {static_cast<std::uint8_t>(random_() % 2 == 0 ? 0 : 60), 8 + random_() % 4 * 8}
                );
            }
        }
        if (random_() % 4 == 0) {
            frame.pppoe = random_() % 4 == 0 ? Ppp::Compressed : Ppp::Plain;
        }
        if (random_() % 4 == 0) {  // the tunnel's own addresses decide nothing
            const bool outer_v4 = random_() % 2 == 0;
            frame.tunnel = Tunnel{any_address(outer_v4), any_address(outer_v4), random_() % 2 == 0};
        }
        return frame;
    }

  private:
    std::string any_class() {
        const std::size_t pick = random_() % (source_.classes.size() + 2);
        return pick < source_.classes.size()    ? source_.classes[pick].name
               : pick == source_.classes.size() ? "*"
                                                : "outside";
    }
    std::uint16_t any_port() {
        constexpr std::array<std::uint16_t, 6> kNear{24, 25, 26, 587, 6400, 65535};
        return random_() % 2 == 0 ? kNear.at(random_() % kNear.size())
                                  : static_cast<std::uint16_t>(random_());
    }
    IpAddress raw_address(bool v4) {
        if (v4) {  // few networks, so that prefixes nest and addresses meet them
            return IpAddress::v4(static_cast<std::uint32_t>((random_() & 0x008103ffU) | 0x0a000000U)
            );
        }
        std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
        for (std::size_t i = 4; i < 16; ++i) {
            bytes.at(i) = random_() % 3 == 0 ? static_cast<std::uint8_t>(random_())
                                             : static_cast<std::uint8_t>(random_() % 2 * 0x80);
        }
        return IpAddress::v6(bytes);
    }
    Prefix any_prefix() {
        const bool v4 = random_() % 2 == 0;
        const int bits = v4 ? 32 : 128;
        const int least = random_() % 10 == 0 ? 0 : (v4 ? 8 : 32);
        return {
            raw_address(v4),
            least + static_cast<int>(random_() % static_cast<unsigned>(bits - least + 1))
        };
    }
    // Some prefixes that are of another class for a time: around those of the policy, so that they
    // hold some, lie in some, and touch some. Their edges are among the addresses to come.
  public:
    std::vector<policy::Override> overrides(std::size_t classes) {
        std::vector<policy::Override> out;
        const std::size_t wanted = random_() % 12;
        for (int tries = 0; tries < 50 && out.size() < wanted; ++tries) {
            const bool v4 = random_() % 2 == 0;
            const int length = v4                   ? 16 + static_cast<int>(random_() % 17)
                               : random_() % 4 == 0 ? 128
                                                    : 32 + static_cast<int>(random_() % 33);
            const Prefix prefix{any_address(v4), length};
            const auto same = [&](const policy::Override& one) { return one.prefix == prefix; };
            if (prefix.is_v4() == v4 && std::none_of(out.begin(), out.end(), same)) {
                out.push_back({prefix, static_cast<policy::ClassId>(random_() % classes), {}});
                prefixes_.push_back(prefix);
            }
        }
        return out;
    }

  private:
    // Random, or at the edges of a prefix: the first and last inside and their neighbours outside.
    IpAddress any_address(bool v4) {
        if (random_() % 3 == 0) {
            return raw_address(v4);
        }
        for (int tries = 0; tries < 20; ++tries) {
            const Prefix& prefix = prefixes_[random_() % prefixes_.size()];
            if (prefix.is_v4() == v4) {
                return step(
                    random_() % 2 == 0 ? prefix.address() : prefix.last(),
                    static_cast<int>(random_() % 3) - 1
                );
            }
        }
        return raw_address(v4);
    }
    static IpAddress step(const IpAddress& address, int by) {
        if (address.is_v4()) {
            return IpAddress::v4(address.to_v4() + static_cast<std::uint32_t>(by));
        }
        std::array<std::uint8_t, 16> bytes = address.bytes();
        for (std::size_t i = 16; i-- > 0 && by != 0;) {
            const int sum = bytes.at(i) + by;
            bytes.at(i) = static_cast<std::uint8_t>(sum);
            by = sum < 0 ? -1 : (sum > 255 ? 1 : 0);
        }
        const IpAddress out = IpAddress::v6(bytes);
        return out.is_v4() ? address : out;
    }

    std::mt19937_64 random_;
    policy::Source source_;
    std::vector<Prefix> prefixes_;
};

struct Outcome {
    std::size_t packets = 0, blocked = 0, passed = 0;
};

void compare(gate::XdpEngine& engine, std::uint64_t seed, std::size_t packets, Outcome& outcome) {
    World world(seed);
    const auto compiled = policy::Policy::compile(world.source());
    ASSERT_TRUE(compiled) << compiled.error().message;
    // Half of the packets with overrides that came with the policy, half with others.
    auto overrides = world.overrides((*compiled)->classes().size());
    auto laid = policy::with_overrides(*compiled, overrides);
    ASSERT_TRUE(laid) << laid.error().message;
    ASSERT_TRUE(engine.apply(*compiled, overrides));
    const std::vector<Program> programs = programs_of(engine);
    ASSERT_EQ(programs.size(), 2U);
    std::map<std::pair<std::string, bool>, std::uint64_t> counted;
    const auto read = [&] {
        std::map<std::pair<std::string, bool>, std::uint64_t> out;
        for (const gate::RuleCounter& one : *engine.counters()) {
            out[{one.rule, true}] = one.to.packets;
            out[{one.rule, false}] = one.from.packets;
        }
        return out;
    };
    const auto before = read();
    for (std::size_t i = 0; i < packets; ++i) {
        if (i == packets / 2) {
            overrides = world.overrides((*compiled)->classes().size());
            laid = policy::with_overrides(*compiled, overrides);
            ASSERT_TRUE(laid) << laid.error().message;
            ASSERT_TRUE(engine.set_overrides(overrides));
        }
        const Frame frame = world.packet();
        const Expected expected = expect(**laid, frame);
        for (const Program& program : programs) {
            const RunResult result = run_program(program, frame.bytes());
            ASSERT_EQ(result.verdict, expected.verdict)
                << program.name << ", seed " << seed << ": " << frame.source.text() << " -> "
                << frame.destination.text();
            if (result.verdict == XDP_TX) {
                const Seen seen = dissect(result.out);
                ASSERT_TRUE(seen.valid) << program.name << ": " << seen.why;
                ASSERT_EQ(seen.source, frame.destination);
                ASSERT_EQ(seen.destination, frame.source);
                ASSERT_EQ(seen.tags, frame.tags);
            } else {
                ASSERT_EQ(result.out, frame.bytes());
            }
        }
        for (const auto& [key, count] : expected.counted) {
            counted[key] += count * programs.size();
        }
        ++outcome.packets;
        ++(expected.verdict == XDP_PASS ? outcome.passed : outcome.blocked);
    }
    for (const auto& [key, value] : read()) {
        ASSERT_EQ(value - before.at(key), counted[key]) << "seed " << seed << " rule " << key.first;
    }
}

TEST(Differential, PolicyAndProgramsAgreeOnEveryPacket) {
    if (!is_root()) {
        GTEST_SKIP() << "needs root: loads a BPF program";
    }
    Outcome outcome;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        // One engine for many policies: rules keep their counters while their meaning changes.
        auto engine = gate::XdpEngine::load(gate::XdpMode::Auto);
        ASSERT_TRUE(engine) << engine.error().message;
        for (std::uint64_t policy = 0; policy < 30; ++policy) {
            compare(**engine, seed * 1000 + policy, 400, outcome);
            if (HasFatalFailure()) {
                return;
            }
        }
    }
    EXPECT_EQ(outcome.packets, 120'000U);
    EXPECT_GT(outcome.blocked, 10'000U);
    EXPECT_GT(outcome.passed, 10'000U);
}

// An IPv6 header with IPv4-mapped addresses is judged as the IPv4 addresses it stands for.
TEST(Differential, MappedAddressesAreTheIpv4AddressesTheyStandFor) {
    if (!is_root()) {
        GTEST_SKIP() << "needs root: loads a BPF program";
    }
    policy::Source source;
    source.classes = {group("pool", {"198.51.100.0/24"}), group("all", {"::/0"})};
    source.rules = {rule("closed", "pool", "*", Action::Drop)};
    auto engine = gate::XdpEngine::load(gate::XdpMode::Auto);
    ASSERT_TRUE(engine) << engine.error().message;
    ASSERT_TRUE((*engine)->apply(compile(source)));
    Bytes frame =
        Frame{.source = at("[2001:db8::1]:999"), .destination = at("[2001:db8::2]:25")}.bytes();
    EXPECT_EQ(run_program(programs_of(**engine).front(), frame).verdict, XDP_PASS);
    const Bytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 7};
    std::copy(mapped.begin(), mapped.end(), frame.begin() + 14 + 8);
    EXPECT_EQ(run_program(programs_of(**engine).front(), frame).verdict, XDP_DROP);
}

}  // namespace
}  // namespace sekisho::kernel_test

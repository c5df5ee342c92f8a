// Packet in, verdict and packet out, by BPF_PROG_TEST_RUN on the program as it is attached in
// production.
#include "kernel/packets.h"

#include "base/time.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "policy/policy.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <thread>
#include <vector>

namespace sekisho::kernel_test {
namespace {

using gate::XdpEngine;
using policy::Action;
using policy::Stage;

const Endpoint kLine = at("198.51.100.1:40000");
const Endpoint kLine6 = at("[2001:db8:1::1]:40000");
const Endpoint kOutside = at("203.0.113.9:25");
const Endpoint kOutside6 = at("[2001:db8:f::9]:25");
const Endpoint kDropped = at("192.0.2.25:25");
const Endpoint kObserved = at("192.0.2.130:25");

class Packets : public testing::Test {
  protected:
    void SetUp() override {
        if (!is_root()) {
            GTEST_SKIP() << "needs root: loads a BPF program";
        }
        auto loaded = XdpEngine::load(gate::XdpMode::Auto);
        ASSERT_TRUE(loaded) << loaded.error().message;
        engine_ = std::move(*loaded);
        policy::Source source;
        source.classes = {
            group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
            group("silent", {"192.0.2.0/25"}),
            group("watched", {"192.0.2.128/25"}),
        };
        source.rules = {
            rule("quiet", "subscribers", "silent", Action::Drop),
            rule("later", "subscribers", "watched", Action::Refuse, Stage::Observe),
            rule("op25b", "subscribers", "outside", Action::Refuse),
        };
        const Status applied = engine_->apply(compile(source));
        ASSERT_TRUE(applied) << applied.error().message;
    }

    RunResult run(const Frame& frame) { return run_program(engine_->program_fd(), frame.bytes()); }
    int verdict(const Frame& frame) { return run(frame).verdict; }
    std::uint64_t statistic(const std::string& name) {
        for (const gate::Named& one : engine_->statistics()) {
            if (one.name == name) {
                return one.value;
            }
        }
        ADD_FAILURE() << "no statistic " << name;
        return 0;
    }
    gate::RuleCounter counter(const std::string& rule) {
        for (const gate::RuleCounter& one : *engine_->counters()) {
            if (one.rule == rule) {
                return one;
            }
        }
        ADD_FAILURE() << "no counter " << rule;
        return {};
    }
    std::vector<gate::Flow> flows() {
        std::vector<gate::Flow> out;
        engine_->poll(Duration{0}, [&out](const gate::Flow& flow) { out.push_back(flow); });
        return out;
    }

    static std::uint64_t packets(const std::vector<gate::Flow>& seen) {
        std::uint64_t sum = 0;
        for (const gate::Flow& flow : seen) {
            sum += flow.count;
        }
        return sum;
    }
    // Reads on until `seen` stands for so many packets, or 5 s are over.
    const std::vector<gate::Flow>& wait_for(std::vector<gate::Flow>& seen, std::uint64_t wanted) {
        for (int i = 0; i < 50 && packets(seen) < wanted; ++i) {
            engine_->poll(Duration{100}, [&seen](const gate::Flow& flow) { seen.push_back(flow); });
        }
        return seen;
    }

    std::unique_ptr<XdpEngine> engine_;
};

TEST_F(Packets, PassesWhatIsNotTcpPort25) {
    Frame frame{.source = kLine, .destination = at("203.0.113.9:587")};
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.destination.port = 465;
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.destination.port = 25;
    frame.protocol = 17;  // the same bytes as UDP
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame = {.source = kLine6, .destination = at("[2001:db8:f::9]:587")};
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.destination.port = 25;
    frame.protocol = 58;
    EXPECT_EQ(verdict(frame), XDP_PASS);
    EXPECT_EQ(counter("op25b").to.packets, 0U);
    EXPECT_TRUE(flows().empty());
}

TEST_F(Packets, ASynIsAnsweredWithAResetThatAcknowledgesIt) {
    for (const bool v4 : {true, false}) {
        const Frame frame{
            .source = v4 ? kLine : kLine6,
            .destination = v4 ? kOutside : kOutside6,
            .seq = 0xffffffff,
            .tcp_options = 20,
        };
        const RunResult result = run(frame);
        ASSERT_EQ(result.verdict, XDP_TX);
        const Seen seen = dissect(result.out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.source, frame.destination);
        EXPECT_EQ(seen.destination, frame.source);
        EXPECT_EQ(seen.flags, kRst | kAck);
        EXPECT_EQ(seen.seq, 0U);
        EXPECT_EQ(seen.ack, 0U);  // 0xffffffff + 1: a SYN counts one
        EXPECT_EQ(seen.source_mac, kDestinationMac);
        EXPECT_EQ(seen.destination_mac, kSourceMac);
        EXPECT_EQ(result.out.size(), v4 ? 60U : 74U);
        EXPECT_EQ(seen.padding, v4 ? 6U : 0U);
    }
    EXPECT_EQ(statistic("resets_sent"), 2U);
}

TEST_F(Packets, ASegmentWithAckIsAnsweredFromItsAcknowledgement) {
    const Frame frame{
        .source = kLine,
        .destination = kOutside,
        .seq = 5,
        .ack = 777,
        .flags = kAck | kPsh,
        .payload = 300
    };
    const Seen seen = dissect(run(frame).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.flags, kRst);
    EXPECT_EQ(seen.seq, 777U);
    EXPECT_EQ(seen.ack, 0U);
}

TEST_F(Packets, DataSynAndFinCountInTheAcknowledgement) {
    Frame frame{
        .source = kLine6,
        .destination = kOutside6,
        .seq = 100,
        .flags = kSyn | kFin,
        .tcp_options = 12,
        .payload = 50
    };
    Seen seen = dissect(run(frame).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.ack, 152U);
    frame.source = kLine;
    frame.destination = kOutside;
    frame.flags = 0;
    frame.payload = 1;  // with the padding of a short frame behind it
    frame.tcp_options = 0;
    seen = dissect(run(frame).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.ack, 101U);
}

TEST_F(Packets, VlanTagsStayInTheReset) {
    for (const bool v4 : {true, false}) {
        Frame frame{.source = v4 ? kLine : kLine6, .destination = v4 ? kOutside : kOutside6};
        frame.tags = {{0x8100, 0x2064}};
        Seen seen = dissect(run(frame).out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.tags, frame.tags);
        frame.tags = {{0x88a8, 0x0064}, {0x8100, 0x0fff}};
        seen = dissect(run(frame).out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.tags, frame.tags);
        EXPECT_EQ(seen.flags, kRst | kAck);
        frame.tags = {{0x88a8, 1}, {0x8100, 2}, {0x8100, 3}};  // a third tag is not looked behind
        EXPECT_EQ(verdict(frame), XDP_PASS);
    }
}

TEST_F(Packets, IpOptionsAndExtensionHeadersAreReadAndNotSentBack) {
    Frame frame{.source = kLine, .destination = kOutside};
    for (const std::size_t options : {4U, 24U, 40U}) {
        frame.ip_options = options;
        const Seen seen = dissect(run(frame).out);
        ASSERT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.source, kOutside);
    }
    Frame six{.source = kLine6, .destination = kOutside6};
    six.extensions = {{0, 8}, {60, 24}, {43, 40}, {51, 16}, {44, 8}, {60, 2048}};
    const Seen seen = dissect(run(six).out);
    ASSERT_TRUE(seen.valid) << seen.why;
    EXPECT_EQ(seen.source, kOutside6);
    six.extensions.assign(8, {60, 8});
    EXPECT_EQ(verdict(six), XDP_TX);
    const std::uint64_t before = statistic("unreadable_passed");
    six.extensions.assign(9, {60, 8});  // beyond the bound: passes, and is counted
    EXPECT_EQ(verdict(six), XDP_PASS);
    EXPECT_EQ(statistic("unreadable_passed"), before + 1);
    six.extensions = {{59, 8}};  // no next header
    EXPECT_EQ(verdict(six), XDP_PASS);
}

TEST_F(Packets, AResetIsNeverAnswered) {
    Frame frame{.source = kLine, .destination = kOutside, .flags = kRst};
    EXPECT_EQ(verdict(frame), XDP_DROP);
    frame.flags = kRst | kAck;
    EXPECT_EQ(verdict(frame), XDP_DROP);
    EXPECT_EQ(statistic("refused_unanswered"), 2U);
    frame.flags = kSyn;
    frame.multicast_mac = true;
    EXPECT_EQ(verdict(frame), XDP_DROP);
}

TEST_F(Packets, AnswersFromPort25AreDropped) {
    for (const bool v4 : {true, false}) {
        const Frame frame{
            .source = v4 ? kOutside : kOutside6,
            .destination = v4 ? kLine : kLine6,
            .ack = 1001,
            .flags = kSyn | kAck,
        };
        EXPECT_EQ(verdict(frame), XDP_DROP);
    }
    EXPECT_EQ(counter("op25b").from.packets, 2U);
    EXPECT_EQ(counter("op25b").to.packets, 0U);
}

TEST_F(Packets, BothPorts25MeetsBothDirections) {
    Endpoint line = kLine;
    line.port = 25;
    EXPECT_EQ(verdict({.source = line, .destination = kOutside}), XDP_TX);
    EXPECT_EQ(verdict({.source = kOutside, .destination = line}), XDP_DROP);
    EXPECT_EQ(counter("").to.packets, 1U);  // outside -> subscribers, which no rule names
    EXPECT_EQ(counter("op25b").from.packets, 1U);
}

TEST_F(Packets, DropIsSilentAndObservePasses) {
    EXPECT_EQ(verdict({.source = kLine, .destination = kDropped}), XDP_DROP);
    EXPECT_EQ(verdict({.source = kLine, .destination = kObserved}), XDP_PASS);
    EXPECT_EQ(verdict({.source = at("203.0.113.1:9"), .destination = kDropped}), XDP_PASS);
    EXPECT_EQ(counter("quiet").to.packets, 1U);
    EXPECT_EQ(counter("quiet").to.bytes, 60U);
    EXPECT_EQ(counter("later").to.packets, 1U);
    EXPECT_EQ(counter("").to.packets, 1U);
    const auto seen = flows();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].rule, "quiet");
    EXPECT_TRUE(seen[0].blocked);
    EXPECT_EQ(seen[0].client.text(), "198.51.100.1");
    EXPECT_EQ(seen[0].client_port, 40000);
    EXPECT_EQ(seen[0].server.text(), "192.0.2.25");
    EXPECT_EQ(seen[1].rule, "later");
    EXPECT_FALSE(seen[1].blocked);
}

TEST_F(Packets, NonFirstFragmentsPassAndFirstOnesAreJudged) {
    Frame frame{.source = kLine, .destination = kOutside};
    frame.fragment = 0x2001;  // more to come, offset 8
    EXPECT_EQ(verdict(frame), XDP_PASS);
    frame.fragment = 0x00b9;
    EXPECT_EQ(verdict(frame), XDP_PASS);
    EXPECT_EQ(statistic("fragments_passed"), 2U);
    frame.fragment = 0x2000;  // the first: blocked, but a segment in pieces gets no reset
    EXPECT_EQ(verdict(frame), XDP_DROP);
    frame.fragment = 0x4000;  // don't fragment
    EXPECT_EQ(verdict(frame), XDP_TX);
    Frame six{.source = kLine6, .destination = kOutside6};
    six.extensions = {{44, 8}};
    six.fragment = 0x0009;
    EXPECT_EQ(verdict(six), XDP_PASS);
    EXPECT_EQ(statistic("fragments_passed"), 3U);
    six.fragment = 0x0001;
    EXPECT_EQ(verdict(six), XDP_DROP);
    six.fragment = 0;  // atomic (RFC 6946)
    EXPECT_EQ(verdict(six), XDP_TX);
}

// Cut anywhere, a frame has a defined verdict: nothing but a whole TCP header is answered.
TEST_F(Packets, CutFramesPassOrAreDroppedAndNeverAnswered) {
    for (const bool v4 : {true, false}) {
        Frame frame{.source = v4 ? kLine : kLine6, .destination = v4 ? kOutside : kOutside6};
        frame.pad = false;
        frame.tags = {{0x8100, 5}};
        const Bytes whole = frame.bytes();
        const std::size_t tcp = 14 + 4 + (v4 ? 20 : 40);
        for (std::size_t size = 14; size < whole.size(); ++size) {
            const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            const int got = run_program(engine_->program_fd(), cut).verdict;
            EXPECT_EQ(got, size < tcp + 4 ? XDP_PASS : XDP_DROP) << size;
        }
        EXPECT_EQ(run_program(engine_->program_fd(), whole).verdict, XDP_TX);
    }
}

TEST_F(Packets, HeadersThatLieAreNotAnswered) {
    Bytes frame = Frame{.source = kLine, .destination = kOutside, .pad = false}.bytes();
    const auto with = [&](std::size_t index, std::uint8_t value) {
        Bytes copy = frame;
        copy[index] = value;
        return run_program(engine_->program_fd(), copy).verdict;
    };
    EXPECT_EQ(with(14, 0x44), XDP_PASS);            // IHL below 5
    EXPECT_EQ(with(14, 0x65), XDP_PASS);            // version 6 in an IPv4 frame
    EXPECT_EQ(with(17, 21), XDP_DROP);              // total length ends inside the TCP header
    EXPECT_EQ(with(14 + 20 + 12, 0x40), XDP_DROP);  // data offset below 5
    EXPECT_EQ(with(12, 0x99), XDP_PASS);            // another EtherType
}

TEST_F(Packets, PppoeSessionsAreLookedIntoAndAnswered) {
    for (const bool v4 : {true, false}) {
        Frame frame{.source = v4 ? kLine : kLine6, .destination = v4 ? kOutside : kOutside6};
        frame.tags = {{0x8100, 7}};
        frame.pppoe = Ppp::Plain;
        const RunResult refused = run(frame);
        ASSERT_EQ(refused.verdict, XDP_TX);
        const Seen seen = dissect(refused.out);
        EXPECT_TRUE(seen.valid) << seen.why;
        EXPECT_EQ(seen.session, kSession);
        EXPECT_EQ(seen.destination, frame.source);
        frame.pppoe = Ppp::Compressed;
        EXPECT_EQ(verdict(frame), XDP_DROP) << "judged, but there is no room for an answer";
        frame.destination.port = 587;
        EXPECT_EQ(verdict(frame), XDP_PASS);
    }
    Bytes frame = Frame{.source = kLine, .destination = kOutside, .pppoe = Ppp::Plain}.bytes();
    frame[15] = 0xa7;  // PADT: discovery, no session data
    EXPECT_EQ(run_program(engine_->program_fd(), frame).verdict, XDP_PASS);
}

TEST_F(Packets, TheInnerAddressesOfATunnelAreJudged) {
    const IpAddress out4 = *IpAddress::parse("203.0.113.77");
    const IpAddress far4 = *IpAddress::parse("203.0.113.78");
    const IpAddress out6 = *IpAddress::parse("2001:db8:ff::77");
    const IpAddress far6 = *IpAddress::parse("2001:db8:ff::78");
    for (const bool inner_v4 : {true, false}) {
        for (const Tunnel& tunnel :
             {Tunnel{out4, far4, false}, Tunnel{out6, far6, false}, Tunnel{out6, far6, true}}) {
            Frame frame{
                .source = inner_v4 ? kLine : kLine6, .destination = inner_v4 ? kOutside : kOutside6
            };
            frame.tunnel = tunnel;
            for (const Ppp ppp : {Ppp::None, Ppp::Plain}) {
                frame.pppoe = ppp;
                const RunResult refused = run(frame);
                ASSERT_EQ(refused.verdict, XDP_TX);
                const Seen seen = dissect(refused.out);
                EXPECT_TRUE(seen.valid) << seen.why;
                EXPECT_EQ(seen.destination, frame.source);
                ASSERT_TRUE(seen.tunnel);
                EXPECT_EQ(seen.tunnel->source, tunnel.destination);
                EXPECT_EQ(seen.tunnel->destination, tunnel.source);
                EXPECT_EQ(seen.tunnel->option, tunnel.option);
            }
            frame.destination.port = 465;
            EXPECT_EQ(verdict(frame), XDP_PASS);
        }
    }
    // The tunnel's ends in a blocked class, the packet inside in none: it passes.
    Frame frame{.source = at("203.0.113.5:40000"), .destination = kOutside};
    frame.tunnel = Tunnel{kLine.address, out4, false};
    EXPECT_EQ(verdict(frame), XDP_PASS);
}

TEST_F(Packets, OneSourceCantFloodTheEvents) {
    const Frame loud{.source = kLine, .destination = kDropped};
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(verdict(loud), XDP_DROP);
    }
    Frame other = loud;
    other.source = at("198.51.100.2:40000");
    ASSERT_EQ(verdict(other), XDP_DROP);
    auto seen = flows();
    const auto number = [&seen](const char* client) {
        return std::count_if(seen.begin(), seen.end(), [client](const gate::Flow& flow) {
            return flow.client.text() == client;
        });
    };
    EXPECT_LT(number("198.51.100.1"), 100);  // nine for every second that the loop took
    EXPECT_EQ(number("198.51.100.2"), 1);
    EXPECT_EQ(counter("quiet").to.packets, 1001U);
    EXPECT_EQ(statistic("events_lost"), 0U);
    // The source is silent now; what was held back comes all the same.
    EXPECT_EQ(packets(wait_for(seen, 1001)), 1001U);
}

// What is held of a source is neither charged to another rule, nor to a packet that only passed,
// nor to a later time: its address may be another subscriber's by then.
TEST_F(Packets, HeldPacketsAreReportedOnlyAsWhatTheyAre) {
    constexpr int kMany = 40;
    for (int i = 0; i < kMany; ++i) {
        ASSERT_EQ(verdict({.source = kLine, .destination = kDropped}), XDP_DROP);
        ASSERT_EQ(verdict({.source = kLine, .destination = kObserved}), XDP_PASS);
    }
    const Time end = now();
    auto seen = flows();
    std::this_thread::sleep_for(Duration{1100});
    ASSERT_EQ(verdict({.source = kLine, .destination = kObserved}), XDP_PASS);
    wait_for(seen, 2 * kMany + 1);
    std::uint64_t quiet = 0, later = 0, late = 0;
    for (const gate::Flow& flow : seen) {
        EXPECT_EQ(flow.blocked, flow.rule == "quiet");
        EXPECT_LE(flow.since, flow.at);
        (flow.at > end + Duration{500} ? late : flow.rule == "quiet" ? quiet : later) += flow.count;
    }
    EXPECT_EQ(quiet, kMany);
    EXPECT_EQ(later, kMany);
    EXPECT_EQ(late, 1U);
}

TEST_F(Packets, WhatFindsTheRingFullIsCountedAndReportedLater) {
    Frame frame{.source = kLine6, .destination = kOutside6};
    const std::size_t sources = 20'000;  // more than the ring holds while nobody reads
    for (std::size_t i = 0; i < sources; ++i) {
        std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 1};
        bytes[6] = static_cast<std::uint8_t>(i >> 8U);
        bytes[7] = static_cast<std::uint8_t>(i);
        frame.source.address = IpAddress::v6(bytes);
        ASSERT_EQ(verdict(frame), XDP_TX);
    }
    EXPECT_GT(statistic("event_ring_full"), 0U);
    EXPECT_EQ(statistic("events") + statistic("event_ring_full"), sources);
    EXPECT_EQ(statistic("events_lost"), 0U);
    auto seen = flows();
    EXPECT_LT(packets(seen), sources);
    EXPECT_EQ(packets(wait_for(seen, sources)), sources);
}

TEST_F(Packets, CountersOutliveThePolicyAndFollowTheRuleName) {
    ASSERT_EQ(verdict({.source = kLine, .destination = kDropped}), XDP_DROP);
    policy::Source source;
    source.classes = {group("subscribers", {"198.51.100.0/24"})};
    source.rules = {
        rule("fresh", "subscribers", "subscribers", Action::Count),
        rule("quiet", "subscribers", "*", Action::Drop),
    };
    ASSERT_TRUE(engine_->apply(compile(source)));
    ASSERT_EQ(verdict({.source = kLine, .destination = kOutside}), XDP_DROP);
    EXPECT_EQ(counter("quiet").to.packets, 2U);
    EXPECT_EQ(counter("fresh").to.packets, 0U);
    EXPECT_EQ(engine_->counters()->size(), 3U);
}

TEST_F(Packets, DowngradesAreReported) {
    policy::Source source;
    source.rules = {rule("tell", "*", "*", Action::Answer)};
    ASSERT_TRUE(engine_->apply(compile(source)));
    const auto downgrades = engine_->describe().downgrades;
    ASSERT_EQ(downgrades.size(), 1U);
    EXPECT_EQ(downgrades[0].rule, "tell");
    EXPECT_EQ(downgrades[0].used, Action::Refuse);
    EXPECT_EQ(verdict({.source = kLine, .destination = kOutside}), XDP_TX);
}

TEST_F(Packets, ALimitRefusesNewConnectionsBeyondTheRateOfEachSource) {
    policy::Source source;
    source.classes = {group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"})};
    source.rules = {rule("slow", "subscribers", "*", Action::Limit)};
    source.rules[0].rate = *policy::Rate::parse("3/7d");
    ASSERT_TRUE(engine_->apply(compile(source)));
    EXPECT_TRUE(engine_->describe().downgrades.empty());
    Frame open{.source = kLine, .destination = kOutside};
    Frame going_on = open;
    going_on.flags = kAck;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(verdict(open), XDP_PASS);
        EXPECT_EQ(verdict(going_on), XDP_PASS);
    }
    const RunResult refused = run(open);
    EXPECT_EQ(refused.verdict, XDP_TX);
    EXPECT_TRUE(dissect(refused.out).valid) << dissect(refused.out).why;
    EXPECT_EQ(verdict(going_on), XDP_PASS) << "what is open stays open";
    EXPECT_EQ(verdict({.source = kOutside, .destination = kLine}), XDP_PASS) << "answers pass";
    Frame neighbour = open;
    neighbour.source = at("198.51.100.2:40000");
    EXPECT_EQ(verdict(neighbour), XDP_PASS);
    // IPv6: the /64 counts, whatever the host takes for the rest.
    Frame six{.source = kLine6, .destination = kOutside6};
    for (int i = 0; i < 3; ++i) {
        six.source = at(("[2001:db8:1::" + std::to_string(i + 1) + "]:40000").c_str());
        EXPECT_EQ(verdict(six), XDP_PASS);
    }
    six.source = at("[2001:db8:1::99]:40000");
    EXPECT_EQ(verdict(six), XDP_TX);
    six.source = at("[2001:db8:1:1::1]:40000");
    EXPECT_EQ(verdict(six), XDP_PASS);
    EXPECT_EQ(statistic("over_limit"), 2U);
    auto seen = flows();
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].rule, "slow");
    EXPECT_TRUE(seen[0].blocked);

    source.rules[0].stage = Stage::Observe;  // the count goes on: the rule keeps its name
    ASSERT_TRUE(engine_->apply(compile(source)));
    EXPECT_EQ(verdict(open), XDP_PASS);
    seen = flows();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_FALSE(seen[0].blocked);
}

TEST_F(Packets, ALimitRefillsWithTime) {
    policy::Source source;
    source.rules = {rule("slow", "*", "*", Action::Limit)};
    source.rules[0].rate = *policy::Rate::parse("1/1s");
    ASSERT_TRUE(engine_->apply(compile(source)));
    const Frame open{.source = kLine, .destination = kOutside};
    EXPECT_EQ(verdict(open), XDP_PASS);
    EXPECT_EQ(verdict(open), XDP_TX);
    std::this_thread::sleep_for(Duration{1050});
    EXPECT_EQ(verdict(open), XDP_PASS);
}

TEST(WithoutPolicy, EverythingPassesAndIsCounted) {
    if (!is_root()) {
        GTEST_SKIP() << "needs root: loads a BPF program";
    }
    const auto engine = XdpEngine::load(gate::XdpMode::Auto);
    ASSERT_TRUE(engine) << engine.error().message;
    const Frame frame{.source = kLine, .destination = kOutside};
    EXPECT_EQ(run_program((*engine)->program_fd(), frame.bytes()).verdict, XDP_PASS);
    for (const gate::Named& one : (*engine)->statistics()) {
        EXPECT_EQ(one.value, one.name == "no_policy_passed" ? 1U : 0U) << one.name;
    }
    EXPECT_EQ((*engine)->describe().policy_digest, "");
}

}  // namespace
}  // namespace sekisho::kernel_test

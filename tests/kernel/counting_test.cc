// What the program counts and reports: events, counters by rule, rates.
#include "kernel/packets_fixture.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <thread>
#include <vector>

namespace sekisho::kernel_test {
namespace {

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

Frame from_network(std::size_t number) {
    Frame frame{.source = kLine6, .destination = kOutside6};
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8, 0, 1};
    bytes[6] = static_cast<std::uint8_t>(number >> 8U);
    bytes[7] = static_cast<std::uint8_t>(number);
    frame.source.address = IpAddress::v6(bytes);
    return frame;
}

TEST_F(Packets, WhatFindsTheRingFullIsCountedAndReportedLater) {
    constexpr std::uint32_t sources = 20'000;  // more than the ring holds while nobody reads
    ASSERT_TRUE(engine_->allow_new_sources(sources));
    for (std::size_t i = 0; i < sources; ++i) {
        ASSERT_EQ(verdict(from_network(i)), XDP_TX);
    }
    const std::uint64_t lost = statistic("events_lost");  // by a processor that is one of many
    EXPECT_GT(statistic("event_ring_full"), 0U);
    EXPECT_EQ(statistic("events") + statistic("event_ring_full") + lost, sources);
    auto seen = flows();
    EXPECT_LT(packets(seen), sources - lost);
    EXPECT_EQ(packets(wait_for(seen, sources - lost)), sources - lost);
}

// A flood of forged sources pushes out none that is remembered: what is new beyond the bound of a
// second is judged and counted, not reported.
TEST_F(Packets, AFloodOfNewSourcesIsCountedNotRemembered) {
    ASSERT_TRUE(engine_->allow_new_sources(100));
    ASSERT_EQ(verdict({.source = kLine, .destination = kOutside}), XDP_TX);
    constexpr std::size_t kFlood = 2000;
    for (std::size_t i = 0; i < kFlood; ++i) {
        ASSERT_EQ(verdict(from_network(i)), XDP_TX);
    }
    ASSERT_EQ(verdict({.source = kLine, .destination = kOutside}), XDP_TX);
    EXPECT_EQ(counter("op25b").to.packets, kFlood + 2);
    const std::uint64_t lost = statistic("events_lost");
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(statistic("events") + lost, kFlood + 2);
    const auto seen = flows();
    EXPECT_EQ(
        std::count_if(
            seen.begin(),
            seen.end(),
            [](const gate::Flow& flow) { return flow.client == kLine.address; }
        ),
        2
    );
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
    EXPECT_EQ(run_program({(*engine)->program_fd()}, frame.bytes()).verdict, XDP_PASS);
    for (const gate::Named& one : (*engine)->statistics()) {
        EXPECT_EQ(one.value, one.name == "no_policy_passed" ? 1U : 0U) << one.name;
    }
    EXPECT_EQ((*engine)->describe().policy_digest, "");
}

}  // namespace
}  // namespace sekisho::kernel_test

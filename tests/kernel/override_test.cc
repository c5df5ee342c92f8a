// Overrides in the XDP program: in force at once, over at their end, counted, and never half of
// one policy and half of another.
#include "base/time.h"
#include "kernel/packets_fixture.h"
#include "policy/overlay.h"

#include <atomic>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <optional>
#include <thread>
#include <vector>

namespace sekisho::kernel_test {
namespace {

constexpr policy::ClassId kSubscribers = 1, kNobody = 0;

policy::Override over(const char* prefix, policy::ClassId id, std::optional<Time> until = {}) {
    return {*Prefix::parse(prefix), id, until};
}

TEST_F(Packets, AnExemptAddressPassesAtOnceAndItsNeighbourDoesNot) {
    const Frame line{.source = kLine, .destination = kOutside};
    const Frame neighbour{.source = at("198.51.100.2:40000"), .destination = kOutside};
    ASSERT_EQ(verdict(line), XDP_TX);
    ASSERT_TRUE(engine_->set_overrides({over("198.51.100.1/32", kNobody)}));
    EXPECT_EQ(verdict(line), XDP_PASS);
    EXPECT_EQ(verdict(neighbour), XDP_TX);
    ASSERT_TRUE(engine_->set_overrides({}));
    EXPECT_EQ(verdict(line), XDP_TX);
}

TEST_F(Packets, APrefixOfIpv6IsExemptAsAWhole) {
    const Frame line{.source = kLine6, .destination = kOutside6};
    ASSERT_EQ(verdict(line), XDP_TX);
    ASSERT_TRUE(engine_->set_overrides({over("2001:db8:1::/56", kNobody)}));
    EXPECT_EQ(verdict(line), XDP_PASS);
    EXPECT_EQ(
        verdict({.source = at("[2001:db8:1:100::1]:4000"), .destination = kOutside6}), XDP_TX
    );
}

TEST_F(Packets, APenaltyHoldsAlsoForTheServerEnd) {
    const Frame answer{.source = at("203.0.113.9:25"), .destination = at("198.51.100.1:40000")};
    ASSERT_EQ(verdict(answer), XDP_DROP);
    ASSERT_TRUE(engine_->set_overrides({over("203.0.113.9/32", kSubscribers)}));
    EXPECT_EQ(verdict(answer), XDP_PASS) << "no rule between subscribers";
}

// The program lets go by itself: the gate may be dead by then (gate.pin).
TEST_F(Packets, AnOverrideEndsByItself) {
    const Frame line{.source = kLine, .destination = kOutside};
    ASSERT_TRUE(engine_->set_overrides({over("198.51.100.1/32", kNobody, now() + Duration{300})}));
    EXPECT_EQ(verdict(line), XDP_PASS);
    std::this_thread::sleep_for(Duration{400});
    EXPECT_EQ(verdict(line), XDP_TX);
}

TEST_F(Packets, ConnectionsOfAnOverrideAreCountedAlsoOverANewPolicy) {
    const Frame opening{.source = kLine, .destination = kOutside};
    const std::vector<policy::Override> overrides{over("198.51.100.0/29", kNobody)};
    ASSERT_TRUE(engine_->set_overrides(overrides));
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(verdict(opening), XDP_PASS);
    }
    Frame data = opening;
    data.flags = 0x10;
    ASSERT_EQ(verdict(data), XDP_PASS);
    const auto connections = [this] {
        const auto counts = engine_->override_counts();
        return counts && counts->size() == 1 ? counts->front().connections : 0;
    };
    EXPECT_EQ(connections(), 3U);
    policy::Source source;
    source.classes = {group("subscribers", {"198.51.100.0/24"})};
    source.rules = {rule("op25b", "subscribers", "*", Action::Refuse)};
    ASSERT_TRUE(engine_->apply(compile(source), overrides));
    ASSERT_EQ(verdict(opening), XDP_PASS);
    EXPECT_EQ(connections(), 4U);
    // Of a policy that doesn't name it any more nothing is left.
    ASSERT_TRUE(engine_->apply(compile(source)));
    EXPECT_EQ(verdict(opening), XDP_TX);
    EXPECT_TRUE(engine_->override_counts()->empty());
}

TEST_F(Packets, WhatCannotBeOverriddenLeavesAllAsItIs) {
    ASSERT_TRUE(engine_->set_overrides({over("198.51.100.1/32", kNobody)}));
    EXPECT_FALSE(engine_->set_overrides({over("10.0.0.0/8", kNobody)}));
    EXPECT_FALSE(engine_->set_overrides({over("10.0.0.1/32", 60)}));
    EXPECT_EQ(verdict({.source = kLine, .destination = kOutside}), XDP_PASS);
}

// In one policy class 2 drops; in the other the classes stand in another order and class 2 is the
// one that passes. With the numbers of one and the cells of the other a packet would be refused.
TEST_F(Packets, NoPacketMeetsTheOverridesOfAnotherPolicy) {
    policy::Source one, two;
    one.classes = {group("a", {}), group("free", {}), group("pool", {"198.51.100.0/24"})};
    two.classes = {group("free", {}), group("a", {}), group("pool", {"198.51.100.0/24"})};
    one.rules =
        two.rules = {rule("may", "free", "*", Action::Pass), rule("not", "*", "*", Action::Drop)};
    const auto first = compile(one), second = compile(two);
    const Frame line{.source = kLine, .destination = kOutside};
    ASSERT_TRUE(engine_->apply(first, {over("198.51.100.1/32", 2)}));
    std::atomic<bool> stop = false;
    std::atomic<int> sent = 0, lost = 0;
    std::thread sender([&] {
        while (!stop) {
            lost += verdict(line) == XDP_PASS ? 0 : 1;
            ++sent;
        }
    });
    for (int i = 0; i < 15; ++i) {
        EXPECT_TRUE(engine_->apply(second, {over("198.51.100.1/32", 1)}));
        EXPECT_TRUE(engine_->apply(first, {over("198.51.100.1/32", 2)}));
    }
    stop = true;
    sender.join();
    EXPECT_GT(sent, 100);
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(verdict({.source = at("198.51.100.2:4000"), .destination = kOutside}), XDP_DROP);
}

}  // namespace
}  // namespace sekisho::kernel_test

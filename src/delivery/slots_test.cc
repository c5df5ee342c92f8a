#include "delivery/slots.h"

#include "base/time.h"
#include "delivery/pace.h"
#include "delivery/waiting.h"
#include "net/server.h"
#include "net/task.h"
#include "net/test_support.h"
#include "queue/spool.h"
#include "smtp/reply.h"

#include <boost/asio/this_coro.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

class SlotsTest : public net::test::NetTest {};

struct Watch {
    std::atomic<int> now{0}, most{0}, done{0}, refused{0};
};

net::Task<void> visit(
    std::shared_ptr<Slots> slots,
    std::string domain,
    std::shared_ptr<Watch> watch,
    net::Executor executor,
    std::uint64_t owner = 0
) {
    const Claim claim{.owner = owner};
    const auto granted = co_await slots->take(domain, claim);
    if (granted.refused) {
        ++watch->refused;
        co_return;
    }
    const int now = ++watch->now;
    int most = watch->most;
    while (now > most && !watch->most.compare_exchange_weak(most, now)) {
    }
    co_await net::sleep_for(executor, Duration{2});
    --watch->now;
    ++watch->done;
}

TEST_F(SlotsTest, LimitsInAllAndByDestinationHold) {
    const auto slots = Slots::make({.total = 5, .per_destination = 2});
    const auto one = std::make_shared<Watch>();
    const auto all = std::make_shared<Watch>();
    for (int i = 0; i < 40; ++i) {
        const auto executor = loops->executor(static_cast<std::size_t>(i));
        net::spawn(executor, visit(slots, "one", one, executor), "test");
        net::spawn(executor, visit(slots, "d" + std::to_string(i), all, executor), "test");
    }
    EXPECT_TRUE(net::test::eventually([&] { return one->done == 40 && all->done == 40; }));
    EXPECT_EQ(one->most, 2);
    EXPECT_LE(all->most, 5);
    EXPECT_GE(all->most, 2);
    EXPECT_TRUE(net::test::eventually([&] { return slots->use().empty(); }));
}

net::Task<void> hold(
    std::shared_ptr<Slots> slots,
    std::shared_ptr<Watch> watch,
    std::shared_ptr<std::atomic<bool>> go,
    std::uint64_t owner = 0
) {
    const Claim claim{.owner = owner};
    const auto granted = co_await slots->take("down", claim);
    if (granted.closed) {
        ++watch->refused;
        co_return;
    }
    ++watch->now;
    const auto executor = co_await boost::asio::this_coro::executor;
    while (!*go) {
        co_await net::sleep_for(executor, Duration{1});
    }
}

TEST_F(SlotsTest, WaitersAreRefusedWhenTheDestinationIsDown) {
    const auto slots = Slots::make({.total = 5, .per_destination = 1});
    const auto watch = std::make_shared<Watch>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    net::spawn(loops->executor(0), hold(slots, watch, go), "test");
    EXPECT_TRUE(net::test::eventually([&] { return watch->now == 1; }));
    for (int i = 0; i < 10; ++i) {
        net::spawn(loops->executor(1), visit(slots, "down", watch, loops->executor(1)), "test");
    }
    EXPECT_TRUE(net::test::eventually([&] { return slots->use()["down"].waiting == 10; }));
    slots->refuse_waiting("down", smtp::reply(451, "4.4.1", "no"));
    EXPECT_TRUE(net::test::eventually([&] { return watch->refused == 10; }));
    *go = true;
    EXPECT_TRUE(net::test::eventually([&] { return slots->use().empty(); }));
}

TEST(Waiting, GoesRoundTheOwnersAndKeepsOrderWithinOne) {
    Waiting<int> waiting;
    for (int i = 0; i < 1000; ++i) {
        waiting.put({.owner = 1}, i);
    }
    const auto any = [](const Claim&) { return true; };
    EXPECT_EQ(waiting.take(any)->second, 0);
    EXPECT_EQ(waiting.take(any)->second, 1);
    waiting.put({.owner = 2}, 5000);
    waiting.put({.owner = 2}, 5001);
    std::vector<int> got;
    for (int i = 0; i < 4; ++i) {
        got.push_back(waiting.take(any)->second);
    }
    EXPECT_THAT(got, ::testing::UnorderedElementsAre(2, 3, 5000, 5001));
    const auto not_one = [](const Claim& claim) { return claim.owner != 1; };
    EXPECT_FALSE(waiting.take(not_one));
    waiting.put({.owner = 3, .grade = queue::Grade::Report}, 6000);
    EXPECT_EQ(waiting.take(not_one)->second, 6000);
    EXPECT_EQ(waiting.size(), 996U);
    EXPECT_EQ(waiting.take_all().size(), 996U);
    EXPECT_TRUE(waiting.empty());
    EXPECT_FALSE(waiting.take(any));
}

TEST(Waiting, AGradeHasItsWeight) {
    Waiting<int> waiting;
    for (int i = 0; i < 200; ++i) {
        waiting.put({.owner = 1, .grade = queue::Grade::Bulk}, 1);
        waiting.put({.owner = 2, .grade = queue::Grade::Interactive}, 2);
    }
    int interactive = 0;
    for (int i = 0; i < 100; ++i) {
        interactive += waiting.take([](const Claim&) { return true; })->second == 2 ? 1 : 0;
    }
    EXPECT_NEAR(interactive, 80, 2);
}

TEST_F(SlotsTest, OneOwnerLeavesAPlaceForTheOthers) {
    const auto slots = Slots::make({.total = 20, .per_destination = 5});
    const auto busy = std::make_shared<Watch>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    const auto executor = loops->executor(0);
    const auto hold_one = [&](std::uint64_t owner) {
        net::spawn(executor, hold(slots, busy, go, owner), "test");
    };
    for (int i = 0; i < 8; ++i) {
        hold_one(1);
    }
    EXPECT_TRUE(net::test::eventually([&] {
        const auto use = slots->use()["down"];
        return use.active == 4 && use.waiting == 4;
    }));
    const auto other = std::make_shared<Watch>();
    net::spawn(executor, visit(slots, "down", other, executor, 2), "test");
    EXPECT_TRUE(net::test::eventually([&] { return other->done == 1; }));
    EXPECT_EQ(busy->now, 4);
    *go = true;
    EXPECT_TRUE(net::test::eventually([&] { return busy->now == 8 && slots->use().empty(); }));
}

TEST_F(SlotsTest, AHigherLimitLetsWaitersIn) {
    const auto slots = Slots::make({.total = 1, .per_destination = 1});
    const auto watch = std::make_shared<Watch>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    for (int i = 0; i < 3; ++i) {
        net::spawn(loops->executor(0), hold(slots, watch, go), "test");
    }
    EXPECT_TRUE(net::test::eventually([&] { return slots->use()["down"].waiting == 2; }));
    slots->set_limits({.total = 3, .per_destination = 3});
    EXPECT_TRUE(net::test::eventually([&] { return watch->now == 3; }));
    *go = true;
    EXPECT_TRUE(net::test::eventually([&] { return slots->use().empty(); }));
}

TEST_F(SlotsTest, ClosedIsRefusedNowAndLater) {
    const auto slots = Slots::make({.total = 1, .per_destination = 1});
    const auto watch = std::make_shared<Watch>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    for (std::size_t i = 0; i < 4; ++i) {
        net::spawn(loops->executor(i), hold(slots, watch, go), "test");
    }
    EXPECT_TRUE(net::test::eventually([&] { return slots->use()["down"].waiting == 3; }));
    slots->close();
    EXPECT_TRUE(net::test::eventually([&] { return watch->refused == 3; }));
    net::spawn(loops->executor(0), hold(slots, watch, go), "test");
    EXPECT_TRUE(net::test::eventually([&] { return watch->refused == 4; }));
    *go = true;
    EXPECT_TRUE(net::test::eventually([&] { return slots->use().empty(); }));
}

TEST_F(SlotsTest, LoopsEndWithHoldersAndWaitersOnBoth) {
    const auto slots = Slots::make({.total = 1, .per_destination = 1});
    const auto watch = std::make_shared<Watch>();
    const auto go = std::make_shared<std::atomic<bool>>(false);
    for (std::size_t i = 0; i < 6; ++i) {
        net::spawn(loops->executor(i), hold(slots, watch, go), "test");
    }
    EXPECT_TRUE(net::test::eventually([&] { return slots->use()["down"].waiting == 5; }));
    loops->stop();
    slots->close();
    loops.reset();
    EXPECT_EQ(watch->refused, 0);
    loops = net::Loops::make(1);
}

net::Task<void> visit_by(
    std::shared_ptr<Slots> slots, Terms terms, std::shared_ptr<Watch> watch, net::Executor executor
) {
    const Claim claim;
    const auto granted = co_await slots->take("paced", claim, terms);
    const int now = ++watch->now;
    int most = watch->most;
    while (now > most && !watch->most.compare_exchange_weak(most, now)) {
    }
    co_await net::sleep_for(executor, Duration{2});
    --watch->now;
    ++watch->done;
}

// Calls what is to come later when the test says so.
struct ByHand {
    std::mutex mutex;
    std::vector<std::pair<Duration, std::function<void()>>> calls;
    Slots::Later later() {
        return [this](Duration wait, std::function<void()> call) {
            const std::scoped_lock lock(mutex);
            calls.emplace_back(wait, std::move(call));
        };
    }
    std::size_t size() {
        const std::scoped_lock lock(mutex);
        return calls.size();
    }
};

TEST_F(SlotsTest, WhoIsPacedWaitsUntilHeIsCalled) {
    ByHand hand;
    const auto slots = Slots::make({.total = 50, .per_destination = 10}, hand.later());
    const auto watch = std::make_shared<Watch>();
    constexpr Terms kSlow{.concurrency = 0, .messages = 1, .per = std::chrono::hours(1)};
    for (int i = 0; i < 3; ++i) {
        net::spawn(loops->executor(0), visit_by(slots, kSlow, watch, loops->executor(0)), "test");
    }
    ASSERT_TRUE(net::test::eventually([&] { return watch->done == 1 && hand.size() == 1; }));
    EXPECT_EQ(slots->use().at("paced").waiting, 2U);
    EXPECT_GT(slots->use().at("paced").pause, std::chrono::minutes(59));
    EXPECT_GT(hand.calls.front().first, std::chrono::minutes(59)) << "one call for all who wait";
    hand.calls.front().second();  // too soon: it is asked again
    ASSERT_TRUE(net::test::eventually([&] { return hand.size() == 2; }));
    EXPECT_EQ(watch->done, 1);
    slots->close();
    ASSERT_TRUE(net::test::eventually([&] { return watch->done == 3; })) << "the end wakes all";
}

TEST_F(SlotsTest, AServerThatAsksForItGetsFewerConnections) {
    ByHand hand;
    const auto slots = Slots::make({.total = 50, .per_destination = 8}, hand.later());
    slots->slow_down("paced", "421 4.7.0 too many");
    const auto use = slots->use().at("paced");
    EXPECT_EQ(use.limit, 1U);
    EXPECT_EQ(use.slowed_by, "421 4.7.0 too many");
    EXPECT_GT(use.pause, std::chrono::seconds(10));
    const auto watch = std::make_shared<Watch>();
    net::spawn(loops->executor(0), visit_by(slots, {}, watch, loops->executor(0)), "test");
    ASSERT_TRUE(net::test::eventually([&] { return hand.size() == 1; }));
    EXPECT_EQ(watch->done, 0);
    // Another destination isn't touched.
    const auto other = std::make_shared<Watch>();
    net::spawn(loops->executor(0), visit(slots, "other", other, loops->executor(0)), "test");
    ASSERT_TRUE(net::test::eventually([&] { return other->done == 1; }));
    slots->close();
    ASSERT_TRUE(net::test::eventually([&] { return watch->done == 1; }));
}

TEST_F(SlotsTest, ADestinationMayHaveMoreOrFewerConnectionsThanOthers) {
    const auto slots = Slots::make({.total = 50, .per_destination = 5});
    const auto few = std::make_shared<Watch>();
    for (int i = 0; i < 12; ++i) {
        const auto executor = loops->executor(static_cast<std::size_t>(i));
        net::spawn(executor, visit_by(slots, {.concurrency = 2}, few, executor), "test");
    }
    ASSERT_TRUE(net::test::eventually([&] { return few->done == 12; }));
    EXPECT_LE(few->most, 2);
}

}  // namespace
}  // namespace sekisho::delivery

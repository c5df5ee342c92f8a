// Who is next: the fairness of the schedule, counted in messages handed out.
#include "queue/schedule.h"

#include "base/time.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/spool.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::queue {
namespace {

constexpr Time kNow = Time{Duration{1'790'000'000'000}};

// An index whose messages are finished as soon as they are handed out, or when the test says so.
class World {
  public:
    explicit World(std::uint32_t in_delivery_max = kInDeliveryMax) : index(in_delivery_max) {}

    MessageNumber add(
        std::uint64_t owner,
        std::optional<Grade> grade = {},
        std::uint16_t cost = 1,
        Time due = kNow
    ) {
        Index::MessageRecord record;
        record.number = ++last;
        record.at = Location::at(1, 4096);
        record.size = 800;
        record.due = due;
        record.expires = kNow + std::chrono::hours(100);
        record.lane = {.owner = owner, .cost = cost, .grade = grade};
        index.message(record);
        owner_of[last] = owner;
        return last;
    }
    void add_many(std::uint64_t owner, std::size_t count, std::optional<Grade> grade = {}) {
        for (std::size_t i = 0; i < count; ++i) {
            add(owner, grade);
        }
    }
    // Whose message was handed out; 0: nothing is due.
    std::uint64_t step(Time now = kNow) {
        const auto slot = index.take_due(now);
        if (!slot) {
            return 0;
        }
        index.finishing(slot->number);
        index.remove(slot->number);
        return owner_of.at(slot->number);
    }
    // How many others' messages are handed out before one of the owner's.
    std::size_t before(std::uint64_t owner) {
        std::size_t others = 0;
        for (std::uint64_t one = step(); one != owner; one = step()) {
            if (one == 0) {
                return ~std::size_t{0};
            }
            ++others;
        }
        return others;
    }
    std::map<std::uint64_t, std::size_t> steps(std::size_t count) {
        std::map<std::uint64_t, std::size_t> got;
        for (std::size_t i = 0; i < count; ++i) {
            ++got[step()];
        }
        return got;
    }

    Index index;
    MessageNumber last = 0;
    std::map<MessageNumber, std::uint64_t> owner_of;
};

TEST(Fairness, AnOrdinaryMessagePassesAHundredThousandOfAnother) {
    World world;
    world.add_many(1, 100'000);
    std::uint64_t ordinary = 1;
    for (const std::size_t handed_out : {0U, 1U, 50U, 48U, 51U, 5000U}) {
        for (std::size_t i = 0; i < handed_out; ++i) {
            ASSERT_EQ(world.step(), 1U);
        }
        world.add(++ordinary);
        EXPECT_LE(world.before(ordinary), 2U) << handed_out;
    }
}

TEST(Fairness, AMessageWaitsForNoBacklogHoweverManySendersHaveOne) {
    World world;
    for (std::uint64_t owner = 1; owner <= 500; ++owner) {
        world.add_many(owner, 400);
    }
    (void)world.steps(20'000);
    world.add(1000);
    EXPECT_LE(world.before(1000), 2U);
    world.add(1001);
    world.add(1002);
    EXPECT_LE(world.before(1002), 3U);
}

TEST(Fairness, SendersOfBulkShareEquallyByRecipients) {
    World world;
    for (int i = 0; i < 5000; ++i) {
        world.add(1, Grade::Bulk, 1);
        world.add(2, Grade::Bulk, 1);
        world.add(3, Grade::Bulk, 10);
    }
    auto got = world.steps(2100);
    EXPECT_NEAR(static_cast<double>(got[1]), 1000, 12);
    EXPECT_NEAR(static_cast<double>(got[2]), 1000, 12);
    EXPECT_NEAR(static_cast<double>(got[3]), 100, 12);
}

TEST(Fairness, GradesShareByWeightAndNoneIsStarved) {
    World world;
    world.add_many(1, 10'000, Grade::Urgent);
    world.add_many(2, 10'000, Grade::Interactive);
    world.add_many(3, 10'000, Grade::Bulk);
    world.add_many(4, 10'000, Grade::Report);
    auto got = world.steps(8500);
    EXPECT_NEAR(static_cast<double>(got[1]), 6400, 70);
    EXPECT_NEAR(static_cast<double>(got[2]), 1600, 70);
    EXPECT_NEAR(static_cast<double>(got[3]), 400, 70);
    EXPECT_NEAR(static_cast<double>(got[4]), 100, 70);
    (void)world.steps(31'500);
    EXPECT_EQ(world.index.counts().queued, 0U) << "alone, the last has everything";
    EXPECT_EQ(world.step(), 0U);
}

TEST(Fairness, WhatWaitedForNothingHasNoCredit) {
    World world;
    world.add_many(1, 1000, Grade::Bulk);
    (void)world.steps(900);
    // The other comes late: it gets half from now on, not the 900 it didn't ask for.
    world.add_many(2, 1000, Grade::Bulk);
    auto got = world.steps(200);
    EXPECT_NEAR(static_cast<double>(got[1]), 100, 2);
}

TEST(Fairness, ABacklogMakesBulkAndATriedMessageIsNone) {
    World world;
    for (std::uint32_t i = 0; i < kBulkBacklog; ++i) {
        EXPECT_EQ(world.index.find(world.add(1))->grade, Grade::Interactive);
    }
    EXPECT_EQ(world.index.find(world.add(1))->grade, Grade::Bulk);
    EXPECT_EQ(world.index.find(world.add(2))->grade, Grade::Interactive);
    for (MessageNumber number = 1; number <= 60; ++number) {
        world.index.outcome(number, Location::at(1, 8000), kNow + std::chrono::hours(1), 1);
    }
    EXPECT_EQ(world.index.find(world.add(1))->grade, Grade::Interactive);
    EXPECT_EQ(world.index.find(world.add(1, Grade::Bulk))->grade, Grade::Bulk);
}

TEST(Fairness, OneFlowNeverFillsThePlacesInDelivery) {
    World world(100);
    world.add_many(1, 1000, Grade::Bulk);
    std::vector<MessageNumber> taken;
    while (const auto slot = world.index.take_due(kNow)) {
        taken.push_back(slot->number);
    }
    EXPECT_EQ(taken.size(), 50U);
    EXPECT_FALSE(world.index.next_due()) << "a timer would run in a circle";
    world.add_many(2, 1000, Grade::Bulk);
    EXPECT_TRUE(world.index.next_due());
    std::size_t others = 0;
    while (world.index.take_due(kNow)) {
        ++others;
    }
    EXPECT_EQ(others, 25U);
    world.add(3);
    EXPECT_EQ(world.index.take_due(kNow)->number, world.last);
    // Each that ends gives its place to somebody who waits.
    for (const MessageNumber number : taken) {
        world.index.remove(number);
    }
    EXPECT_TRUE(world.index.next_due());
    EXPECT_TRUE(world.index.take_due(kNow));
}

// Whatever happens to blocked flows, everything is handed out in the end.
TEST(Fairness, NothingIsForgottenWhileFlowsAreBlocked) {
    std::mt19937_64 random(5);
    World world(12);
    std::vector<MessageNumber> in_delivery;
    std::size_t added = 0;
    std::size_t gone = 0;
    for (int turn = 0; turn < 30'000 || gone < added; ++turn) {
        ASSERT_LT(turn, 200'000) << "stuck with " << added - gone;
        const std::uint64_t what = random() % 10;
        if (turn < 30'000 && what < 3) {
            world.add(
                1 + random() % 9,
                random() % 2 == 0 ? std::optional(Grade::Report) : std::nullopt,
                static_cast<std::uint16_t>(1 + random() % 5),
                kNow + Duration{static_cast<std::int64_t>(random() % 2)}
            );
            ++added;
        } else if (what < 6) {
            if (const auto slot = world.index.take_due(kNow + Duration{1})) {
                in_delivery.push_back(slot->number);
            }
        } else if (what == 6 && world.last > 0) {
            const MessageNumber any = 1 + random() % world.last;
            if (std::erase(in_delivery, any) > 0 || world.index.find(any) != nullptr) {
                world.index.remove(any);
                ++gone;
            }
        } else if (!in_delivery.empty()) {
            const MessageNumber number = in_delivery.back();
            in_delivery.pop_back();
            if (random() % 4 == 0) {
                world.index.give_back(number, kNow);
            } else {
                world.index.finishing(number);
                world.index.remove(number);
                ++gone;
            }
        }
        ASSERT_LE(world.index.counts().in_delivery, 12U);
    }
    EXPECT_EQ(world.index.counts().queued, 0U);
}

TEST(Fairness, TimesStillRuleWithinAnAccount) {
    World world;
    const MessageNumber late = world.add(1, {}, 1, kNow + Duration{10});
    const MessageNumber soon = world.add(1, {}, 1, kNow + Duration{5});
    EXPECT_FALSE(world.index.take_due(kNow));
    EXPECT_EQ(world.index.next_due(), kNow + Duration{5});
    EXPECT_EQ(world.index.take_due(kNow + Duration{20})->number, soon);
    // The clock set back: what isn't due any more isn't handed out.
    EXPECT_FALSE(world.index.take_due(kNow));
    EXPECT_EQ(world.index.next_due(), kNow + Duration{10});
    EXPECT_EQ(world.index.take_due(kNow + Duration{10})->number, late);
}

TEST(Lanes, NameTheOwner) {
    const auto owner = [](const Envelope& envelope) { return lane_of(envelope).owner; };
    const auto client = [](const char* address) {
        Envelope envelope;
        envelope.client = address;
        envelope.reverse_path = "a@example.org";
        return envelope;
    };
    EXPECT_EQ(owner(client("2001:db8:1:2::5")), owner(client("2001:db8:1:2:3:4:5:6")));
    EXPECT_NE(owner(client("2001:db8:1:2::5")), owner(client("2001:db8:1:3::5")));
    EXPECT_NE(owner(client("192.0.2.1")), owner(client("192.0.2.2")));
    Envelope submitted = client("192.0.2.1");
    submitted.account = "taro";
    Envelope again = client("192.0.2.2");
    again.account = "taro";
    EXPECT_EQ(owner(submitted), owner(again));
    Envelope notice;
    notice.recipients = {{.address = "a@example.net"}};
    Envelope other;
    other.recipients = {{.address = "b@example.net"}};
    EXPECT_NE(owner(notice), owner(other));
    EXPECT_EQ(lane_of(notice).grade, Grade::Report);
}

TEST(Lanes, GradeByRecipientsAndPriority) {
    Envelope envelope;
    envelope.reverse_path = "a@example.org";
    envelope.recipients.resize(kBulkRecipients - 1);
    EXPECT_EQ(lane_of(envelope).grade, std::nullopt);
    EXPECT_EQ(lane_of(envelope).cost, kBulkRecipients - 1);
    envelope.recipients.resize(kBulkRecipients);
    envelope.size = 10ULL << 20U;
    EXPECT_EQ(lane_of(envelope).grade, Grade::Bulk);
    EXPECT_EQ(lane_of(envelope).cost, kBulkRecipients + 80);
    envelope.recipients.resize(100'000);
    EXPECT_EQ(lane_of(envelope).cost, 65535);
    envelope.priority = 2;
    EXPECT_EQ(lane_of(envelope).grade, Grade::Interactive);
    EXPECT_EQ(grade_of_priority(9), Grade::Urgent);
    EXPECT_EQ(grade_of_priority(1), Grade::Interactive);
    EXPECT_EQ(grade_of_priority(0), std::nullopt);
    EXPECT_EQ(grade_of_priority(-1), Grade::Bulk);
    EXPECT_EQ(grade_of_priority(-9), Grade::Report);
}

}  // namespace
}  // namespace sekisho::queue

#include "delivery/pool.h"

#include "base/time.h"

#include <chrono>
#include <cstddef>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

using Ids = std::vector<Pool::Id>;
using std::chrono::seconds;
const Pool::Clock::time_point kStart{seconds{1000}};

// Opens one and keeps it after its message.
bool put(Pool& pool, Pool::Id id, const char* place, const char* to, int second = 0) {
    EXPECT_TRUE(pool.opening(place).empty());
    const bool kept = pool.keep({id, place, to, 1, kStart + seconds{second}});
    if (!kept) {
        pool.gone(place);
    }
    return kept;
}

TEST(Pool, TheLatestOfItsPlaceAndHostIsTaken) {
    Pool pool({});
    EXPECT_FALSE(pool.take("p", "a"));
    put(pool, 1, "p", "a");
    put(pool, 2, "p", "a");
    put(pool, 3, "p", "b");
    put(pool, 4, "q", "a");
    EXPECT_TRUE(pool.has("q", "a"));
    EXPECT_FALSE(pool.has("q", "b"));
    EXPECT_EQ(pool.take("p", "a"), Pool::Id{2});
    EXPECT_EQ(pool.take("p", "a"), Pool::Id{1});
    EXPECT_EQ(pool.take("p", "a"), std::nullopt);
    EXPECT_EQ(pool.kept(), 2U);
}

TEST(Pool, AfterItsMessagesOneIsNotKept) {
    Pool pool({.messages = 3});
    EXPECT_TRUE(pool.opening("p").empty());
    EXPECT_TRUE(pool.keep({1, "p", "a", 2, kStart}));
    EXPECT_EQ(pool.take("p", "a"), Pool::Id{1});
    EXPECT_FALSE(pool.keep({1, "p", "a", 3, kStart}));
    pool.gone("p");
    Pool never({.messages = 1});
    EXPECT_FALSE(put(never, 1, "p", "a"));
}

TEST(Pool, IdleOnesGoWhenTheirTimeIsOver) {
    Pool pool({.idle = seconds{10}});
    EXPECT_EQ(pool.next_expiry(), std::nullopt);
    put(pool, 1, "p", "a", 0);
    put(pool, 2, "p", "b", 4);
    EXPECT_EQ(pool.next_expiry(), kStart + seconds{10});
    EXPECT_EQ(pool.expired(kStart + seconds{9}), Ids{});
    EXPECT_EQ(pool.expired(kStart + seconds{10}), Ids{1});
    EXPECT_EQ(pool.next_expiry(), kStart + seconds{14});
}

TEST(Pool, NewConnectionsTakeTheRoomOfIdleOnes) {
    Pool pool({.total = 4, .per_place = 2});
    put(pool, 1, "p", "a");
    put(pool, 2, "p", "b");
    put(pool, 3, "q", "a");
    EXPECT_EQ(pool.opening("p"), Ids{1}) << "of its own place first";
    EXPECT_EQ(pool.opening("r"), Ids{}) << "2, 3 and two in use: four";
    EXPECT_EQ(pool.opening("s"), Ids{2}) << "then the longest idle of all";
    EXPECT_EQ(pool.kept(), 1U);
}

TEST(Pool, SmallerLimitsAndTheEnd) {
    Pool pool({.total = 10, .per_place = 5});
    put(pool, 1, "p", "a");
    put(pool, 2, "p", "a");
    put(pool, 3, "q", "a");
    EXPECT_EQ(pool.set_limits({.total = 10, .per_place = 1}), Ids{1});
    EXPECT_EQ(pool.kept_by_place().at("p"), 1U);
    EXPECT_EQ(pool.close(), (Ids{2, 3}));
    EXPECT_FALSE(put(pool, 4, "p", "a"));
    EXPECT_EQ(pool.kept(), 0U);
}

// Whatever happens in whatever order: never more than the limits, as long as those in use aren't.
TEST(Pool, StaysWithinItsLimits) {
    constexpr std::size_t total = 6, per_place = 3;
    std::mt19937 random(7);
    Pool pool({.total = total, .per_place = per_place, .messages = 5, .idle = seconds{3}});
    struct Open {
        Pool::Id id;
        std::string place, to;
    };
    std::vector<Open> in_use;
    std::set<Pool::Id> kept;
    Pool::Id last = 0;
    const auto drop = [&](const Ids& ids) {
        for (const Pool::Id id : ids) {
            EXPECT_EQ(kept.erase(id), 1U);
        }
    };
    for (int step = 0; step < 20'000; ++step) {
        const auto now = kStart + seconds{step / 10};
        const std::string place(1, static_cast<char>('p' + random() % 4));
        const std::string to(1, static_cast<char>('a' + random() % 2));
        std::size_t here = 0;
        for (const Open& one : in_use) {
            here += one.place == place ? 1 : 0;
        }
        const unsigned what = random() % 4;
        if (what < 2 && in_use.size() < total && here < per_place) {
            if (const auto id = pool.take(place, to)) {
                EXPECT_EQ(kept.erase(*id), 1U);
                in_use.push_back({*id, place, to});
            } else {
                drop(pool.opening(place));
                in_use.push_back({++last, place, to});
            }
        } else if (what == 2 && !in_use.empty()) {
            const Open one = in_use.back();
            in_use.pop_back();
            if (pool.keep({one.id, one.place, one.to, random() % 6, now})) {
                kept.insert(one.id);
            } else {
                pool.gone(one.place);
            }
        } else {
            drop(pool.expired(now));
        }
        ASSERT_EQ(pool.kept(), kept.size());
        ASSERT_LE(kept.size() + in_use.size(), total);
        for (const auto& [name, idle] : pool.kept_by_place()) {
            std::size_t used = 0;
            for (const Open& one : in_use) {
                used += one.place == name ? 1 : 0;
            }
            ASSERT_LE(idle + used, per_place) << name;
        }
    }
}

}  // namespace
}  // namespace sekisho::delivery

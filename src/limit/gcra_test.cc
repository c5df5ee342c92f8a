#include "limit/gcra.h"

#include "base/time.h"
#include "limit/quota.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <vector>

namespace sekisho::limit {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant kStart = *parse_rfc3339("2026-11-24T13:53:24Z");

TEST(Gcra, LetsABurstThroughThenTheRate) {
    const Gcra gcra = *Gcra::make({.count = 60, .per = Duration{3'600'000}, .burst = 3});
    Instant tat{};
    for (int i = 0; i < 3; ++i) {
        const Gcra::Decision decision = gcra.check(tat, kStart, 1);
        ASSERT_TRUE(decision.allowed);
        EXPECT_EQ(decision.used, i);
        tat = gcra.taken(tat, kStart, 1);
    }
    const Gcra::Decision full = gcra.check(tat, kStart, 1);
    EXPECT_FALSE(full.allowed);
    EXPECT_TRUE(full.possible);
    EXPECT_EQ(full.used, 3);
    EXPECT_EQ(full.free_at, kStart + minutes{1});
    EXPECT_FALSE(gcra.check(tat, full.free_at - microseconds{1}, 1).allowed);
    EXPECT_TRUE(gcra.check(tat, full.free_at, 1).allowed);
    EXPECT_EQ(gcra.check(tat, kStart, 2).free_at, kStart + minutes{2});
    EXPECT_EQ(gcra.used(tat, kStart + minutes{3}), 0);
    EXPECT_EQ(gcra.used(gcra.returned(tat, 2), kStart), 1);
}

TEST(Gcra, MoreThanTheBurstNeverPasses) {
    const Gcra gcra = *Gcra::make({.count = 10, .per = Duration{1000}});
    EXPECT_EQ(gcra.burst(), 10);
    const Gcra::Decision decision = gcra.check(Instant{}, kStart, 11);
    EXPECT_FALSE(decision.allowed);
    EXPECT_FALSE(decision.possible);
}

TEST(Gcra, RefusesRatesThatMakeNoSense) {
    EXPECT_FALSE(Gcra::make({.count = 0}));
    EXPECT_FALSE(Gcra::make({.count = 1, .per = Duration{0}}));
    EXPECT_FALSE(Gcra::make({.count = 1, .per = Duration{-5}}));
    EXPECT_FALSE(Gcra::make({.count = 1, .per = Duration{1000}, .burst = -1}));
    EXPECT_FALSE(Gcra::make({.count = 1001, .per = Duration{1}}));
    EXPECT_TRUE(Gcra::make({.count = 1000, .per = Duration{1}}));
    EXPECT_FALSE(Gcra::make({.count = 1, .per = Duration{1000}, .burst = INT64_MAX}));
    EXPECT_FALSE(Gcra::make({.count = 1, .per = Duration{INT64_MAX}}));
}

// In no window of time more than burst + rate x window, for any rate and any arrivals.
TEST(Gcra, NeverLetsMoreThanBurstPlusRateTimesTimeThrough) {
    std::mt19937_64 random(25);  // NOLINT: the same run every time
    for (int round = 0; round < 300; ++round) {
        const Rate rate{
            .count = static_cast<std::int64_t>(random() % 1000) + 1,
            .per = Duration{static_cast<std::int64_t>(random() % 100'000) + 1000},
            .burst = static_cast<std::int64_t>(random() % 50) + 1,
        };
        const Gcra gcra = *Gcra::make(rate);
        Instant tat{};
        Instant now = kStart;
        std::vector<std::pair<Instant, std::int64_t>> passed;
        const auto step = static_cast<std::uint64_t>(gcra.interval().count()) * 2 + 1;
        for (int i = 0; i < 200; ++i) {
            now += microseconds{static_cast<std::int64_t>(random() % step)};
            const std::int64_t cost = static_cast<std::int64_t>(random() % 3) + 1;
            if (gcra.check(tat, now, cost).allowed) {
                tat = gcra.taken(tat, now, cost);
                passed.emplace_back(now, cost);
            }
        }
        ASSERT_FALSE(passed.empty() && rate.burst >= 3);
        for (std::size_t from = 0; from < passed.size(); ++from) {
            std::int64_t sum = 0;
            for (std::size_t to = from; to < passed.size(); ++to) {
                sum += passed[to].second;
                const auto window =
                    static_cast<double>((passed[to].first - passed[from].first).count());
                const double per_us = static_cast<double>(rate.count) /
                                      static_cast<double>(microseconds{rate.per}.count());
                ASSERT_LE(
                    static_cast<double>(sum),
                    static_cast<double>(rate.burst) + window * per_us + 1e-6
                );
            }
        }
    }
}

// And what it promises it keeps: at free_at the same request passes, a microsecond before not.
TEST(Gcra, FreeAtIsExact) {
    std::mt19937_64 random(26);  // NOLINT: the same run every time
    int refused = 0;
    for (int round = 0; round < 2000; ++round) {
        const Gcra gcra = *Gcra::make(
            {.count = static_cast<std::int64_t>(random() % 50) + 1,
             .per = Duration{static_cast<std::int64_t>(random() % 5000) + 1},
             .burst = static_cast<std::int64_t>(random() % 20) + 1}
        );
        const Instant tat = kStart + gcra.interval() * static_cast<std::int64_t>(random() % 40);
        const std::int64_t cost =
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(gcra.burst())) + 1;
        const Gcra::Decision decision = gcra.check(tat, kStart, cost);
        ASSERT_TRUE(gcra.check(tat, decision.free_at, cost).allowed);
        if (!decision.allowed) {
            ++refused;
            ASSERT_FALSE(gcra.check(tat, decision.free_at - microseconds{1}, cost).allowed);
        }
    }
    EXPECT_GT(refused, 100);
}

TEST(Quota, BeginsAgainAtLocalMidnight) {
    const Quota tokyo = *Quota::make({.max = 2, .zone = TimeZone(minutes{540})});
    DayUse use;
    use = tokyo.taken(use, kStart, 2);
    const Gcra::Decision full = tokyo.check(use, kStart, 1);
    EXPECT_FALSE(full.allowed);
    EXPECT_EQ(full.used, 2);
    EXPECT_EQ(full.free_at, Instant{*parse_rfc3339("2026-11-24T15:00:00Z")});  // midnight in Japan
    EXPECT_FALSE(tokyo.check(use, full.free_at - microseconds{1}, 1).allowed);
    EXPECT_TRUE(tokyo.check(use, full.free_at, 2).allowed);
    EXPECT_FALSE(tokyo.check(use, full.free_at, 3).possible);
    use = tokyo.taken(use, full.free_at, 1);
    EXPECT_EQ(tokyo.used(use, full.free_at), 1);
    EXPECT_EQ(tokyo.used(tokyo.returned(use, full.free_at, 5), full.free_at), 0);
}

TEST(Quota, WestOfGreenwichAndBefore1970) {
    const Quota west = *Quota::make({.max = 1, .zone = TimeZone(minutes{-480})});
    EXPECT_EQ(west.next_day(kStart), Instant{*parse_rfc3339("2026-11-25T08:00:00Z")});
    EXPECT_EQ(west.next_day(Instant{microseconds{-1}}), Instant{hours{8}});
    EXPECT_FALSE(Quota::make({.max = 0}));
}

TEST(Quota, AClockSetBackGivesNothing) {
    const Quota quota = *Quota::make({.max = 1});
    const DayUse use = quota.taken({}, kStart, 1);
    const Gcra::Decision yesterday = quota.check(use, kStart - hours{24}, 1);
    EXPECT_FALSE(yesterday.allowed);
    EXPECT_TRUE(quota.check(use, yesterday.free_at, 1).allowed);
}

TEST(Quota, NeverMoreThanTheMaximumInAnyLocalDay) {
    std::mt19937_64 random(27);  // NOLINT: the same run every time
    for (int round = 0; round < 50; ++round) {
        const std::int64_t offset = static_cast<std::int64_t>(random() % 2160) - 1080;
        const std::int64_t max = static_cast<std::int64_t>(random() % 20) + 1;
        const Quota quota = *Quota::make({.max = max, .zone = TimeZone(minutes{offset})});
        std::map<std::int64_t, std::int64_t> by_day;
        DayUse use;
        Instant now = kStart;
        for (int i = 0; i < 1000; ++i) {
            now += seconds{static_cast<std::int64_t>(random() % 3600)};
            const std::int64_t cost = static_cast<std::int64_t>(random() % 3) + 1;
            if (quota.check(use, now, cost).allowed) {
                use = quota.taken(use, now, cost);
                by_day[std::chrono::floor<std::chrono::days>(now + minutes{offset})
                           .time_since_epoch()
                           .count()] += cost;
            }
        }
        ASSERT_GT(by_day.size(), 10U);
        for (const auto& [day, sum] : by_day) {
            ASSERT_LE(sum, max);
        }
    }
}

}  // namespace
}  // namespace sekisho::limit

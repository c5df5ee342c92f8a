#include "limit/limiter.h"

#include "base/time.h"
#include "limit/gcra.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::limit {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Instant kStart = *parse_rfc3339("2026-11-24T13:53:24Z");

std::vector<Limit> limits() {
    return {
        {"per_hour", Rate{.count = 60, .per = Duration{3'600'000}, .burst = 10}},
        {"per_day", Day{.max = 20, .zone = TimeZone(minutes{540})}},
    };
}

std::unique_ptr<Limiter> limiter(std::size_t keys_max = 1000) {
    return *Limiter::make(limits(), {.keys_max = keys_max});
}

std::int64_t used(
    const Limiter& limiter, std::string_view key, std::string_view limit, Instant now
) {
    for (const Use& use : limiter.explain(key, now)) {
        if (use.limit == limit) {
            return use.used;
        }
    }
    return -1;
}

TEST(Limiter, TakesAllOrNothing) {
    const auto all = limiter();
    const std::array<Want, 2> eight{{{"per_hour", "taro", 8}, {"per_day", "taro", 8}}};
    ASSERT_TRUE(all->take(eight, kStart));
    const auto refused = all->take(eight, kStart);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().limit, "per_hour");
    EXPECT_EQ(refused.error().key, "taro");
    EXPECT_EQ(refused.error().used, 8);
    EXPECT_EQ(refused.error().allowed, 10);
    EXPECT_EQ(refused.error().free_at, kStart + minutes{6});
    EXPECT_EQ(
        refused.error().text(),
        "per_hour of taro: 8 of 10 used, 8 wanted, free again 2026-11-24T13:59:24.000Z"
    );
    // The day's quota would have passed, and was not touched.
    EXPECT_EQ(used(*all, "taro", "per_day", kStart), 8);
    EXPECT_TRUE(all->take(eight, kStart + minutes{6}));
    EXPECT_EQ(used(*all, "taro", "per_day", kStart + minutes{6}), 16);
}

TEST(Limiter, NamesTheLimitThatIsFreeLast) {
    const auto all = limiter();
    const std::array<Want, 2> ten{{{"per_hour", "taro", 10}, {"per_day", "taro", 10}}};
    ASSERT_TRUE(all->take(ten, kStart));
    ASSERT_TRUE(all->take(ten, kStart + minutes{10}));
    const auto refused = all->take(ten, kStart + minutes{10});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().limit, "per_day");
    EXPECT_EQ(refused.error().free_at, Instant{*parse_rfc3339("2026-11-24T15:00:00Z")});
    const std::array<Want, 2> too_many{{{"per_day", "jiro", 21}, {"per_hour", "taro", 10}}};
    const auto never = all->take(too_many, kStart);
    ASSERT_FALSE(never);
    EXPECT_FALSE(never.error().possible);
    EXPECT_EQ(never.error().text(), "per_day of jiro: 21 wanted, never more than 20 at once");
}

TEST(Limiter, TheSameKeyTwiceInOneRequestCountsTwice) {
    const auto all = limiter();
    const std::array<Want, 2> twice{{{"per_hour", "taro", 6}, {"per_hour", "taro", 6}}};
    EXPECT_FALSE(all->take(twice, kStart));
    EXPECT_TRUE(all->explain("taro", kStart).empty());
    const std::array<Want, 2> fits{{{"per_hour", "taro", 6}, {"per_hour", "taro", 4}}};
    EXPECT_TRUE(all->take(fits, kStart));
    EXPECT_EQ(used(*all, "taro", "per_hour", kStart), 10);
}

TEST(Limiter, CheckTakesNothingAndGiveBackReturns) {
    const auto all = limiter();
    const std::array<Want, 1> ten{{{"per_hour", "taro", 10}}};
    EXPECT_TRUE(all->check(ten, kStart));
    EXPECT_TRUE(all->take(ten, kStart));
    EXPECT_FALSE(all->check(ten, kStart));
    all->give_back(ten, kStart);
    EXPECT_TRUE(all->check(ten, kStart));
    const std::array<Want, 1> stranger{{{"per_hour", "nobody", 10}}};
    all->give_back(stranger, kStart);
    EXPECT_TRUE(all->explain("nobody", kStart).empty());
}

TEST(Limiter, KeysAndUnknownLimitsDoNotTouchEachOther) {
    const auto all = limiter();
    const std::array<Want, 1> taro{{{"per_hour", "taro", 10}}};
    const std::array<Want, 1> jiro{{{"per_hour", "jiro", 10}}};
    const std::array<Want, 1> unknown{{{"no_such_limit", "taro", 1'000'000}}};
    EXPECT_TRUE(all->take(taro, kStart));
    EXPECT_TRUE(all->take(jiro, kStart));
    EXPECT_TRUE(all->take(unknown, kStart));
    all->forget("taro");
    EXPECT_TRUE(all->take(taro, kStart));
    EXPECT_FALSE(all->take(jiro, kStart));
}

TEST(Limiter, ExplainsUseAndRecovery) {
    const auto all = limiter();
    const std::array<Want, 2> three{{{"per_hour", "taro", 3}, {"per_day", "taro", 3}}};
    ASSERT_TRUE(all->take(three, kStart));
    const std::vector<Use> uses = all->explain("taro", kStart);
    ASSERT_EQ(uses.size(), 2U);
    EXPECT_EQ(uses[0].used, 3);
    EXPECT_EQ(uses[0].allowed, 10);
    EXPECT_EQ(uses[0].recovered_at, kStart + minutes{3});
    EXPECT_EQ(uses[1].used, 3);
    EXPECT_EQ(uses[1].recovered_at, Instant{*parse_rfc3339("2026-11-24T15:00:00Z")});
    EXPECT_EQ(all->explain("taro", kStart + hours{2})[1].used, 0);
}

TEST(Limiter, AFloodOfKeysForgetsRecoveredOnesFirst) {
    const auto all = limiter(100);
    const std::array<Want, 1> heavy{{{"per_hour", "heavy", 10}}};
    ASSERT_TRUE(all->take(heavy, kStart));
    for (int i = 0; i < 99; ++i) {
        const std::string key = "light" + std::to_string(i);
        const std::array<Want, 1> light{{{"per_hour", key, 1}}};
        ASSERT_TRUE(all->take(light, kStart));
    }
    // Two minutes later the light ones are recovered and make room, oldest first.
    for (int i = 0; i < 90; ++i) {
        const std::string key = "new" + std::to_string(i);
        const std::array<Want, 1> light{{{"per_hour", key, 1}}};
        ASSERT_TRUE(all->take(light, kStart + minutes{2}));
    }
    EXPECT_EQ(all->counters()[0].keys, 100U);
    EXPECT_EQ(all->counters()[0].dropped_live, 0U);
    EXPECT_EQ(used(*all, "heavy", "per_hour", kStart + minutes{2}), 8);
    // With nothing recovered, the least used of the oldest goes, and that is counted.
    for (int i = 0; i < 50; ++i) {
        const std::string key = "flood" + std::to_string(i);
        const std::array<Want, 1> light{{{"per_hour", key, 1}}};
        ASSERT_TRUE(all->take(light, kStart + minutes{2}));
    }
    EXPECT_EQ(all->counters()[0].keys, 100U);
    EXPECT_GT(all->counters()[0].dropped_live, 0U);
    EXPECT_EQ(used(*all, "heavy", "per_hour", kStart + minutes{2}), 8);
}

TEST(Limiter, ReplaceKeepsUseOfTheSameLimit) {
    const auto all = limiter();
    const std::array<Want, 2> five{{{"per_hour", "taro", 5}, {"per_day", "taro", 5}}};
    ASSERT_TRUE(all->take(five, kStart));
    ASSERT_TRUE(all->replace(
        {{"per_day", Day{.max = 6, .zone = TimeZone(minutes{540})}},
         {"per_hour", Day{.max = 7, .zone = TimeZone(minutes{540})}}}
    ));
    EXPECT_EQ(used(*all, "taro", "per_day", kStart), 5);
    EXPECT_EQ(used(*all, "taro", "per_hour", kStart), -1) << "another kind begins afresh";
    const std::array<Want, 1> two{{{"per_day", "taro", 2}}};
    EXPECT_FALSE(all->take(two, kStart));

    const Status bad = all->replace({{"x", Rate{}}, {"y", Rate{}}});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().message.substr(0, 3), "x: ");
    EXPECT_EQ(used(*all, "taro", "per_day", kStart), 5) << "the old limits stay in force";
    EXPECT_FALSE(Limiter::make({{"x", Day{.max = 1}}, {"x", Day{.max = 2}}}, {}));
}

TEST(Limiter, ThreadsTogetherNeverTakeMoreThanTheLimit) {
    const auto all = *Limiter::make({{"l", Day{.max = 5000}}}, {});
    std::atomic<std::int64_t> passed{0};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            const std::array<Want, 1> one{{{"l", "key", 1}}};
            for (int i = 0; i < 2000; ++i) {
                passed += all->take(one, kStart) ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(passed, 5000);
    EXPECT_EQ(all->counters()[0].refused, 3000U);
}

TEST(Refusal, ShowsATimeThatIsLateEnough) {
    Refusal refusal{.limit = "l", .key = "k", .used = 1, .allowed = 1, .wanted = 1};
    refusal.free_at = kStart + std::chrono::microseconds{1};
    EXPECT_TRUE(refusal.text().ends_with("2026-11-24T13:53:25.000Z")) << refusal.text();
}

}  // namespace
}  // namespace sekisho::limit

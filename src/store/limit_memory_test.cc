#include "limit/acquaintances.h"
#include "limit/gcra.h"
#include "limit/limiter.h"
#include "limit/memory.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using limit::Acquaintance;
using limit::Instant;
using limit::State;

const Instant kStart = from_ms(1'700'000'000'000);

TEST(LimitMemory, KeepsWhatHasNotRecovered) {
    const TestFolder folder;
    auto store = *open_store(folder.file());
    const std::vector<State> states{
        {.limit = "hour", .key = "taro", .mark = 123'456'789, .recovered_at = kStart + 1h},
        {.limit = "day",
         .key = "taro",
         .day = true,
         .mark = 20'000,
         .used = 7,
         .recovered_at = kStart + 9h},
        {.limit = "hour", .key = "jiro", .mark = 5, .recovered_at = kStart + 1s},
    };
    ASSERT_TRUE(store->limits().keep(states, {}));
    const std::vector<State> changed{
        {.limit = "hour", .key = "taro", .mark = 223'456'789, .recovered_at = kStart + 2h}
    };
    ASSERT_TRUE(store->limits().keep(changed, {}));
    store = *open_store(folder.file());
    auto kept = store->limits().states(kStart + 1min);
    ASSERT_TRUE(kept) << kept.error().message;
    ASSERT_EQ(kept->size(), 2U) << "jiro has recovered";
    EXPECT_EQ((*kept)[0].limit, "day");
    EXPECT_TRUE((*kept)[0].day);
    EXPECT_EQ((*kept)[0].mark, 20'000);
    EXPECT_EQ((*kept)[0].used, 7);
    EXPECT_EQ((*kept)[1].mark, 223'456'789);
    EXPECT_EQ((*kept)[1].recovered_at, kStart + 2h);
    const std::vector<State> gone{{.limit = "hour", .key = "taro"}};
    ASSERT_TRUE(store->limits().keep(gone, {}));
    EXPECT_EQ(store->limits().states(kStart + 1min)->size(), 1U);
}

TEST(LimitMemory, KeepsTheNewestAcquaintances) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    const std::vector<Acquaintance> pairs{
        {.pair = 0xFFFF'FFFF'FFFF'FFFFULL, .last = kStart},
        {.pair = 1, .last = kStart + 1h},
        {.pair = 2, .last = kStart + 2h},
    };
    ASSERT_TRUE(store->limits().keep({}, pairs));
    auto two = store->limits().acquaintances(kStart - 1h, 2);
    ASSERT_TRUE(two);
    ASSERT_EQ(two->size(), 2U);
    EXPECT_EQ((*two)[0].pair, 1U);
    EXPECT_EQ((*two)[1].pair, 2U);
    two = store->limits().acquaintances(kStart - 1h, 10);
    ASSERT_EQ(two->size(), 3U);
    EXPECT_EQ((*two)[0].pair, 0xFFFF'FFFF'FFFF'FFFFULL);
    EXPECT_EQ(store->limits().acquaintances(kStart + 90min, 10)->size(), 1U);
}

}  // namespace
}  // namespace sekisho::store

#include "base/time.h"
#include "queue/suppression.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using queue::Suppressed;
using queue::SuppressionRule;

const Time kNow = from_ms(1'800'000'000'000);
const SuppressionRule kRule{.after = 3, .within = 24h, .keep = 48h};

TEST(SuppressionStore, RefusesAfterSoManyBouncesForAWhile) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    auto& list = store->suppression();
    const auto bounce = [&](Time at) {
        return *list.bounced("Nobody@Example.org", "550 5.1.1 no", at, kRule);
    };
    EXPECT_FALSE(bounce(kNow - 48h)) << "too long ago to count";
    EXPECT_FALSE(bounce(kNow - 2h));
    EXPECT_FALSE(bounce(kNow - 1h));
    EXPECT_FALSE(*list.find("nobody@example.org", kNow));
    const auto added = bounce(kNow);
    ASSERT_TRUE(added);
    EXPECT_EQ(added->recipient, "nobody@example.org");
    EXPECT_EQ(added->bounces, 3U);
    EXPECT_EQ(added->until, kNow + 48h);
    EXPECT_FALSE(bounce(kNow + 1min)) << "that was told already";
    EXPECT_EQ((*list.find("NOBODY@example.org", kNow + 47h))->why, "550 5.1.1 no");
    EXPECT_FALSE(*list.find("nobody@example.org", kNow + 48h));
    EXPECT_EQ((*list.list(kNow + 1h)).size(), 1U);
    EXPECT_TRUE((*list.list(kNow + 48h)).empty());
}

TEST(SuppressionStore, IsKnownToBeEmptyOnlyAsLongAsItIs) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    auto& list = store->suppression();
    EXPECT_FALSE(list.known_empty()) << "nobody has looked";
    EXPECT_FALSE(*list.find("a@b.example", kNow));
    EXPECT_TRUE(list.known_empty());
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(list.bounced("gone@b.example", "550 no", kNow, kRule));
    }
    EXPECT_FALSE(list.known_empty()) << "at once, not after the second that it was known for";
    EXPECT_FALSE(*list.find("a@b.example", kNow));
    EXPECT_FALSE(list.known_empty()) << "another one is refused";
}

TEST(SuppressionStore, ADeliveryMakesItBeginAnew) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    auto& list = store->suppression();
    for (int i = 0; i < 2; ++i) {
        EXPECT_FALSE(*list.bounced("a@b.example", "550 no", kNow, kRule));
    }
    ASSERT_TRUE(list.reached("A@b.example"));
    EXPECT_FALSE(*list.bounced("a@b.example", "550 no", kNow, kRule));
    EXPECT_FALSE(*list.bounced("a@b.example", "550 no", kNow, {})) << "off";
}

TEST(SuppressionStore, AnOperatorsStaysOverARestartUntilItIsRemoved) {
    const TestFolder folder;
    Suppressed one;
    one.recipient = "A@b.example";
    one.since = kNow;
    one.who = "root";
    {
        const auto store = *open_store(folder.file());
        ASSERT_TRUE(store->suppression().add(one));
        one.why = "asked for";
        ASSERT_TRUE(store->suppression().add(one));
    }
    const auto store = *open_store(folder.file());
    auto& list = store->suppression();
    EXPECT_TRUE((*list.forget(kNow + 24h * 10000, kNow)).empty());
    const auto found = *list.find("a@b.example", kNow + 24h * 10000);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->why, "asked for");
    EXPECT_FALSE(found->until);
    EXPECT_TRUE(*list.remove("a@B.example"));
    EXPECT_FALSE(*list.remove("a@b.example"));
    EXPECT_FALSE(*list.find("a@b.example", kNow));
}

TEST(SuppressionStore, WhatIsOverIsToldOnce) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    auto& list = store->suppression();
    const SuppressionRule at_once{.after = 1, .within = 1h, .keep = 2h};
    ASSERT_TRUE(*list.bounced("a@b.example", "550 no", kNow, at_once));
    EXPECT_TRUE((*list.forget(kNow + 1h, kNow)).empty());
    const auto over = *list.forget(kNow + 2h, kNow + 1h);
    ASSERT_EQ(over.size(), 1U);
    EXPECT_EQ(over[0].recipient, "a@b.example");
    EXPECT_TRUE((*list.forget(kNow + 3h, kNow)).empty());
    const SuppressionRule two{.after = 2, .within = 24h, .keep = 2h};
    EXPECT_FALSE(*list.bounced("a@b.example", "550 no", kNow + 3h, two)) << "the old one is gone";
}

}  // namespace
}  // namespace sekisho::store

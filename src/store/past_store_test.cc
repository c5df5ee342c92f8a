#include "peer/past.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <optional>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using peer::Past;

const Time kNow = from_ms(1'800'000'000'000);

Past past(double messages, Time last) {
    return {
        .messages = messages,
        .recipients = 2.5,
        .refused_recipients = 1.125,
        .bad = 0,
        .first = kNow,
        .last = last
    };
}

TEST(PastStore, RemembersAcrossARestart) {
    const TestFolder folder;
    {
        const auto store = *open_store(folder.file());
        EXPECT_EQ(*store->past().find("192.0.2.25"), std::nullopt);
        ASSERT_TRUE(store->past().remember({{"192.0.2.25", past(1, kNow)}}));
        ASSERT_TRUE(store->past().remember(
            {{"192.0.2.25", past(3, kNow + 1h)}, {"2001:db8:1:2::/64", past(1, kNow)}}
        ));
    }
    const auto store = *open_store(folder.file());
    EXPECT_EQ(*store->past().find("192.0.2.25"), past(3, kNow + 1h));
    EXPECT_EQ(*store->forget_peers_before(kNow + 1h), 1);
    EXPECT_EQ(*store->past().find("2001:db8:1:2::/64"), std::nullopt);
    EXPECT_EQ(*store->past().find("192.0.2.25"), past(3, kNow + 1h));
}

}  // namespace
}  // namespace sekisho::store

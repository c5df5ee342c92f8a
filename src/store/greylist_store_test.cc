#include "peer/greylist.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using peer::GreylistEntry;

const Time kNow = from_ms(1'800'000'000'000);

TEST(GreylistStore, RemembersAcrossARestart) {
    const TestFolder folder;
    {
        const auto store = *open_store(folder.file());
        EXPECT_EQ(*store->greylist().find("192.0.2.0/24"), std::nullopt);
        ASSERT_TRUE(store->greylist().remember("192.0.2.0/24", {kNow, kNow}));
        ASSERT_TRUE(store->greylist().remember("192.0.2.0/24", {kNow, kNow + 5min}));
        ASSERT_TRUE(store->greylist().remember("spf:example.org", {kNow, kNow + 1h}));
    }
    const auto store = *open_store(folder.file());
    EXPECT_EQ(*store->greylist().find("192.0.2.0/24"), (GreylistEntry{kNow, kNow + 5min}));
    EXPECT_EQ(*store->forget_greylist_before(kNow + 1h), 1);
    EXPECT_EQ(*store->greylist().find("192.0.2.0/24"), std::nullopt);
    EXPECT_EQ(*store->greylist().find("spf:example.org"), (GreylistEntry{kNow, kNow + 1h}));
}

}  // namespace
}  // namespace sekisho::store

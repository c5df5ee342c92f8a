#include "delivery/tls/mta_sts.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using delivery::StoredSts;

const Time kNow = from_ms(1'800'000'000'000);

TEST(StsStore, KeepsPoliciesAcrossARestartUntilTheyExpire) {
    const TestFolder folder;
    const StoredSts old{"1", "version: STSv1\nmode: testing\n", kNow, kNow + 1h};
    const StoredSts renewed{"2", "version: STSv1\nmode: enforce\n", kNow + 1min, kNow + 24h};
    {
        const auto store = *open_store(folder.file());
        EXPECT_EQ(*store->mta_sts().find("example.org"), std::nullopt);
        ASSERT_TRUE(store->mta_sts().remember("example.org", old));
        ASSERT_TRUE(store->mta_sts().remember("example.org", renewed));
        ASSERT_TRUE(store->mta_sts().remember("example.com", old));
    }
    const auto store = *open_store(folder.file());
    EXPECT_EQ(*store->mta_sts().find("example.org"), renewed);
    EXPECT_EQ(*store->forget_mta_sts_before(kNow + 2h), 1);
    EXPECT_EQ(*store->mta_sts().find("example.com"), std::nullopt);
    EXPECT_EQ(*store->mta_sts().find("example.org"), renewed);
}

}  // namespace
}  // namespace sekisho::store

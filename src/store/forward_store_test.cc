#include "account/account.h"
#include "account/forwarding.h"
#include "base/result.h"
#include "store/store.h"
#include "store/test_support.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::store {
namespace {

const Time kNow = from_ms(1'800'000'000'000);

TEST(ForwardStore, AliasesAreKept) {
    const TestFolder folder;
    {
        const auto store = *open_store(folder.file());
        ASSERT_TRUE(store->forwards().set_alias({"b@example.net", {"x@b.example"}, kNow}));
        ASSERT_TRUE(store->forwards().set_alias({"@example.net", {"y@b.example"}, kNow}));
        ASSERT_TRUE(
            store->forwards().set_alias({"b@example.net", {"x@b.example", "z@c.example"}, kNow})
        );
    }
    const auto store = *open_store(folder.file());
    const auto all = store->forwards().aliases();
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ(all->at(0).address, "@example.net");
    EXPECT_EQ(all->at(1).targets, (std::vector<std::string>{"x@b.example", "z@c.example"}));
    EXPECT_EQ(store->forwards().alias("b@example.net")->changed, kNow);
    EXPECT_TRUE(store->forwards().remove_alias("b@example.net"));
    EXPECT_EQ(store->forwards().alias("b@example.net").error().code, Errc::NotFound);
    EXPECT_EQ(store->forwards().remove_alias("b@example.net").error().code, Errc::NotFound);
}

TEST(ForwardStore, AForwardGoesWithItsAccount) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    account::Account taro;
    taro.login = "taro@example.net";
    taro.addresses = {"taro@example.net"};
    ASSERT_TRUE(store->accounts().add(taro));
    ASSERT_TRUE(store->forwards().set_forward({"taro@example.net", {"x@b.example"}, false, kNow}));
    EXPECT_FALSE(store->forwards().set_forward({"nobody@example.net", {"x@b.example"}, true, kNow})
    );
    EXPECT_FALSE(store->forwards().forward("taro@example.net")->keep);
    // A change of the account leaves it.
    taro.name = "Taro";
    ASSERT_TRUE(store->accounts().update(taro));
    EXPECT_EQ(store->forwards().forwards()->size(), 1U);
    ASSERT_TRUE(store->accounts().remove("taro@example.net"));
    EXPECT_EQ(store->forwards().forward("taro@example.net").error().code, Errc::NotFound);
    EXPECT_EQ(store->forwards().remove_forward("taro@example.net").error().code, Errc::NotFound);
}

TEST(ForwardStore, AliasesAreFoundByTheirTargets) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    account::ForwardStore& forwards = store->forwards();
    using List = std::vector<std::string>;
    ASSERT_TRUE(forwards.set_aliases(
        {{"b@example.net", {"x@b.example", "y@b.example"}, kNow},
         {"a@example.net", {"x@b.example", "{o'}#$%&*+-/=?^_`|~@b.example"}, kNow}}
    ));
    EXPECT_EQ(*forwards.aliases_to("x@b.example"), (List{"a@example.net", "b@example.net"}));
    EXPECT_EQ(*forwards.aliases_to("{o'}#$%&*+-/=?^_`|~@b.example"), List{"a@example.net"});
    EXPECT_EQ(*forwards.aliases_to("b.example"), List{}) << "not by a part of it";
    ASSERT_TRUE(forwards.set_alias({"b@example.net", {"z@b.example"}, kNow}));
    EXPECT_EQ(*forwards.aliases_to("x@b.example"), List{"a@example.net"});
    EXPECT_EQ(*forwards.aliases_to("z@b.example"), List{"b@example.net"});
    ASSERT_TRUE(forwards.remove_alias("a@example.net"));
    EXPECT_EQ(*forwards.aliases_to("x@b.example"), List{});
    // The address is somebody's by now: it no longer leads anywhere else.
    account::Account b;
    b.login = "b@example.net";
    b.addresses = {"b@example.net"};
    ASSERT_TRUE(store->accounts().add(b));
    EXPECT_EQ(*forwards.aliases_to("z@b.example"), List{});
}

}  // namespace
}  // namespace sekisho::store

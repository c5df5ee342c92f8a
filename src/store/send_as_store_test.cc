#include "store/send_as_store.h"

#include "account/account.h"
#include "account/send_as.h"
#include "base/result.h"
#include "base/time.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;

const Time kNow = from_ms(1'800'000'000'000);

account::SendAs waiting(const std::string& login, const std::string& address) {
    account::SendAs one;
    one.login = login;
    one.address = address;
    one.code_digest = account::code_digest(login + address);
    one.code_expires = kNow + account::kCodeValid;
    one.created = kNow;
    one.outlook = "rejected";
    return one;
}

TEST(SendAsStore, KeepsWhatIsProvenAcrossARestart) {
    const TestFolder folder;
    {
        const auto store = *open_store(folder.file());
        auto one = waiting("taro", "taro@corp.example.com");
        ASSERT_TRUE(store->send_as().put_with_code(one, kNow));
        const auto found = store->send_as().find_by_code(one.code_digest);
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->address, "taro@corp.example.com");
        one.proven = kNow + 1min;
        one.code_digest.clear();
        ASSERT_TRUE(store->send_as().put(one));
        EXPECT_EQ(store->send_as().find_by_code("").error().code, Errc::NotFound);
    }
    const auto store = *open_store(folder.file());
    const auto kept = store->send_as().find("Taro", "TARO@corp.example.com");
    ASSERT_TRUE(kept.has_value());
    EXPECT_EQ(kept->proven, kNow + 1min);
    EXPECT_EQ(kept->outlook, "rejected");
    ASSERT_TRUE(store->send_as().remove("taro", "taro@corp.example.com"));
    EXPECT_EQ(
        store->send_as().remove("taro", "taro@corp.example.com").error().code, Errc::NotFound
    );
    EXPECT_TRUE(store->send_as().of("taro")->empty());
}

TEST(SendAsStore, CountsCodesThoughTheRegistrationIsGone) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    ASSERT_TRUE(store->send_as().put_with_code(waiting("taro", "a@x.example"), kNow));
    ASSERT_TRUE(store->send_as().put_with_code(waiting("taro", "a@x.example"), kNow + 1s));
    ASSERT_TRUE(store->send_as().put_with_code(waiting("taro", "b@x.example"), kNow));
    ASSERT_TRUE(store->send_as().put_with_code(waiting("jiro", "a@x.example"), kNow));
    ASSERT_TRUE(store->send_as().remove("taro", "a@x.example"));
    const auto sent = store->send_as().codes_sent("taro", "a@x.example", kNow);
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(sent->of_login, 3U);
    EXPECT_EQ(sent->to_address, 3U);
    EXPECT_EQ(sent->of_pair, 2U);
    EXPECT_EQ(store->send_as().codes_sent("taro", "a@x.example", kNow + 1s)->of_pair, 1U);
    EXPECT_EQ(store->send_as().codes_sent("nobody", "none@x.example", kNow)->of_login, 0U);
}

TEST(SendAsStore, ForgetsWhatNobodyProved) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    auto proven = waiting("taro", "a@x.example");
    proven.proven = kNow;
    ASSERT_TRUE(store->send_as().put_with_code(proven, kNow));
    ASSERT_TRUE(store->send_as().put_with_code(waiting("taro", "b@x.example"), kNow));
    EXPECT_EQ(*store->forget_send_as_before(kNow), 0);
    EXPECT_EQ(*store->forget_send_as_before(kNow + account::kCodeValid + 1s), 3);
    const auto left = store->send_as().of("taro");
    ASSERT_EQ(left->size(), 1U);
    EXPECT_EQ(left->front().address, "a@x.example");
}

TEST(SendAsStore, GoesWithItsAccount) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    account::Account account;
    account.login = "taro@example.net";
    account.addresses = {"taro@example.net"};
    account.credential.hash = "$argon2id$x";
    ASSERT_TRUE(store->accounts().add(account));
    ASSERT_TRUE(store->send_as().put(waiting("taro@example.net", "a@x.example")));
    ASSERT_TRUE(store->accounts().update(account));
    EXPECT_EQ(store->send_as().of("taro@example.net")->size(), 1U);
    ASSERT_TRUE(store->accounts().remove("taro@example.net"));
    EXPECT_TRUE(store->send_as().of("taro@example.net")->empty());
}

TEST(SendAsStore, ADelegationEndsWithEitherAccount) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    for (const char* login : {"boss", "taro", "hanako"}) {
        account::Account one;
        one.login = login;
        ASSERT_TRUE(store->accounts().add(one));
    }
    account::SendAsStore& rights = store->send_as();
    ASSERT_TRUE(rights.add_delegation({"boss", "taro", kNow}));
    EXPECT_EQ(rights.add_delegation({"boss", "taro", kNow}).error().code, Errc::Conflict);
    ASSERT_TRUE(rights.add_delegation({"boss", "of@another.system", kNow}));
    ASSERT_TRUE(rights.add_delegation({"hanako", "boss", kNow}));
    EXPECT_FALSE(rights.add_delegation({"nobody", "taro", kNow})) << "whose addresses?";
    EXPECT_EQ(rights.delegations("BOSS")->size(), 3U);
    EXPECT_EQ(rights.delegations("taro")->at(0).owner, "boss");
    ASSERT_TRUE(store->accounts().remove("taro"));
    EXPECT_EQ(rights.delegations("boss")->size(), 2U) << "the delegate is gone";
    ASSERT_TRUE(store->accounts().remove("hanako"));
    EXPECT_EQ(rights.delegations("boss")->size(), 1U) << "the owner is gone";
    ASSERT_TRUE(rights.remove_delegation({"boss", "of@another.system", {}}));
    EXPECT_EQ(
        rights.remove_delegation({"boss", "of@another.system", {}}).error().code, Errc::NotFound
    );
    EXPECT_TRUE(rights.delegations("boss")->empty());
}

}  // namespace
}  // namespace sekisho::store

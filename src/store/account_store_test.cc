#include "account/account.h"
#include "account/password.h"
#include "store/store.h"
#include "store/test_support.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace sekisho::store {
namespace {

using account::Account;

Account hanako() {
    Account out;
    out.login = "hanako@example.net";
    out.name = "\xe8\x8a\xb1\xe5\xad\x90";
    out.addresses = {"hanako@example.net", "flower@example.net"};
    out.line = "u1";
    out.credential = *account::make_credential("correct horse", account::kTestHash);
    out.created = from_ms(1'700'000'000'000);
    out.changed = out.created;
    return out;
}

class Accounts : public ::testing::Test {
  protected:
    TestFolder folder_;
    std::unique_ptr<Store> store_ = std::move(*open_store(folder_.file()));
    account::AccountStore& accounts_ = store_->accounts();
};

TEST_F(Accounts, ComeBackAsTheyWereAfterARestart) {
    ASSERT_TRUE(accounts_.add(hanako()));
    const Account made = *accounts_.find("hanako@example.net");
    store_.reset();
    store_ = std::move(*open_store(folder_.file()));
    const Account found = *store_->accounts().find("HANAKO@example.net");
    EXPECT_EQ(found.login, "hanako@example.net");
    EXPECT_EQ(found.name, hanako().name);
    EXPECT_EQ(found.addresses, hanako().addresses);
    EXPECT_EQ(found.line, "u1");
    EXPECT_TRUE(found.enabled);
    EXPECT_EQ(found.created, hanako().created);
    EXPECT_EQ(found.credential.argon2id, made.credential.argon2id);
    EXPECT_EQ(found.credential.scram.salt, made.credential.scram.salt);
    EXPECT_EQ(found.credential.scram.stored_key, made.credential.scram.stored_key);
    EXPECT_EQ(found.credential.scram.server_key, made.credential.scram.server_key);
    EXPECT_EQ(found.credential.scram.iterations, 4096U);
    EXPECT_TRUE(account::verify_password(found.credential.argon2id, "correct horse"));
}

TEST_F(Accounts, AreFoundByAddress) {
    ASSERT_TRUE(accounts_.add(hanako()));
    EXPECT_EQ(accounts_.find_by_address("Flower@Example.net")->login, "hanako@example.net");
    EXPECT_EQ(accounts_.find_by_address("x@example.net").error().code, Errc::NotFound);
    EXPECT_EQ(accounts_.find("flower@example.net").error().code, Errc::NotFound);
}

TEST_F(Accounts, TakenLoginsAndAddresses) {
    ASSERT_TRUE(accounts_.add(hanako()));
    const auto twice = accounts_.add(hanako());
    EXPECT_EQ(twice.error().code, Errc::Conflict);
    EXPECT_NE(twice.error().message.find("hanako@example.net"), std::string::npos);
    Account other;
    other.login = "taro";
    other.addresses = {"taro@example.net", "flower@example.net"};
    const auto shared = accounts_.add(other);
    EXPECT_EQ(shared.error().code, Errc::Conflict);
    EXPECT_NE(shared.error().message.find("flower@example.net"), std::string::npos);
    EXPECT_EQ(accounts_.find("taro").error().code, Errc::NotFound) << "nothing half-made";
    EXPECT_EQ(accounts_.list()->size(), 1U);
    other.login = "no good";
    EXPECT_EQ(accounts_.add(other).error().code, Errc::Invalid);
}

TEST_F(Accounts, Change) {
    ASSERT_TRUE(accounts_.add(hanako()));
    Account changed = hanako();
    changed.enabled = false;
    changed.disabled_reason = "unpaid";
    changed.addresses = {"new@example.net", "hanako@example.net"};
    ASSERT_TRUE(accounts_.update(changed));
    const Account found = *accounts_.find("hanako@example.net");
    EXPECT_FALSE(found.enabled);
    EXPECT_EQ(found.disabled_reason, "unpaid");
    EXPECT_EQ(found.addresses, changed.addresses);
    EXPECT_FALSE(accounts_.find_by_address("flower@example.net"));
    changed.login = "nobody";
    EXPECT_EQ(accounts_.update(changed).error().code, Errc::NotFound);
    ASSERT_TRUE(accounts_.remove("hanako@example.net"));
    EXPECT_EQ(accounts_.remove("hanako@example.net").error().code, Errc::NotFound);
    EXPECT_FALSE(accounts_.find_by_address("new@example.net")) << "addresses go with the account";
    EXPECT_TRUE(accounts_.list()->empty());
}

TEST_F(Accounts, AnotherHandleSeesAChangeAtOnce) {
    const auto other = std::move(*open_store(folder_.file()));
    ASSERT_TRUE(accounts_.add(hanako()));
    EXPECT_TRUE(other->accounts().find("hanako@example.net"));
    ASSERT_TRUE(other->accounts().remove("hanako@example.net"));
    EXPECT_FALSE(accounts_.find("hanako@example.net"));
}

}  // namespace
}  // namespace sekisho::store

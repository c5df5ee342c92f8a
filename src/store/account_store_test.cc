#include "account/account.h"
#include "account/app_password.h"
#include "account/password.h"
#include "store/store.h"
#include "store/test_support.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

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
    EXPECT_EQ(found.credential.hash, made.credential.hash);
    EXPECT_EQ(found.credential.scram.salt, made.credential.scram.salt);
    EXPECT_EQ(found.credential.scram.stored_key, made.credential.scram.stored_key);
    EXPECT_EQ(found.credential.scram.server_key, made.credential.scram.server_key);
    EXPECT_EQ(found.credential.scram.iterations, 4096U);
    EXPECT_TRUE(account::verify_password(found.credential.hash, "correct horse"));
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

TEST_F(Accounts, WhatTheOwnerChoseOutlivesAnOperatorsChange) {
    ASSERT_TRUE(accounts_.add(hanako()));
    EXPECT_FALSE(accounts_.find("hanako@example.net")->stays_home);
    ASSERT_TRUE(accounts_.set_stays_home("Hanako@example.net", true));
    ASSERT_TRUE(accounts_.update(hanako()));
    EXPECT_TRUE(accounts_.find("hanako@example.net")->stays_home);
    EXPECT_TRUE(accounts_.list()->front().stays_home);
    ASSERT_TRUE(accounts_.set_stays_home("hanako@example.net", false));
    EXPECT_FALSE(accounts_.find("hanako@example.net")->stays_home);
    EXPECT_EQ(accounts_.set_stays_home("nobody", true).error().code, Errc::NotFound);
}

TEST_F(Accounts, AnotherHandleSeesAChangeAtOnce) {
    const auto other = std::move(*open_store(folder_.file()));
    ASSERT_TRUE(accounts_.add(hanako()));
    EXPECT_TRUE(other->accounts().find("hanako@example.net"));
    ASSERT_TRUE(other->accounts().remove("hanako@example.net"));
    EXPECT_FALSE(accounts_.find("hanako@example.net"));
}

Account plain_account(const std::string& login) {
    Account out;
    out.login = login;
    out.addresses = {login + "@example.net"};
    out.credential.hash = "{SSHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs";
    out.created = out.changed = from_ms(1'700'000'000'000);
    return out;
}

TEST_F(Accounts, ABatchIsKeptWholeOrNotAtAll) {
    ASSERT_TRUE(accounts_.add(hanako()));
    std::vector<Account> batch{
        plain_account("a"), plain_account("b"), plain_account("hanako@example.net")
    };
    batch[1].addresses = {"flower@example.net"};
    const auto refused = accounts_.add_all(batch, {});
    ASSERT_TRUE(refused);
    EXPECT_FALSE(refused->kept);
    ASSERT_EQ(refused->faults.size(), 2U);
    EXPECT_EQ(refused->faults[0].index, 1U);
    EXPECT_NE(refused->faults[0].why.message.find("flower@example.net"), std::string::npos);
    EXPECT_EQ(refused->faults[1].index, 2U);
    EXPECT_EQ(accounts_.list()->size(), 1U) << "nothing half-imported";

    EXPECT_FALSE(accounts_.add_all(batch, {.skip_bad = true, .only_check = true})->kept);
    EXPECT_EQ(accounts_.list()->size(), 1U);

    const auto skipped = accounts_.add_all(batch, {.skip_bad = true});
    EXPECT_TRUE(skipped->kept);
    EXPECT_EQ(skipped->added, 1U);
    EXPECT_EQ(accounts_.list()->size(), 2U);
    EXPECT_TRUE(accounts_.find("a"));
    EXPECT_EQ(accounts_.find_by_address("flower@example.net")->login, "hanako@example.net");
}

TEST_F(Accounts, ABatchMayChangeWhatIsThere) {
    ASSERT_TRUE(accounts_.add(hanako()));
    Account changed = plain_account("hanako@example.net");
    changed.created = from_ms(1'800'000'000'000);
    changed.addresses = {"hanako@example.net", "a@example.net"};
    const auto done = accounts_.add_all(std::vector{changed, plain_account("b")}, {.update = true});
    EXPECT_TRUE(done->kept);
    EXPECT_EQ(done->added, 1U);
    EXPECT_EQ(done->updated, 1U);
    const Account found = *accounts_.find("hanako@example.net");
    EXPECT_EQ(found.created, hanako().created) << "it is as old as it was";
    EXPECT_EQ(found.credential.hash, changed.credential.hash);
    EXPECT_FALSE(accounts_.find_by_address("flower@example.net"));
    EXPECT_EQ(accounts_.find_by_address("a@example.net")->login, "hanako@example.net");
}

TEST_F(Accounts, ACredentialIsReplacedUnlessItHasChangedSince) {
    ASSERT_TRUE(accounts_.add(plain_account("a")));
    const std::string before = accounts_.find("a")->credential.hash;
    const auto made = *account::make_credential("correct horse", account::kTestHash);
    ASSERT_TRUE(accounts_.replace_credential("A", before, made));
    EXPECT_EQ(accounts_.find("a")->credential.hash, made.hash);
    EXPECT_EQ(accounts_.find("a")->credential.scram.salt, made.scram.salt);
    EXPECT_EQ(accounts_.replace_credential("a", before, made).error().code, Errc::Conflict);
    EXPECT_EQ(accounts_.replace_credential("nobody", before, made).error().code, Errc::Conflict);
}

TEST_F(Accounts, AppPasswords) {
    ASSERT_TRUE(accounts_.add(hanako()));
    account::AppPassword phone;
    phone.name = "phone";
    phone.selector = "abcd";
    phone.credential = *account::make_credential("abcd-efgh", account::kTestHash);
    phone.from = {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::/32")};
    phone.created = from_ms(1'700'000'000'000);
    phone.expires = from_ms(1'800'000'000'000);
    ASSERT_TRUE(accounts_.add_app_password("Hanako@example.net", phone));
    EXPECT_EQ(accounts_.add_app_password("hanako@example.net", phone).error().code, Errc::Conflict);
    EXPECT_EQ(accounts_.add_app_password("nobody", phone).error().code, Errc::NotFound);
    account::AppPassword same = phone;
    same.name = "tablet";
    EXPECT_EQ(accounts_.add_app_password("hanako@example.net", same).error().code, Errc::Conflict)
        << "the selector tells them apart";
    same.name = "";
    EXPECT_EQ(accounts_.add_app_password("hanako@example.net", same).error().code, Errc::Invalid);

    const Time used = from_ms(1'750'000'000'000);
    ASSERT_TRUE(accounts_.app_password_used("hanako@example.net", "phone", used, "192.0.2.9"));
    EXPECT_EQ(
        accounts_.app_password_used("hanako@example.net", "x", used, "").error().code,
        Errc::NotFound
    );
    const Account found = *accounts_.find("hanako@example.net");
    ASSERT_EQ(found.app_passwords.size(), 1U);
    const account::AppPassword& one = found.app_passwords[0];
    EXPECT_EQ(one.name, "phone");
    EXPECT_EQ(one.selector, "abcd");
    EXPECT_EQ(one.credential.hash, phone.credential.hash);
    EXPECT_EQ(one.credential.scram.server_key, phone.credential.scram.server_key);
    EXPECT_EQ(one.from, phone.from);
    EXPECT_EQ(one.expires, phone.expires);
    EXPECT_EQ(one.last_used, used);
    EXPECT_EQ(one.last_address, "192.0.2.9");
    ASSERT_TRUE(accounts_.update(found));
    EXPECT_EQ(accounts_.list()->at(0).app_passwords.size(), 1U) << "a change leaves them alone";

    ASSERT_TRUE(accounts_.remove_app_password("hanako@example.net", "phone"));
    EXPECT_EQ(
        accounts_.remove_app_password("hanako@example.net", "phone").error().code, Errc::NotFound
    );
    for (std::size_t i = 0; i < account::kAppPasswordsMax; ++i) {
        same.name = same.selector = std::to_string(i);
        ASSERT_TRUE(accounts_.add_app_password("hanako@example.net", same));
    }
    same.name = same.selector = "more";
    EXPECT_EQ(accounts_.add_app_password("hanako@example.net", same).error().code, Errc::Invalid);
    ASSERT_TRUE(accounts_.remove("hanako@example.net")) << "they go with the account";
    ASSERT_TRUE(accounts_.add(hanako()));
    EXPECT_TRUE(accounts_.find("hanako@example.net")->app_passwords.empty());
}

TEST(AccountStore, DomainsAndLanguageAreKeptAndADomainIsOfOneAccount) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    account::Account taro;
    taro.login = "taro@example.net";
    taro.addresses = {"taro@example.net", "@shop.example"};
    taro.language = "en";
    ASSERT_TRUE(store->accounts().add(taro));
    const auto found = store->accounts().find("taro@example.net");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->addresses, std::vector<std::string>{"taro@example.net"});
    EXPECT_EQ(found->domains, std::vector<std::string>{"shop.example"});
    EXPECT_EQ(found->language, "en");
    EXPECT_FALSE(store->accounts().find_by_address("any@shop.example")) << "nothing is received";
    account::Account hanako;
    hanako.login = "hanako@example.net";
    hanako.domains = {"shop.example"};
    EXPECT_EQ(store->accounts().add(hanako).error().code, Errc::Conflict);
    hanako.domains.clear();
    hanako.addresses = {"hanako@shop.example"};
    EXPECT_TRUE(store->accounts().add(hanako)) << "an address of it may be another's";
}

}  // namespace
}  // namespace sekisho::store

#include "account/validate.h"

#include "account/account.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::account {
namespace {

TEST(Validate, Addresses) {
    for (const char* good :
         {"hanako@example.net",
          "a@b",
          "first.last+tag@sub.example.co.jp",
          "o'hara@example.net",
          "!#$%&'*+-/=?^_`{|}~@example.net",
          "\xe5\xb1\xb1\xe7\x94\xb0@example.jp",
          "x@xn--wgv71a.jp"}) {
        EXPECT_TRUE(check_address(good)) << good;
    }
    for (const std::string& bad :
         {std::string{},
          std::string{"hanako"},
          std::string{"@example.net"},
          std::string{"hanako@"},
          std::string{"a..b@example.net"},
          std::string{".a@example.net"},
          std::string{"a.@example.net"},
          std::string{"a b@example.net"},
          std::string{"\"a b\"@example.net"},
          std::string{"a@b@example.net"},
          std::string{"a@-example.net"},
          std::string{"a@example..net"},
          std::string{"a@example.net."},
          std::string{"a@[192.0.2.1]"},
          std::string{"a@exa_mple.net"},
          std::string{"a\r\n@example.net"},
          std::string{"\xff@example.net"},
          std::string(65, 'a') + "@example.net",
          "a@" + std::string(64, 'b') + ".net",
          "a@" + std::string(250, 'b')}) {
        const auto checked = check_address(bad);
        ASSERT_FALSE(checked) << bad;
        EXPECT_EQ(checked.error().message.find('\n'), std::string::npos);
    }
}

TEST(Validate, Logins) {
    for (const char* good : {"hanako", "u0001", "hanako@example.net", "a.b_c-d+e", "1"}) {
        EXPECT_TRUE(check_login(good)) << good;
    }
    for (const std::string& bad :
         {std::string{},
          std::string{"-x"},
          std::string{"a b"},
          std::string{"a/b"},
          std::string{"a@"},
          std::string(65, 'a')}) {
        EXPECT_FALSE(check_login(bad)) << bad;
    }
}

TEST(Validate, AWholeAccount) {
    Account account;
    account.login = " Hanako@Example.NET ";
    account.addresses = {"Hanako@Example.NET", "info@example.net"};
    const auto good = checked(account);
    ASSERT_TRUE(good);
    EXPECT_EQ(good->login, "hanako@example.net");
    EXPECT_EQ(good->addresses.at(0), "hanako@example.net");
    account.addresses.emplace_back("INFO@example.net");
    EXPECT_NE(checked(account).error().message.find("twice"), std::string::npos);
    account.addresses = {"nonsense"};
    EXPECT_FALSE(checked(account));
    account.addresses.clear();
    account.name = "two\nlines";
    EXPECT_FALSE(checked(account));
    account.name.clear();
    account.login = "no good";
    EXPECT_FALSE(checked(account));
}

TEST(Checked, ADomainIsWrittenAmongTheAddressesOrByItself) {
    Account account;
    account.login = "taro@example.net";
    account.addresses = {"taro@example.net", "@Shop.Example"};
    account.domains = {"b.example"};
    const auto sound = checked(account);
    ASSERT_TRUE(sound) << sound.error().message;
    EXPECT_EQ(sound->addresses, std::vector<std::string>{"taro@example.net"});
    EXPECT_EQ(sound->domains, (std::vector<std::string>{"shop.example", "b.example"}));
    account.domains = {"shop.example"};
    EXPECT_FALSE(checked(account)) << "twice";
    account.domains = {"-b.example"};
    EXPECT_FALSE(checked(account));
    account.domains.clear();
    account.addresses = {"@"};
    EXPECT_FALSE(checked(account));
}

TEST(Checked, NoticesAreInALanguageThatThereIs) {
    Account account;
    account.login = "taro";
    for (const auto& [given, kept] :
         {std::pair{"JA", "ja"}, std::pair{"en", "en"}, std::pair{"both", ""}, std::pair{"", ""}}) {
        account.language = given;
        const auto sound = checked(account);
        ASSERT_TRUE(sound) << given;
        EXPECT_EQ(sound->language, kept);
    }
    account.language = "de";
    EXPECT_FALSE(checked(account));
}

}  // namespace
}  // namespace sekisho::account

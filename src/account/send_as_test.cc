#include "account/send_as.h"

#include "account/account.h"
#include "base/time.h"

#include <chrono>
#include <gtest/gtest.h>

namespace sekisho::account {
namespace {

using namespace std::chrono_literals;

const Time kNow = from_ms(1'764'000'000'000);

SendAs waiting() {
    SendAs one;
    one.login = "taro@example.net";
    one.address = "taro@corp.example.com";
    one.code_digest = code_digest("abcd-efgh-ijkl");
    one.code_expires = kNow + kCodeValid;
    return one;
}

TEST(SendAs, TheCodeProvesHoweverItIsTyped) {
    SendAs one = waiting();
    EXPECT_TRUE(prove(one, " ABCD efgh-IJKL", kNow).has_value());
    EXPECT_EQ(one.proven, kNow);
    EXPECT_EQ(one.code_digest, "");
}

TEST(SendAs, ACodeEnds) {
    SendAs one = waiting();
    const auto late = prove(one, "abcdefghijkl", kNow + kCodeValid);
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, Errc::Denied);
    EXPECT_FALSE(is_proven(one));
    EXPECT_EQ(prove(one, "abcdefghijkl", kNow).error().code, Errc::NotFound);
}

TEST(SendAs, GuessingVoidsTheCode) {
    SendAs one = waiting();
    for (std::uint32_t i = 0; i < kWrongCodesMax; ++i) {
        EXPECT_EQ(prove(one, "wrong", kNow).error().code, Errc::Denied) << i;
    }
    EXPECT_EQ(prove(one, "abcdefghijkl", kNow).error().code, Errc::NotFound);
    EXPECT_FALSE(is_proven(one));
}

TEST(SendAs, CodesAreLimitedByAccountAndByAddress) {
    EXPECT_TRUE(may_mail_code({}).has_value());
    EXPECT_TRUE(may_mail_code({kCodesPerLogin - 1, kCodesPerAddress - 1, kCodesPerPair - 1}));
    EXPECT_FALSE(may_mail_code({.of_login = kCodesPerLogin}));
    EXPECT_FALSE(may_mail_code({.to_address = kCodesPerAddress}));
    EXPECT_FALSE(may_mail_code({.of_pair = kCodesPerPair}));
}

TEST(SendAs, ACodeIsReadInGroups) {
    EXPECT_EQ(readable_code("abcdefghij"), "abcd-efgh-ij");
    EXPECT_EQ(code_digest(readable_code("abcdefghij")), code_digest("abcdefghij"));
}

TEST(SendAs, WhatBelongsToAnAccountAndWhatDoesNot) {
    Account taro;
    taro.addresses = {"taro@example.net"};
    taro.domains = {"shop.example"};
    taro.aliases = {"sales@example.net"};
    taro.send_as = {"taro@corp.example.com"};
    taro.delegated = {"boss@example.net", "@boss.example"};
    for (const char* his :
         {"taro@example.net",
          "anything@shop.example",
          "sales@example.net",
          "taro@corp.example.com",
          "boss@example.net",
          "x@boss.example"}) {
        EXPECT_TRUE(may_send_as(taro, his)) << his;
    }
    for (const char* other :
         {"hanako@example.net",
          "x@sub.shop.example",
          "x@myshop.example",
          "@shop.example@example.net",
          "shop.example",
          "",
          "@example.net"}) {
        EXPECT_FALSE(may_send_as(taro, other)) << other;
    }
    // The right is to addresses of the domain, whatever stands before the last '@'.
    EXPECT_TRUE(may_send_as(taro, "a@b@shop.example"));
}

}  // namespace
}  // namespace sekisho::account

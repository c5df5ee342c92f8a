#include "conduct/login_guard.h"

#include "base/ip.h"
#include "base/time.h"
#include "conduct/remembered.h"
#include "limit/limiter.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>

namespace sekisho::conduct {
namespace {

using namespace std::chrono_literals;

constexpr int kAllowed = 5;

class Guard : public ::testing::Test {
  protected:
    static IpAddress at(std::string_view text) { return *IpAddress::parse(text); }
    static std::string user(int i) { return "user" + std::to_string(i); }

    [[nodiscard]] std::string refused(const std::string& login, std::string_view from) {
        const auto answer = guard_.check(login, at(from), now_);
        return answer ? "" : answer.error().limit;
    }
    bool wrong(const std::string& login, std::string_view from, const std::string& password) {
        return guard_.failed({login, at(from), now_}, guard_.guess(login, password));
    }
    void guesses(const std::string& login, std::string_view from, int count) {
        for (int i = 0; i < count; ++i) {
            wrong(login, from, "guess " + std::to_string(++tried_));
        }
    }
    bool right(const std::string& login, std::string_view from) {
        return guard_.succeeded({login, at(from), now_});
    }

    Time now_ = from_ms(1'700'000'000'000);
    int tried_ = 0;
    std::unique_ptr<limit::Limiter> limiter_ =
        std::move(*limit::Limiter::make(login_limits(kAllowed), {}));
    LoginGuard guard_{*limiter_, {.key = std::string(32, 'k')}};
};

TEST_F(Guard, AnAccountIsGuessedAtFromManyNetworks) {
    for (int i = 0; i < kAllowed; ++i) {
        EXPECT_EQ(refused("taro", "203.0.113.1"), "");
        guesses("taro", std::to_string(i + 1) + ".0.0.1", 1);
    }
    EXPECT_EQ(refused("taro", "203.0.113.1"), kFailuresOfAccount);
    EXPECT_EQ(refused("hanako", "203.0.113.1"), "");
}

TEST_F(Guard, GuessesAreAnsweredLaterAndLater) {
    const auto slowness = [&](const std::string& login, std::string_view from) {
        return guard_.slowness(login, at(from), now_);
    };
    EXPECT_EQ(slowness("taro", "192.0.2.1"), 1U);
    guesses("taro", "192.0.2.1", 1);
    const unsigned first = slowness("taro", "192.0.2.1");
    EXPECT_GT(first, 1U);
    guesses("taro", "192.0.2.1", kAllowed - 1);
    EXPECT_EQ(slowness("taro", "192.0.2.1"), LoginGuard::kSlowestTimes);
    EXPECT_EQ(slowness("taro", "203.0.113.9"), LoginGuard::kSlowestTimes) << "of the account";
    EXPECT_EQ(slowness("nobody", "192.0.2.1"), LoginGuard::kSlowestTimes) << "of the address";
    const unsigned neighbours = slowness("nobody", "192.0.2.77");
    EXPECT_GE(neighbours, 1U);
    EXPECT_LT(neighbours, first) << "of the network, which has ten times as much";
    EXPECT_EQ(slowness("hanako", "203.0.113.9"), 1U);
    now_ += 2h;
    EXPECT_EQ(slowness("taro", "192.0.2.1"), 1U) << "it fades";
    // The owner, from where he is known, isn't slowed by what others do.
    right("jiro", "198.51.100.7");
    guesses("jiro", "192.0.2.1", kAllowed);
    EXPECT_EQ(slowness("jiro", "198.51.100.7"), 1U);
}

TEST_F(Guard, TheOwnerOfAGuessedAccountIsNotLockedOut) {
    right("taro", "198.51.100.7");
    guesses("taro", "192.0.2.1", kAllowed);
    EXPECT_EQ(refused("taro", "192.0.2.1"), kFailuresOfPair);
    EXPECT_EQ(refused("taro", "203.0.113.9"), kFailuresOfAccount);
    EXPECT_EQ(refused("taro", "198.51.100.7"), "") << "from where it has always come";
    guesses("taro", "198.51.100.7", kAllowed);
    EXPECT_EQ(refused("taro", "198.51.100.7"), kFailuresOfPair) << "there too it has an end";
}

TEST_F(Guard, AnAddressGuessesAtManyAccounts) {
    for (int i = 0; i < kAllowed; ++i) {
        guesses(user(i), "192.0.2.1", 1);
    }
    EXPECT_EQ(refused("other", "192.0.2.1"), kFailuresOfAddress);
    EXPECT_EQ(refused("other", "192.0.2.2"), "");
    EXPECT_EQ(refused("other", "2001:db8::1"), "");
    for (int i = 0; i < kAllowed; ++i) {
        guesses(user(100 + i), "2001:db8:0:1::" + std::to_string(i), 1);
    }
    EXPECT_EQ(refused("other", "2001:db8:0:1:ffff::1"), kFailuresOfAddress) << "one /64";
    EXPECT_EQ(refused("other", "2001:db8:0:2::1"), "");
}

TEST_F(Guard, ANetworkOfManyAddressesIsOneGuesser) {
    for (int i = 0; i < 10 * kAllowed; ++i) {
        EXPECT_EQ(refused("other", "192.0.2.250"), "") << i;
        guesses(user(i), "192.0.2." + std::to_string(i), 1);
    }
    EXPECT_EQ(refused("other", "192.0.2.250"), kFailuresOfNetwork);
    EXPECT_EQ(refused("other", "192.0.3.1"), "");
}

TEST_F(Guard, NeighboursBehindOneAddressArentLockedOutByOne) {
    right("hanako", "192.0.2.1");
    right("jiro", "192.0.2.1");
    guesses("taro", "192.0.2.1", 3 * kAllowed);
    EXPECT_EQ(refused("taro", "192.0.2.1"), kFailuresOfPair);
    EXPECT_EQ(refused("hanako", "192.0.2.1"), "");
    EXPECT_EQ(refused("new neighbour", "192.0.2.1"), "");
    for (int i = 0; i < 10 * kAllowed; ++i) {
        guesses(user(i), "192.0.2.1", 1);
    }
    EXPECT_EQ(refused("new neighbour", "192.0.2.1"), kFailuresOfShared);
    EXPECT_EQ(refused("hanako", "192.0.2.1"), "");
}

TEST_F(Guard, OneAccountOfItsOwnGivesAGuesserNoMore) {
    right("mallory", "192.0.2.1");
    for (int i = 0; i < kAllowed; ++i) {
        guesses(user(i), "192.0.2.1", 1);
    }
    EXPECT_EQ(refused("other", "192.0.2.1"), kFailuresOfAddress);
}

TEST_F(Guard, OneWrongPasswordCountsOnce) {
    EXPECT_TRUE(wrong("taro", "192.0.2.1", "old password"));
    EXPECT_FALSE(wrong("taro", "192.0.2.1", "old password")) << "by another mechanism";
    now_ += 59s;
    EXPECT_FALSE(wrong("taro", "192.0.2.1", "old password"));
    EXPECT_TRUE(wrong("taro", "192.0.2.1", "another")) << "another guess";
    EXPECT_TRUE(wrong("hanako", "192.0.2.1", "another"));
    EXPECT_TRUE(wrong("taro", "192.0.2.2", "another"));
    now_ += 61s;
    EXPECT_TRUE(wrong("taro", "192.0.2.1", "another")) << "it goes on and on";
}

TEST_F(Guard, ScramAndAPasswordAreOneGuessButNotTwo) {
    EXPECT_TRUE(guard_.failed({"taro", at("192.0.2.1"), now_}, ""));
    EXPECT_FALSE(wrong("taro", "192.0.2.1", "a")) << "the fall back";
    EXPECT_FALSE(wrong("taro", "192.0.2.1", "a"));
    EXPECT_TRUE(wrong("taro", "192.0.2.1", "b"));
    EXPECT_FALSE(guard_.failed({"taro", at("192.0.2.1"), now_}, ""));
    EXPECT_TRUE(guard_.failed({"taro", at("192.0.2.1"), now_}, ""));
}

TEST_F(Guard, WhatWasKeptComesBack) {
    const Time before = now_ - 13min;
    guard_.restore_success({"taro", at("198.51.100.7"), before});
    for (int i = 0; i < kAllowed; ++i) {
        guard_.restore_failure({"taro", at("192.0.2.1"), before});
    }
    EXPECT_EQ(refused("taro", "192.0.2.1"), "") << "an hour's rate has given one back";
    guesses("taro", "192.0.2.1", 1);
    EXPECT_EQ(refused("taro", "192.0.2.1"), kFailuresOfPair);
    EXPECT_EQ(refused("taro", "198.51.100.7"), "");
}

TEST_F(Guard, ASuccessIsWorthKeepingOnceInAWhile) {
    EXPECT_TRUE(right("taro", "192.0.2.1"));
    EXPECT_FALSE(right("taro", "192.0.2.1"));
    now_ += 7h;
    EXPECT_TRUE(right("taro", "192.0.2.1"));
    now_ += 24h * 31;
    guesses("taro", "203.0.113.1", kAllowed);
    EXPECT_EQ(refused("taro", "192.0.2.1"), kFailuresOfAccount) << "long ago is no familiarity";
}

TEST(LoginLimits, NoneWhenThereIsNoAllowance) {
    EXPECT_TRUE(login_limits(0).empty());
}

TEST(Remembered, ForgetsTheOldestAndTheOld) {
    Remembered<int> map(2, 10s);
    const Time start = from_ms(1'000'000);
    map.touch("a", start).value = 1;
    map.touch("b", start + 1s).value = 2;
    EXPECT_EQ(map.touch("a", start + 2s).value, 1);
    map.touch("c", start + 3s).value = 3;
    EXPECT_EQ(map.find("b", start + 3s), nullptr);
    EXPECT_EQ(map.find("a", start + 3s)->value, 1);
    EXPECT_EQ(map.find("a", start + 12s), nullptr);
    EXPECT_EQ(map.touch("a", start + 20s).value, 0) << "a new one";
    EXPECT_EQ(map.size(), 1U);
}

}  // namespace
}  // namespace sekisho::conduct

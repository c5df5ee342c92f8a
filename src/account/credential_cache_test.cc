#include "account/credential_cache.h"

#include "base/time.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::account {
namespace {

constexpr Time kNow{Duration{1'700'000'000'000}};

CredentialCache::Options options(std::size_t entries_max = 100) {
    return {.key = std::string(32, 'k'), .lifetime = Duration{1000}, .entries_max = entries_max};
}

TEST(CredentialCache, RemembersExactlyWhatWasRight) {
    CredentialCache cache{options()};
    EXPECT_FALSE(cache.holds("user", "hash", "password", kNow));
    cache.remember("user", "hash", "password", kNow);
    EXPECT_TRUE(cache.holds("user", "hash", "password", kNow));
    EXPECT_FALSE(cache.holds("user", "hash", "passwore", kNow));
    EXPECT_FALSE(cache.holds("user", "other", "password", kNow)) << "the password was changed";
    EXPECT_FALSE(cache.holds("userh", "ash", "password", kNow)) << "parts don't run together";
    EXPECT_EQ(cache.counters().hits, 1U);
    EXPECT_EQ(cache.counters().misses, 4U);
}

TEST(CredentialCache, ForgetsAfterItsLifetimeWhateverTheClientDoes) {
    CredentialCache cache{options()};
    cache.remember("user", "hash", "password", kNow);
    cache.remember("user", "hash", "password", kNow + Duration{900});
    EXPECT_TRUE(cache.holds("user", "hash", "password", kNow + Duration{999}));
    EXPECT_FALSE(cache.holds("user", "hash", "password", kNow + Duration{1000}));
    cache.remember("other", "hash", "password", kNow + Duration{1000});
    EXPECT_EQ(cache.size(), 1U);
    cache.remember("user", "hash", "password", kNow + Duration{1000});
    EXPECT_TRUE(cache.holds("user", "hash", "password", kNow + Duration{1500}));
}

TEST(CredentialCache, IsBounded) {
    CredentialCache cache{options(3)};
    for (int i = 0; i < 10; ++i) {
        cache.remember("user" + std::to_string(i), "hash", "password", kNow);
    }
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_FALSE(cache.holds("user6", "hash", "password", kNow));
    EXPECT_TRUE(cache.holds("user7", "hash", "password", kNow));
    EXPECT_TRUE(cache.holds("user9", "hash", "password", kNow));
}

}  // namespace
}  // namespace sekisho::account

#include "conduct/login_memory.h"

#include "account/account.h"
#include "base/ip.h"
#include "base/time.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using conduct::LoginMark;

const Time kStart = from_ms(1'700'000'000'000);

class Logins : public ::testing::Test {
  protected:
    Logins() {
        account::Account taro;
        taro.login = "taro";
        EXPECT_TRUE(store_->accounts().add(taro));
    }
    void reopen() {
        store_.reset();
        store_ = std::move(*open_store(folder_.file()));
    }
    static LoginMark mark(const std::string& login, const char* address, Time at) {
        return {login, *IpAddress::parse(address), at};
    }

    TestFolder folder_;
    std::unique_ptr<Store> store_ = std::move(*open_store(folder_.file()));
};

TEST_F(Logins, SuccessesAreOneAnAddressAndComeBackInOrder) {
    ASSERT_TRUE(store_->logins().keep_success(mark("taro", "192.0.2.1", kStart)));
    ASSERT_TRUE(store_->logins().keep_success(mark("taro", "2001:db8::1", kStart + 1s)));
    ASSERT_TRUE(store_->logins().keep_success(mark("taro", "192.0.2.1", kStart + 2s)));
    EXPECT_EQ(
        store_->logins().keep_success(mark("nobody", "192.0.2.1", kStart)).error().code,
        Errc::NotFound
    );
    reopen();
    const auto kept = *store_->logins().successes(kStart, 10);
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_EQ(kept[0].address.text(), "2001:db8::1");
    EXPECT_EQ(kept[1].at, kStart + 2s);
    EXPECT_EQ(store_->logins().successes(kStart, 1)->at(0).address.text(), "192.0.2.1")
        << "the newest";
    EXPECT_EQ(store_->logins().successes(kStart + 2s, 10)->size(), 1U);
    EXPECT_EQ(store_->logins().successes(kStart, 10)->size(), 1U) << "the older is forgotten";
    ASSERT_TRUE(store_->accounts().remove("taro"));
    EXPECT_TRUE(store_->logins().successes(kStart, 10)->empty()) << "it goes with the account";
}

TEST_F(Logins, FailuresOfTheLastHour) {
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(store_->logins().keep_failure(mark("x", "192.0.2.1", kStart + i * 40min)));
    }
    reopen();
    const auto kept = *store_->logins().failures(kStart, 10);
    ASSERT_EQ(kept.size(), 2U) << "the first was forgotten with the third";
    EXPECT_EQ(kept[0].at, kStart + 40min);
    EXPECT_EQ(kept[1].login, "x");
}

}  // namespace
}  // namespace sekisho::store

#include "base/time.h"
#include "session/session.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gtest/gtest.h>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using session::Link;
using session::Session;

const Time kNow = from_ms(1'800'000'000'000);

account::Account account_of(const std::string& login) {
    account::Account out;
    out.login = login;
    out.credential.hash = "$argon2id$x";
    out.created = out.changed = kNow;
    return out;
}
Session session_of(const std::string& login, Time at) {
    return {login, "mark", "192.0.2.1", at, at, true};
}

class SessionStore : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(store_->accounts().add(account_of("taro@example.net")));
        ASSERT_TRUE(store_->accounts().add(account_of("hanako@example.net")));
    }

    const TestFolder folder_;
    std::unique_ptr<Store> store_ = *open_store(folder_.file());
};

TEST_F(SessionStore, KeepsSessionsUntilTheyEnd) {
    ASSERT_TRUE(store_->sessions().put("a", session_of("taro@example.net", kNow)));
    ASSERT_TRUE(store_->sessions().put("b", session_of("taro@example.net", kNow)));
    ASSERT_TRUE(store_->sessions().put("c", session_of("hanako@example.net", kNow)));
    EXPECT_FALSE(store_->sessions().put("a", session_of("hanako@example.net", kNow)));
    ASSERT_TRUE(store_->sessions().seen("a", kNow + 5min));
    const auto other = *open_store(folder_.file());  // another process
    const auto found = *other->sessions().find("a");
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->login, "taro@example.net");
    EXPECT_EQ(found->password_mark, "mark");
    EXPECT_EQ(found->address, "192.0.2.1");
    EXPECT_EQ(found->created, kNow);
    EXPECT_EQ(found->seen, kNow + 5min);
    EXPECT_TRUE(found->by_link);

    ASSERT_TRUE(other->sessions().end("a"));
    EXPECT_FALSE(store_->sessions().find("a")->has_value());
    EXPECT_EQ(*store_->sessions().end_all("taro@example.net"), 1);
    EXPECT_FALSE(store_->sessions().find("b")->has_value());
    EXPECT_TRUE(store_->sessions().find("c")->has_value());
}

TEST_F(SessionStore, GivesALinkOnce) {
    const Link link{"taro@example.net", "support", kNow, kNow + 24h};
    ASSERT_TRUE(store_->sessions().put_link("k", link));
    EXPECT_EQ((*store_->sessions().find_link("k"))->made_by, "support");
    const auto other = *open_store(folder_.file());
    const auto taken = *other->sessions().take_link("k");
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->login, "taro@example.net");
    EXPECT_EQ(taken->expires, kNow + 24h);
    EXPECT_FALSE(store_->sessions().take_link("k")->has_value());
}

TEST_F(SessionStore, ForgetsWhatHasEndedAndWhatIsOfNobody) {
    ASSERT_TRUE(store_->sessions().put("idle", session_of("taro@example.net", kNow)));
    ASSERT_TRUE(store_->sessions().put("used", session_of("taro@example.net", kNow)));
    ASSERT_TRUE(store_->sessions().seen("used", kNow + 25min));
    ASSERT_TRUE(store_->sessions().put_link("k", {"taro@example.net", "", kNow, kNow + 10min}));
    EXPECT_EQ(*store_->forget_sessions_ended_by(kNow + session::kIdle), 2);
    EXPECT_TRUE(store_->sessions().find("used")->has_value());
    ASSERT_TRUE(store_->accounts().remove("taro@example.net"));
    EXPECT_FALSE(store_->sessions().find("used")->has_value());
}

}  // namespace
}  // namespace sekisho::store

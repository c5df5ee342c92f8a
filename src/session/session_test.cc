#include "session/session.h"

#include "base/time.h"

#include <chrono>
#include <gtest/gtest.h>
#include <optional>
#include <set>
#include <string>

namespace sekisho::session {
namespace {

using namespace std::chrono_literals;

const Time kNow = from_ms(1'800'000'000'000);

account::Account taro() {
    account::Account out;
    out.login = "taro@example.net";
    out.credential.hash = "$argon2id$one";
    return out;
}
Session begun(Time at) {
    return {"taro@example.net", password_mark(taro()), "192.0.2.1", at, at, false};
}

TEST(Session, TokensAreLongAndNeverTheSame) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string token = new_token();
        EXPECT_GE(token.size(), 26U);
        EXPECT_TRUE(seen.insert(token).second);
        EXPECT_EQ(digest(token).find(token), std::string::npos);
    }
}

TEST(Session, AFormIsTakenFromWhoHoldsTheTokenOnly) {
    const std::string mine = new_token();
    const std::string other = new_token();
    EXPECT_TRUE(is_form_token(mine, form_token(mine)));
    EXPECT_FALSE(is_form_token(mine, form_token(other)));
    EXPECT_FALSE(is_form_token(mine, ""));
    EXPECT_FALSE(is_form_token(mine, digest(mine)));
    EXPECT_FALSE(is_form_token("", form_token("")));
}

TEST(Session, EndsWhenNobodyUsesIt) {
    Session session = begun(kNow);
    EXPECT_EQ(ended(session, taro(), kNow + kIdle - 1ms), std::nullopt);
    EXPECT_EQ(ended(session, taro(), kNow + kIdle), End::Idle);
    session.seen = kNow + kIdle;
    EXPECT_EQ(ended(session, taro(), kNow + kIdle + 1min), std::nullopt);
}

TEST(Session, EndsAfterTheLongestTimeHoweverItIsUsed) {
    Session session = begun(kNow);
    session.seen = kNow + kLongest - 1s;
    EXPECT_EQ(ended(session, taro(), kNow + kLongest - 1ms), std::nullopt);
    session.seen = kNow + kLongest;
    EXPECT_EQ(ended(session, taro(), kNow + kLongest), End::Old);
}

TEST(Session, EndsWithThePasswordAndWithTheAccount) {
    account::Account changed = taro();
    changed.credential.hash = "$argon2id$two";
    EXPECT_EQ(ended(begun(kNow), changed, kNow), End::Password);
    account::Account disabled = taro();
    disabled.enabled = false;
    EXPECT_EQ(ended(begun(kNow), disabled, kNow), End::Disabled);
}

}  // namespace
}  // namespace sekisho::session

// The subscriber's own page as a browser sees it, over stores in memory.
#include "desk/my.h"

#include "account/password.h"
#include "desk/my_facts.h"
#include "desk/my_testing.h"
#include "desk/my_visit.h"
#include "session/session.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <string>

namespace sekisho::desk {
namespace {

using namespace std::chrono_literals;
using test::fields;
using test::header;
using test::kPassword;
using test::kTaro;
using test::MyPageTest;
using testing::HasSubstr;
using testing::Not;

TEST_F(MyPageTest, OpensToTheRightPasswordAndClosesAtSignOut) {
    const auto in = sign_in();
    EXPECT_EQ(in.status, 303);
    EXPECT_EQ(header(in, "Location"), "/en/my");
    const auto page = get("/en/my");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(header(page, "Cache-Control"), "no-store");
    EXPECT_THAT(header(page, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(page.body, HasSubstr("hanako@company.example"));
    EXPECT_THAT(page.body, HasSubstr("class=\"qr\""));
    EXPECT_LT(page.body.size(), 100'000U);
    EXPECT_EQ(header(act("", "/sign-out", {}), "Location"), "/en/my?told=signed-out");
    EXPECT_FALSE(is_in());
    EXPECT_TRUE(sessions_.sessions.empty());
}

TEST_F(MyPageTest, SaysSoWhenTheMailRoleRefusesOrIsAway) {
    verdict_ = "too-many";
    EXPECT_EQ(sign_in("x").status, 429);
    verdict_ = "disabled";
    EXPECT_EQ(sign_in("x").status, 403);
    verdict_ = std::nullopt;
    EXPECT_EQ(sign_in().status, 503);
    EXPECT_TRUE(sessions_.sessions.empty());
}

TEST_F(MyPageTest, EndsByTimePasswordAndAccount) {
    ASSERT_EQ(sign_in().status, 303);
    now_ += session::kIdle - 1s;
    EXPECT_TRUE(is_in());
    now_ += session::kIdle - 1s;
    EXPECT_TRUE(is_in()) << "each request counts";
    now_ += session::kIdle;
    EXPECT_FALSE(is_in());

    ASSERT_EQ(sign_in().status, 303);
    accounts_.accounts.front().credential =
        account::make_credential("another word", account::kTestHash).value();
    EXPECT_FALSE(is_in());

    ASSERT_EQ(sign_in("another word").status, 303);
    accounts_.accounts.front().enabled = false;
    EXPECT_FALSE(is_in());
    EXPECT_TRUE(sessions_.sessions.empty());
}

TEST_F(MyPageTest, EndsWhenTheAccountIsSuspendedAndTellsWhyAfterwards) {
    ASSERT_EQ(sign_in().status, 303);
    now_ += 1min;
    stage_ = "suspended";
    stage_since_ = now_;
    EXPECT_FALSE(is_in());
    now_ += 1min;
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_THAT(get("/en/my").body, HasSubstr("Sending is suspended"));
}

TEST_F(MyPageTest, ChangesThePasswordAndEndsEveryOtherSession) {
    ASSERT_EQ(sign_in().status, 303);
    const auto elsewhere = jar_;
    jar_.clear();
    ASSERT_EQ(sign_in().status, 303);
    const auto change = [&](const std::string& now,
                            const std::string& next,
                            const std::string& again) {
        return act("/password", "/password", {{"current", now}, {"new", next}, {"again", again}});
    };
    EXPECT_EQ(change(kPassword, "a new passphrase", "another one").status, 422);
    EXPECT_EQ(change(kPassword, "short", "short").status, 422);
    EXPECT_EQ(change(kPassword, kPassword, kPassword).status, 422);
    EXPECT_EQ(change("wrong one", "a new passphrase", "a new passphrase").status, 403);
    EXPECT_TRUE(account::verify_password(taro().credential.hash, kPassword));
    const auto done = change(kPassword, "a new passphrase", "a new passphrase");
    EXPECT_EQ(header(done, "Location"), "/en/my/password?told=changed");
    EXPECT_TRUE(account::verify_password(taro().credential.hash, "a new passphrase"));
    EXPECT_TRUE(is_in());
    EXPECT_EQ(journal_.events.back().detail, "password changed on my page");
    jar_ = elsewhere;
    EXPECT_FALSE(is_in());
}

TEST_F(MyPageTest, MakesAndEndsAppPasswords) {
    ASSERT_EQ(sign_in().status, 303);
    const auto made = act("/devices", "/devices", {{"do", "add"}, {"name", "<b>phone"}});
    EXPECT_EQ(made.status, 200);
    EXPECT_THAT(made.body, HasSubstr("&lt;b&gt;phone"));
    EXPECT_THAT(made.body, Not(HasSubstr("<b>phone")));
    ASSERT_EQ(taro().app_passwords.size(), 1U);
    const std::string mark = "<code class=\"reference\">";
    const auto at = made.body.find(mark);
    ASSERT_NE(at, std::string::npos);
    const std::string shown = made.body.substr(at + mark.size(), 24);
    EXPECT_TRUE(account::verify_password(taro().app_passwords.front().credential.hash, shown));
    EXPECT_THAT(get("/en/my/devices").body, Not(HasSubstr(shown))) << "shown once";
    EXPECT_EQ(act("/devices", "/devices", {{"do", "add"}, {"name", "<b>phone"}}).status, 422);
    EXPECT_EQ(act("/devices", "/devices", {{"do", "add"}, {"name", " "}}).status, 422);
    EXPECT_EQ(act("/devices", "/devices", {{"do", "revoke"}, {"name", "<b>phone"}}).status, 303);
    EXPECT_TRUE(taro().app_passwords.empty());
}

TEST_F(MyPageTest, ALinkOpensOnceAndSetsANewPassword) {
    const auto link = make_link(config_, accounts_, sessions_, journal_, kTaro, "support", now_);
    ASSERT_TRUE(link.has_value());
    ASSERT_THAT(*link, HasSubstr("https://guide.tokai.example/en/my/link?token="));
    const std::string token = link->substr(link->find('=') + 1);
    EXPECT_EQ(sessions_.links.count(token), 0U);
    for (int looks = 0; looks < 2; ++looks) {  // a scanner looks at it: nothing is spent
        const auto page = get("/en/my/link", {{"token", token}});
        EXPECT_THAT(page.body, HasSubstr(token));
    }
    auto form = fields(get("/en/my/link", {{"token", token}}).body);
    form["token"] = token;
    EXPECT_EQ(post("/en/my/link", form).status, 303);
    EXPECT_TRUE(is_in());
    const auto set =
        act("/password", "/password", {{"new", "found again 1"}, {"again", "found again 1"}});
    EXPECT_EQ(set.status, 303);
    EXPECT_TRUE(account::verify_password(taro().credential.hash, "found again 1"));
    // From now on it is a session like any other.
    EXPECT_EQ(
        act("/password", "/password", {{"new", "once more 12"}, {"again", "once more 12"}}).status,
        403
    );
    jar_.clear();
    form = fields(get("/en/my/link", {{"token", token}}).body);
    form["token"] = token;
    EXPECT_EQ(post("/en/my/link", form).status, 403);
    EXPECT_FALSE(is_in());
}

TEST_F(MyPageTest, ALinkEndsAfterADayAndIsNotForWhoIsDisabled) {
    const auto link =
        make_link(config_, accounts_, sessions_, journal_, kTaro, "support", now_).value();
    const std::string token = link.substr(link.find('=') + 1);
    now_ += session::kLinkLife;
    auto form = fields(get("/en/my/link", {{"token", token}}).body);
    form["token"] = token;
    EXPECT_EQ(post("/en/my/link", form).status, 403);
    accounts_.accounts.front().enabled = false;
    EXPECT_EQ(
        make_link(config_, accounts_, sessions_, journal_, kTaro, "s", now_).error().code,
        Errc::Invalid
    );
    EXPECT_EQ(
        make_link(config_, accounts_, sessions_, journal_, "x@y", "s", now_).error().code,
        Errc::NotFound
    );
}

TEST_F(MyPageTest, ShowsTheLineToItsOwnAccountOnly) {
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_THAT(get("/en/my").body, HasSubstr("<strong>36</strong>"));
    EXPECT_THAT(get("/en/my").body, Not(HasSubstr("203.0.113.200"))) << "counts only";
    accounts_.accounts.front().line.clear();
    EXPECT_THAT(get("/en/my").body, HasSubstr("No line belongs to this account."));
}

TEST_F(MyPageTest, KeepsWhetherAnythingIsSentFromAbroad) {
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_EQ(
        header(act("", "/abroad", {{"stays_home", "1"}}), "Location"), "/en/my?told=abroad-off"
    );
    EXPECT_TRUE(taro().stays_home);
    EXPECT_THAT(get("/en/my").body, HasSubstr("Allow sending from abroad"));
    EXPECT_EQ(header(act("", "/abroad", {{"stays_home", "x"}}), "Location"), "/en/my");
    EXPECT_TRUE(taro().stays_home);
    EXPECT_EQ(
        header(act("", "/abroad", {{"stays_home", "0"}}), "Location"), "/en/my?told=abroad-on"
    );
    EXPECT_FALSE(taro().stays_home);
    EXPECT_EQ(journal_.events.back().detail, "sending from abroad allowed on my page");
    static_cast<void>(get("/en/my/abroad"));
    EXPECT_FALSE(taro().stays_home) << "a GET changes nothing";
}

TEST(Cookies, AreFoundByTheirWholeName) {
    EXPECT_EQ(cookie_of("a=1; sekisho-session=abc; b=2", "sekisho-session"), "abc");
    EXPECT_EQ(cookie_of("xsekisho-session=abc", "sekisho-session"), "");
    EXPECT_EQ(cookie_of("", "a"), "");
    EXPECT_EQ(cookie_of("a", "a"), "");
}

TEST(LoginReasons, AreReadFromTheJournal) {
    EXPECT_EQ(reason_of("PLAIN wrong-password: 535 5.7.8 limit"), "password");
    EXPECT_EQ(reason_of("my page unknown-user"), "password");
    EXPECT_EQ(reason_of("SCRAM-SHA-256 limit: 454 4.7.0 too many"), "limit");
    EXPECT_EQ(reason_of("LOGIN app-password: 535 5.7.8 x"), "app-password");
    EXPECT_EQ(reason_of("PLAIN conduct: 525 5.7.13 x"), "conduct");
    EXPECT_EQ(reason_of(""), "other");
}

}  // namespace
}  // namespace sekisho::desk

// The subscriber's own page against who guesses, forges, floods, and writes markup.
#include "account/account.h"
#include "account/password.h"
#include "desk/my_testing.h"
#include "event/event.h"
#include "net/http.h"
#include "session/session.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
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

TEST_F(MyPageTest, SaysTheSameOfAWrongPasswordAndOfNobody) {
    const auto wrong = sign_in("not this");
    auto form = fields(get("/en/my").body);
    form["login"] = "nobody@tokai.example";
    form["password"] = "not this";
    const auto nobody = post("/en/my/sign-in", form);
    EXPECT_EQ(wrong.status, 403);
    EXPECT_EQ(nobody.status, wrong.status);
    EXPECT_THAT(wrong.body, HasSubstr("The address or the password is wrong."));
    EXPECT_THAT(nobody.body, HasSubstr("The address or the password is wrong."));
    EXPECT_TRUE(sessions_.sessions.empty());
}

TEST_F(MyPageTest, KeepsDigestsOnlyAndBindsTheCookie) {
    ASSERT_EQ(sign_in().status, 303);
    const std::string token = jar_.at("__Host-sekisho-session");
    EXPECT_EQ(sessions_.sessions.count(token), 0U);
    EXPECT_EQ(sessions_.sessions.count(session::digest(token)), 1U);

    config_.provider.guide_url = "http://guide.tokai.example";
    make();
    jar_.clear();
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_EQ(jar_.count("sekisho-session"), 1U);
    EXPECT_THAT(sign_in("wrong").body, HasSubstr("not encrypted"));
}

TEST_F(MyPageTest, CookiesAreForThisHostAndTlsAndNoScript) {
    static_cast<void>(get("/ja/my"));
    EXPECT_THAT(cookie_, testing::StartsWith("__Host-sekisho-form="));
    EXPECT_THAT(cookie_, HasSubstr("; Path=/; HttpOnly; SameSite=Strict; Secure"));
}

TEST_F(MyPageTest, NeverTakesASessionThatWasBroughtAlong) {
    jar_["__Host-sekisho-session"] = "chosenbyanattacker1234567890";
    ASSERT_EQ(sign_in().status, 303);
    const std::string first = jar_.at("__Host-sekisho-session");
    EXPECT_NE(first, "chosenbyanattacker1234567890");
    const auto again = act("", "/sign-in", {{"login", kTaro}, {"password", kPassword}});
    ASSERT_EQ(again.status, 303);
    EXPECT_NE(jar_.at("__Host-sekisho-session"), first);
    jar_["__Host-sekisho-session"] = first;
    EXPECT_FALSE(is_in()) << "the session before it has ended";
}

TEST_F(MyPageTest, TakesNoFormFromElsewhere) {
    EXPECT_EQ(post("/en/my/sign-in", {{"login", kTaro}, {"password", kPassword}}).status, 403);
    ASSERT_EQ(sign_in().status, 303);
    for (const char* action :
         {"/sign-out", "/sign-out-everywhere", "/password", "/devices", "/abroad", "/exemption"}) {
        EXPECT_EQ(post(std::string("/en/my") + action, {{"form", "00"}}).status, 403) << action;
    }
    net::HttpRequest request;
    request.method = "POST";
    request.path = "/en/my/sign-out";
    request.headers["content-type"] = "application/x-www-form-urlencoded";
    request.headers["sec-fetch-site"] = "cross-site";
    request.body = "form=" + fields(get("/en/my").body)["form"];
    EXPECT_EQ(send(request).status, 403);
    request.headers["sec-fetch-site"] = "same-origin";
    request.headers["content-type"] = "text/plain";
    EXPECT_EQ(send(request).status, 403);
    EXPECT_TRUE(is_in());
}

TEST_F(MyPageTest, BoundsHowManyFormsANetworkSends) {
    int many = 0;
    for (int i = 0; i < 40; ++i) {
        many += sign_in("wrong").status == 429 ? 1 : 0;
    }
    EXPECT_GE(many, 1);
    now_ += 2min;
    EXPECT_EQ(sign_in().status, 303);
}

TEST_F(MyPageTest, WhatOthersWroteIsText) {
    const std::string evil = "<img src=x onerror=alert(1)>\"'&";
    account::Account& owner = accounts_.accounts.front();
    owner.name = evil;
    account::AppPassword device;
    device.name = evil;
    device.last_used = device.created = now_;
    device.last_address = evil;
    owner.app_passwords = {device};
    event::Event row;
    row.at = now_;
    row.kind = event::Kind::Accepted;
    row.account = kTaro;
    row.queue_id = row.sender = evil;
    journal_.append(row);
    row.kind = event::Kind::Bounced;
    row.recipient = row.message_id = row.rule = evil;
    row.detail = "550 5.1.1 " + evil;
    journal_.append(row);
    row.kind = event::Kind::LoginRefused;
    row.address = evil;  // what a HELO brought, were it ever noted there
    row.detail = "PLAIN " + evil;
    journal_.append(row);
    row.kind = event::Kind::LoginAccepted;
    row.detail = "PLAIN with app password \"" + evil + "\"";
    journal_.append(row);
    stage_ = "slow";
    reason_ = evil;
    ASSERT_EQ(sign_in().status, 303);
    for (const char* page : {"", "/devices", "/password", "/link"}) {
        const auto shown = get(std::string("/en/my") + page, {{"told", evil}, {"token", evil}});
        EXPECT_THAT(shown.body, Not(HasSubstr("<img src=x"))) << page;
        EXPECT_THAT(shown.body, Not(HasSubstr("\"'&"))) << page;
    }
    EXPECT_THAT(get("/en/my").body, HasSubstr("&lt;img src=x onerror=alert(1)&gt;"));
    const auto wrong = act("", "/sign-in", {{"login", evil}, {"password", "x"}});
    EXPECT_THAT(wrong.body, HasSubstr("value=\"&lt;img src=x"));
    EXPECT_THAT(wrong.body, Not(HasSubstr("<img src=x")));
}

TEST_F(MyPageTest, AThiefFromAnotherNetworkAllowsNothingFromAbroad) {
    accounts_.accounts.front().stays_home = true;
    peer_ = "192.0.2.99";
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_THAT(get("/en/my").body, Not(HasSubstr("Allow sending from abroad")));
    EXPECT_EQ(act("", "/abroad", {{"stays_home", "0"}}).status, 403);
    EXPECT_TRUE(taro().stays_home);
    peer_ = "198.51.100.7";
    EXPECT_EQ(act("", "/abroad", {{"stays_home", "0"}}).status, 303);
    EXPECT_FALSE(taro().stays_home);
    peer_ = "192.0.2.99";
    EXPECT_EQ(act("", "/abroad", {{"stays_home", "1"}}).status, 303) << "forbid it may who will";
}

TEST_F(MyPageTest, WithstandsFormsThatNobodyTyped) {
    const std::string huge(300'000, 'a');
    auto form = fields(get("/en/my").body);
    form["login"] = huge;
    form["password"] = huge;
    const auto answer = post("/en/my/sign-in", form);
    EXPECT_THAT(answer.status, testing::AnyOf(403, 413));
    EXPECT_LT(answer.body.size(), 20'000U) << "it isn't sent back";
    EXPECT_EQ(asked_logins_, 0) << "nor given to the mail role";
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_EQ(act("/devices", "/devices", {{"do", "add"}, {"name", huge}}).status, 422);
    EXPECT_EQ(
        act("/password", "/password", {{"current", kPassword}, {"new", huge}, {"again", huge}}
        ).status,
        422
    );
    for (const std::string& body :
         {std::string("%"),
          std::string("form"),
          std::string("form=%ff%fe"),
          std::string(5, '\0'),
          "form=" + std::string(100'000, '&')}) {
        net::HttpRequest request;
        request.method = "POST";
        request.path = "/en/my/password";
        request.headers["content-type"] = "application/x-www-form-urlencoded";
        request.body = body;
        EXPECT_EQ(send(request).status, 403);
    }
    jar_["__Host-sekisho-session"] = std::string(10'000, 'x');
    EXPECT_FALSE(is_in());
    jar_["__Host-sekisho-session"] = "'; DROP TABLE web_sessions; --";
    EXPECT_FALSE(is_in());
    EXPECT_TRUE(account::verify_password(taro().credential.hash, kPassword));
}

TEST_F(MyPageTest, AnswersNothingOfAnybodyElse) {
    ASSERT_EQ(sign_in().status, 303);
    EXPECT_EQ(
        act("/devices", "/devices", {{"do", "revoke"}, {"name", "of hanako"}, {"login", "hanako"}})
            .status,
        303
    );
    for (const char* path : {"/en/my/hanako", "/en/my/../desk", "/en/my/devices/1", "/en/my//"}) {
        const auto answer = get(path);
        EXPECT_EQ(answer.status, 303) << path;
        EXPECT_EQ(header(answer, "Location"), "/en/my") << path;
    }
}

}  // namespace
}  // namespace sekisho::desk

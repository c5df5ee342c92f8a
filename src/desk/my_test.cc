// The subscriber's own page as a browser sees it, over stores in memory.
#include "desk/my.h"

#include "account/password.h"
#include "desk/desk.h"
#include "desk/desk_fake.h"
#include "desk/my_facts.h"
#include "desk/my_visit.h"
#include "guide/view.h"
#include "lease/memory_store.h"
#include "net/http.h"
#include "session/session.h"
#include "staff/memory_store.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sekisho::desk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string kTaro = "taro@tokai.example";
const std::string kPassword = "correct horse";

std::map<std::string, std::string> fields(const std::string& body) {
    std::map<std::string, std::string> out;
    const std::string mark = "name=\"form\" value=\"";
    if (const auto at = body.find(mark); at != std::string::npos) {
        const auto from = at + mark.size();
        out["form"] = body.substr(from, body.find('"', from) - from);
    }
    return out;
}

std::string header(const net::HttpResponse& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) {
            return value;
        }
    }
    return "";
}

class MyPageTest : public testing::Test {
  protected:
    void SetUp() override {
        config_.provider.domain = "tokai.example";
        config_.provider.guide_url = "https://guide.tokai.example";
        fake::fill_world(accounts_, lines_, journal_, now_);
        accounts_.accounts.front().credential =
            account::make_credential(kPassword, account::kTestHash).value();
        make();
    }

    void make() {
        desk_ = std::make_unique<Desk>(Deps{
            .config = config_,
            .policy = policy::Policy::compile(fake::sample_policy()).value(),
            .accounts = accounts_,
            .lines = lines_,
            .journal = journal_,
            .leases = leases_,
            .staff = staff_,
            .control = [this](
                           const std::string&, const std::string& request
                       ) { return mail(Json::parse(request)); },
            .sessions = &sessions_,
            .sign_in_wait = Duration{0},
            .clock = [this] { return now_; },
            .offset_minutes = [] { return 540; }
        });
    }

    Result<std::string> mail(const Json& asked) {
        if (!verdict_) {
            return fail(Errc::Unavailable, "the mail role is away");
        }
        if (asked.value("command", "") == "conduct-show") {
            return Json{
                {"stage", stage_}, {"since", rfc3339(stage_since_)}, {"reason", reason_}
            }.dump();
        }
        asked_logins_ += asked.value("command", "") == "login-check" ? 1 : 0;
        const auto found = accounts_.find(asked.value("login", ""));
        const bool right =
            found && account::verify_password(found->credential.hash, asked.value("password", ""));
        return Json{
            {"verdict", right ? "right" : *verdict_}, {"login", asked.value("login", "")}
        }.dump();
    }

    net::HttpResponse send(net::HttpRequest request) {
        request.peer = IpAddress::parse("198.51.100.7").value();
        std::string cookies = "other=1";
        for (const auto& [name, value] : jar_) {
            cookies += "; " + name + "=" + value;
        }
        request.headers["cookie"] = cookies;
        net::HttpResponse response = desk_->handle(request);
        for (const auto& [name, value] : response.headers) {
            if (name == "Set-Cookie") {
                const auto equals = value.find('=');
                const std::string kept = value.substr(equals + 1, value.find(';') - equals - 1);
                if (kept.empty()) {
                    jar_.erase(value.substr(0, equals));
                } else {
                    jar_[value.substr(0, equals)] = kept;
                }
                cookie_ = value;
            }
        }
        return response;
    }
    net::HttpResponse get(const std::string& path, std::map<std::string, std::string> query = {}) {
        net::HttpRequest request;
        request.method = "GET";
        request.path = path;
        request.query = std::move(query);
        return send(std::move(request));
    }
    net::HttpResponse post(const std::string& path, std::map<std::string, std::string> form) {
        net::HttpRequest request;
        request.method = "POST";
        request.path = path;
        request.headers["content-type"] = "application/x-www-form-urlencoded";
        for (const auto& [name, value] : form) {
            request.body += (request.body.empty() ? "" : "&") + guide::encode_query(name) + "=" +
                            guide::encode_query(value);
        }
        return send(std::move(request));
    }
    net::HttpResponse sign_in(const std::string& password = kPassword) {
        auto form = fields(get("/en/my").body);
        form["login"] = kTaro;
        form["password"] = password;
        return post("/en/my/sign-in", form);
    }
    net::HttpResponse act(
        const std::string& page, const std::string& action, std::map<std::string, std::string> more
    ) {
        auto form = fields(get("/en/my" + page).body);
        form.merge(more);
        return post("/en/my" + action, form);
    }
    [[nodiscard]] bool is_in() { return get("/en/my").body.find(kTaro) != std::string::npos; }
    [[nodiscard]] account::Account taro() { return accounts_.find(kTaro).value(); }

    config::Config config_;
    Time now_ = parse_rfc3339("2026-11-24T13:53:24Z").value();
    fake::MemoryAccounts accounts_;
    fake::MemoryLines lines_;
    fake::MemoryJournal journal_;
    fake::MemorySessions sessions_;
    lease::MemoryLeaseStore leases_;
    staff::MemoryStore staff_;
    std::optional<std::string> verdict_ = "wrong";
    std::string stage_ = "normal";
    std::string reason_;
    int asked_logins_ = 0;
    Time stage_since_ = now_ - 1h;
    std::map<std::string, std::string> jar_;
    std::string cookie_;
    std::unique_ptr<Desk> desk_;
};

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

TEST_F(MyPageTest, SaysSoWhenTheMailRoleRefusesOrIsAway) {
    verdict_ = "too-many";
    EXPECT_EQ(sign_in("x").status, 429);
    verdict_ = "disabled";
    EXPECT_EQ(sign_in("x").status, 403);
    verdict_ = std::nullopt;
    EXPECT_EQ(sign_in().status, 503);
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
         {"/sign-out", "/sign-out-everywhere", "/password", "/devices", "/abroad"}) {
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

TEST_F(MyPageTest, BoundsHowManyFormsANetworkSends) {
    int many = 0;
    for (int i = 0; i < 40; ++i) {
        many += sign_in("wrong").status == 429 ? 1 : 0;
    }
    EXPECT_GE(many, 1);
    now_ += 2min;
    EXPECT_EQ(sign_in().status, 303);
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

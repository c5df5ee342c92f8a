// Operators at the desk: who gets in, how long, what each role may, and what is written down.
#include "desk/access.h"

#include "account/password.h"
#include "base/bytes.h"
#include "base/file.h"
#include "desk/context.h"
#include "desk/desk.h"
#include "desk/desk_fake.h"
#include "desk/routes.h"
#include "exemption/memory_store.h"
#include "lease/memory_store.h"
#include "net/http.h"
#include "staff/audit.h"
#include "staff/memory_store.h"
#include "staff/totp.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <string>

namespace sekisho::desk {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "12345678901234567890";
constexpr const char* kPassword = "correct horse battery";
constexpr const char* kRecovery = "aaaa-bbbb-cccc-dddd";

struct Answer {
    int status = 0;
    Json body;
    std::map<std::string, std::string> headers;
};

class AccessTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string folder = testing::TempDir() + "/access_XXXXXX";
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        config_.state_dir = folder;
        config_.provider.domain = "tokai.example";
        config_.gate.exempt_class = "static";
        config_.settings.outgoing_host = config_.settings.incoming_host = "smtp.tokai.example";
        ASSERT_TRUE(write_file_atomic(folder + "/operator.token", "local-token\n", 0600));
        fake::fill_world(accounts_, lines_, journal_, now_);
        add("hanako", staff::Roles{staff::Role::Support});
        add("jiro", staff::Roles{staff::Role::Abuse});
        add("olga", staff::Roles{staff::Role::Operator});
        add("aki", staff::Roles{staff::Role::Auditor});
        desk_ = std::make_unique<Desk>(Deps{
            .config = config_,
            .policy = policy::Policy::compile(fake::sample_policy()).value(),
            .accounts = accounts_,
            .lines = lines_,
            .journal = journal_,
            .leases = leases_,
            .staff = staff_,
            .control = [this](std::string, std::string request) -> Result<std::string> {
                asked_.push_back(request);
                return std::string(R"({"text":"done","done":1,"failed":[]})");
            },
            .sessions = &sessions_,
            .requests = &requests_,
            .clock = [this] { return now_; },
            .offset_minutes = [] { return 540; }
        });
    }
    void TearDown() override { std::filesystem::remove_all(config_.state_dir); }

    void add(const std::string& name, staff::Roles roles) {
        staff::Operator one;
        one.name = name;
        one.roles = roles;
        one.password_hash = account::hash_password(kPassword, account::kTestHash).value();
        one.totp_key = kKey;
        one.recovery = {sha256(kRecovery)};
        ASSERT_TRUE(staff_.add(one));
    }

    Answer ask(
        const std::string& method,
        const std::string& path,
        const std::map<std::string, std::string>& headers = {},
        const std::string& body = "",
        std::map<std::string, std::string> query = {}
    ) {
        net::HttpRequest request;
        request.method = method;
        request.path = "/api/v1" + path;
        request.headers = headers;
        request.query = std::move(query);
        request.body = body;
        request.peer = peer_;
        request.tls = tls_;
        const net::HttpResponse response = desk_->handle(request);
        Answer out{response.status, Json::parse(response.body, nullptr, false), {}};
        if (out.status >= 400) {
            EXPECT_EQ(response.content_type, "application/problem+json") << path;
            EXPECT_EQ(out.body["status"], out.status);
        }
        for (const auto& [name, value] : response.headers) {
            out.headers[name] = value;
        }
        return out;
    }

    [[nodiscard]] std::string code() const {
        return staff::hotp(kKey, static_cast<std::uint64_t>(staff::totp_step(now_)));
    }
    Answer sign_in(
        const std::string& name,
        const std::string& password,
        const std::string& code,
        const std::string& cookie = ""
    ) {
        const Json body{{"name", name}, {"password", password}, {"code", code}};
        std::map<std::string, std::string> headers{{"content-type", "application/json"}};
        if (!cookie.empty()) {
            headers["cookie"] = cookie;
        }
        return ask("POST", "/session", headers, body.dump());
    }
    // Headers of a session's request.
    std::map<std::string, std::string> session(const std::string& name) {
        const Answer in = sign_in(name, kPassword, code());
        EXPECT_EQ(in.status, 200) << in.body;
        now_ += seconds{30};  // the next code
        const std::string cookie = in.headers.at("Set-Cookie");
        return {
            {"cookie", cookie.substr(0, cookie.find(';'))},
            {"sekisho-csrf", in.body["csrf"].get<std::string>()},
            {"sekisho-reason", "ticket%204711"},
            {"content-type", "application/json"}
        };
    }
    staff::AuditEntry last() { return staff_.audit({.limit = 1})->at(0); }

    Time now_ = parse_rfc3339("2026-11-24T13:00:00Z").value();
    IpAddress peer_ = IpAddress::parse("198.51.100.7").value();
    bool tls_ = true;
    config::Config config_;
    fake::MemoryAccounts accounts_;
    fake::MemoryLines lines_;
    fake::MemoryJournal journal_;
    lease::MemoryLeaseStore leases_;
    staff::MemoryStore staff_;
    fake::MemorySessions sessions_;
    exemption::MemoryRequestStore requests_;
    std::vector<std::string> asked_;
    std::unique_ptr<Desk> desk_;
};

TEST_F(AccessTest, ALinkToASubscribersPageIsAnOperatorsToMake) {
    const std::string path = "/accounts/taro@tokai.example/link";
    const std::string body = R"({"reason":"ticket 4711"})";
    for (const char* name : {"hanako", "jiro", "aki"}) {
        EXPECT_EQ(ask("POST", path, session(name), body).status, 403) << name;
    }
    EXPECT_TRUE(sessions_.links.empty());
    const auto olga = session("olga");
    EXPECT_EQ(ask("POST", path, olga, "{}").status, 400) << "without a reason";
    EXPECT_EQ(ask("POST", "/accounts/nobody@tokai.example/link", olga, body).status, 404);
    auto keyed = olga;
    keyed["idempotency-key"] = "k1";
    const Answer again = ask("POST", path, keyed, body);
    const Answer made = ask("POST", path, keyed, body);
    EXPECT_NE(again.body["link"], made.body["link"]) << "what opens the page is kept nowhere";
    sessions_.links.erase(sessions_.links.begin());
    ASSERT_EQ(made.status, 200) << made.body;
    EXPECT_THAT(made.body["link"].get<std::string>(), HasSubstr("/my/link?token="));
    ASSERT_EQ(sessions_.links.size(), 1U);
    EXPECT_EQ(sessions_.links.begin()->second.made_by, "olga at the desk");
    EXPECT_EQ(last().action, "linkAccount");
    EXPECT_EQ(last().reason, "ticket 4711");
}

TEST_F(AccessTest, AnOperatorDecidesAboutRequests) {
    exemption::Request one;
    one.login = "taro@tokai.example";
    one.line = "L-0042";
    one.address = peer_;
    one.domain = "taro.example";
    one.reason = "a server";
    one.created = now_;
    const std::string id = std::to_string(requests_.add(one).value());
    const std::string body = R"({"reason":"ticket 4711"})";
    const auto olga = session("olga");
    const auto hanako = session("hanako");
    const std::string path = "/exemption-requests/" + id;
    EXPECT_EQ(ask("POST", path + "/grant", olga, body).status, 409) << "not looked up yet";
    one = requests_.find(1).value();
    one.state = exemption::State::Waiting;
    ASSERT_TRUE(requests_.replace(one, exemption::State::Asked).value());
    EXPECT_EQ(ask("POST", path + "/grant", hanako, body).status, 403);
    const Answer seen = ask("GET", "/exemption-requests", hanako);
    ASSERT_EQ(seen.status, 200) << seen.body;
    EXPECT_EQ(seen.body["requests"][0]["state"], "waiting");
    EXPECT_EQ(
        ask("GET", "/exemption-requests", hanako, "", {{"state", "refused"}})
            .body["requests"]
            .size(),
        0U
    );
    const Answer granted = ask("POST", path + "/grant", olga, body);
    ASSERT_EQ(granted.status, 200) << granted.body;
    EXPECT_EQ(requests_.find(1)->by, "olga at the desk");
    ASSERT_EQ(leases_.living()->size(), 1U);
    EXPECT_EQ(ask("POST", path + "/refuse", olga, body).status, 409);
    EXPECT_EQ(ask("POST", path + "/revoke", olga, body).status, 200);
    EXPECT_TRUE(leases_.living()->empty());
    EXPECT_EQ(requests_.find(1)->state, exemption::State::Revoked);
    EXPECT_EQ(ask("POST", "/exemption-requests/99/grant", olga, body).status, 404);
}

TEST_F(AccessTest, PasswordAndCodeOpenASession) {
    const Answer in = sign_in("hanako", kPassword, code());
    ASSERT_EQ(in.status, 200);
    EXPECT_EQ(in.body["roles"], Json::array({"support"}));
    const std::string& cookie = in.headers.at("Set-Cookie");
    EXPECT_THAT(cookie, testing::StartsWith("__Host-sekisho-desk="));
    for (const char* part : {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"}) {
        EXPECT_THAT(cookie, HasSubstr(part));
    }
    EXPECT_THAT(cookie, Not(HasSubstr("Domain")));
    const std::string secret = cookie.substr(20, cookie.find(';') - 20);
    EXPECT_FALSE(*staff_.session(secret)) << "only its digest is kept";
    EXPECT_TRUE(*staff_.session(sha256(secret)));
    const Answer me =
        ask("GET", "/session", {{"cookie", "a=b; " + cookie.substr(0, cookie.find(';'))}});
    EXPECT_EQ(me.status, 200);
    EXPECT_EQ(me.body["name"], "hanako");
    EXPECT_EQ(me.body["csrf"], in.body["csrf"]);
}

TEST_F(AccessTest, EverythingWrongIsAnsweredAlike) {
    const std::string right = code();
    const Answer name = sign_in("nobody", kPassword, right);
    const Answer password = sign_in("hanako", "wrong horse battery", right);
    const Answer wrong = sign_in("hanako", kPassword, "000000");
    const Answer empty = sign_in("hanako", kPassword, "");
    for (const Answer& one : {name, password, wrong, empty}) {
        EXPECT_EQ(one.status, 401);
        EXPECT_EQ(one.body, name.body);
        EXPECT_FALSE(one.headers.contains("Set-Cookie"));
    }
    EXPECT_EQ(last().outcome, "401 Unauthorized");
    EXPECT_EQ(last().action, "signIn");
    EXPECT_EQ(sign_in("hanako", kPassword, right).status, 200) << "no code was used up";
    EXPECT_EQ(sign_in("hanako", kPassword, right).status, 401) << "and now it is";
    auto off = staff_.find("jiro").value();
    off.enabled = false;
    ASSERT_TRUE(staff_.update(off));
    EXPECT_EQ(sign_in("jiro", kPassword, code()).status, 401);
}

TEST_F(AccessTest, ARecoveryCodeOpensOnce) {
    EXPECT_EQ(sign_in("hanako", kPassword, "AAAA-bbbb-cccc-dddd ").status, 200);
    EXPECT_EQ(sign_in("hanako", kPassword, kRecovery).status, 401);
}

TEST_F(AccessTest, GuessingEnds) {
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(sign_in("hanako", "wrong horse battery", "000000").status, 401);
    }
    const Answer no = sign_in("hanako", kPassword, code());
    EXPECT_EQ(no.status, 429);
    EXPECT_EQ(no.headers.at("Retry-After"), "900");
    EXPECT_EQ(sign_in("jiro", kPassword, code()).status, 200) << "others get in";
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(sign_in("n" + std::to_string(i), "wrong horse battery", "1").status, 401);
    }
    EXPECT_EQ(sign_in("olga", kPassword, code()).status, 429) << "nobody from that address";
    now_ += minutes{15};
    EXPECT_EQ(sign_in("hanako", kPassword, code()).status, 200);
}

TEST_F(AccessTest, NoPasswordOverPlainHttpFromElsewhere) {
    tls_ = false;
    EXPECT_EQ(sign_in("hanako", kPassword, code()).status, 403);
    peer_ = IpAddress::parse("127.0.0.1").value();
    EXPECT_EQ(sign_in("hanako", kPassword, code()).status, 200);
}

TEST_F(AccessTest, ASessionIsNewEachTimeAndEnds) {
    const std::string planted = "__Host-sekisho-desk=planted";
    const Answer in = sign_in("hanako", kPassword, code(), planted);
    EXPECT_EQ(in.status, 200);
    EXPECT_THAT(in.headers.at("Set-Cookie"), Not(HasSubstr("planted")));
    EXPECT_EQ(ask("GET", "/session", {{"cookie", planted}}).status, 401);
    now_ += minutes{1};

    auto headers = session("jiro");
    for (int i = 0; i < 20; ++i) {
        now_ += minutes{29};
        EXPECT_EQ(ask("GET", "/session", headers).status, 200) << i;
    }
    now_ += minutes{29};
    EXPECT_EQ(ask("GET", "/session", headers).status, 401) << "ten hours are enough";
    headers = session("jiro");
    now_ += minutes{31};
    EXPECT_EQ(ask("GET", "/session", headers).status, 401) << "left alone too long";
    headers = session("jiro");
    EXPECT_EQ(ask("DELETE", "/session", headers).status, 200);
    EXPECT_EQ(ask("GET", "/session", headers).status, 401);
    headers = session("jiro");
    auto other = staff_.find("jiro").value();
    ASSERT_TRUE(staff_.update(other));
    EXPECT_EQ(ask("GET", "/session", headers).status, 401) << "a change ends them";
}

TEST_F(AccessTest, AWriteOfASessionRepeatsItsToken) {
    auto headers = session("jiro");
    const std::string body = R"({"reason":"spam run"})";
    auto without = headers;
    without.erase("sekisho-csrf");
    const Answer no = ask("POST", "/queue/Q1/hold", without, body);
    EXPECT_EQ(no.status, 403);
    EXPECT_EQ(no.body["code"], "csrf");
    without["sekisho-csrf"] = "guess";
    EXPECT_EQ(ask("POST", "/queue/Q1/hold", without, body).status, 403);
    auto form = headers;
    form["content-type"] = "text/plain";
    EXPECT_EQ(ask("POST", "/queue/Q1/hold", form, body).status, 415);
    EXPECT_TRUE(asked_.empty());
    EXPECT_EQ(ask("POST", "/queue/Q1/hold", headers, body).status, 200);
    EXPECT_THAT(asked_.back(), HasSubstr("jiro at the desk"));
    // Another site's form can't sign somebody in.
    const Json in{{"name", "jiro"}, {"password", kPassword}, {"code", code()}};
    EXPECT_EQ(ask("POST", "/session", {{"content-type", "text/plain"}}, in.dump()).status, 415);
    EXPECT_EQ(ask("POST", "/session", {}, in.dump()).status, 415);
}

// Every route against every role, by the table itself and by what the roles are for.
TEST_F(AccessTest, EachRouteKnowsItsRoles) {
    const std::map<std::string, std::string> names{
        {"support", "hanako"}, {"abuse", "jiro"}, {"operator", "olga"}, {"auditor", "aki"}
    };
    const std::map<std::string, std::vector<std::string>> expected{
        {"lookSubscriber", {"support", "abuse", "operator"}},
        {"releaseMessages", {"support", "abuse", "operator"}},
        {"resendNotice", {"support", "abuse", "operator"}},
        {"holdMessages", {"abuse", "operator"}},
        {"suspendAccount", {"abuse", "operator"}},
        {"dropMessages", {"operator"}},
        {"revokeExemption", {"operator"}},
        {"readAudit", {"auditor"}},
    };
    std::map<std::string, std::map<std::string, std::string>> sessions;
    for (const auto& [role, name] : names) {
        sessions[role] = session(name);
    }
    std::size_t seen = 0;
    for (const Route& route : routes()) {
        if (const auto found = expected.find(route.operation); found != expected.end()) {
            EXPECT_EQ(route.roles.names(), found->second) << route.operation;
            ++seen;
        }
        if (route.open || route.operation == "signOut") {
            continue;
        }
        EXPECT_EQ(ask(route.method, route.path).status, 401) << route.operation;
        for (const auto& [role, headers] : sessions) {
            const bool may =
                route.roles.empty() || route.roles.meets(staff::Roles::parse(role).value());
            const Answer answer = ask(route.method, route.path, headers);
            EXPECT_EQ(answer.status == 403, !may) << role << " " << route.operation;
            if (!may) {
                EXPECT_EQ(answer.body["code"], "role");
                EXPECT_EQ(answer.body["needs"], Json(route.roles.names()));
                EXPECT_EQ(last().action, route.operation);
                EXPECT_EQ(last().outcome, "403 Not permitted");
            }
        }
    }
    EXPECT_EQ(seen, expected.size());
}

TEST_F(AccessTest, ALookNeedsAReasonAndIsWrittenDown) {
    auto headers = session("hanako");
    auto silent = headers;
    silent.erase("sekisho-reason");
    const Answer no = ask("GET", "/subscriber", silent, "", {{"q", "L-0042"}});
    EXPECT_EQ(no.status, 400);
    EXPECT_EQ(no.body["code"], "reason");
    EXPECT_THAT(no.body.dump(), Not(HasSubstr("taro")));
    headers["sekisho-reason"] = "%E5%95%8F%E5%90%88%E3%81%9B%204711";
    EXPECT_EQ(ask("GET", "/subscriber", headers, "", {{"q", "L-0042"}}).status, 200);
    EXPECT_EQ(last().who, "hanako");
    EXPECT_EQ(last().how, "session");
    EXPECT_EQ(last().action, "lookSubscriber");
    EXPECT_EQ(last().subject, "q=L-0042");
    EXPECT_EQ(last().reason, "問合せ 4711");
    EXPECT_EQ(last().outcome, "done");
    EXPECT_EQ(last().address, "198.51.100.7");
    EXPECT_EQ(ask("GET", "/trace", headers, "", {{"id", "nothing"}}).status, 404);
    EXPECT_EQ(last().outcome, "404 Not found");
    for (const std::string& wrong :
         {std::string("%ff"),
          std::string("a%0ab"),
          std::string("%"),
          std::string("a&b=c"),
          std::string(600, 'x')}) {
        headers["sekisho-reason"] = wrong;
        EXPECT_EQ(ask("GET", "/accounts", headers).status, 400) << wrong;
    }
    // The system's own state is nobody's secret.
    EXPECT_EQ(ask("GET", "/status", silent).status, 200);
    staff::AuditCheck check;
    for (const auto& entry : *staff_.audit({.newest_first = false})) {
        check.take(entry);
    }
    check.end(*staff_.audit_count());
    EXPECT_TRUE(check.faults().empty());
}

TEST_F(AccessTest, AuditorsReadTheAuditAndNothingElse) {
    const auto support = session("hanako");
    ASSERT_EQ(ask("GET", "/line", support, "", {{"address", "198.51.100.7"}}).status, 200);
    const auto auditor = session("aki");
    const Answer page = ask("GET", "/audit", auditor, "", {{"limit", "2"}});
    EXPECT_EQ(page.body["entries"].size(), 2U);
    EXPECT_THAT(
        page.headers.at("Link"), HasSubstr("</api/v1/audit?limit=2&cursor=2>; rel=\"next\"")
    );
    const Answer next =
        ask("GET", "/audit", auditor, "", {{"limit", "2"}, {"cursor", page.body["next_cursor"]}});
    EXPECT_EQ(next.body["entries"].size(), 1U);
    EXPECT_EQ(
        ask("GET", "/audit", auditor, "", {{"action", "lookLine"}}).body["entries"].size(), 1U
    );
    EXPECT_EQ(ask("GET", "/audit/check", auditor).body["whole"], true);
    EXPECT_EQ(ask("GET", "/audit", auditor, "", {{"since", "yesterday"}}).status, 400);
}

TEST_F(AccessTest, TokensHaveTheRolesOfTheirOwner) {
    ASSERT_TRUE(staff_.add_token({sha256("secret"), "jiro", "ci", now_, now_ + minutes{10}, {}}));
    const std::map<std::string, std::string> headers{{"authorization", "Bearer secret"}};
    const Answer me = ask("GET", "/session", headers);
    EXPECT_EQ(me.body["name"], "jiro");
    EXPECT_EQ(me.body["how"], "token ci");
    EXPECT_EQ(ask("POST", "/queue/Q1/hold", headers, R"({"reason":"x"})").status, 200)
        << "no browser sends it by itself: no Sekisho-Csrf";
    EXPECT_EQ(ask("GET", "/audit", headers).status, 403);
    EXPECT_EQ((*staff_.token(sha256("secret")))->last_used, now_);
    EXPECT_EQ(ask("DELETE", "/session", headers).status, 409);
    now_ += minutes{10};
    EXPECT_EQ(ask("GET", "/session", headers).status, 401);
    now_ -= minutes{5};
    auto owner = staff_.find("jiro").value();
    owner.enabled = false;
    ASSERT_TRUE(staff_.update(owner));
    EXPECT_EQ(ask("GET", "/session", headers).status, 401);
    EXPECT_EQ(
        ask("GET", "/session", {{"authorization", "Bearer local-token"}}).body["name"], "local"
    );
}

TEST_F(AccessTest, AWriteWithAKeyIsDoneOnce) {
    auto headers = session("jiro");
    headers["idempotency-key"] = "k-1";
    const std::string body = R"({"ids":["Q1"],"reason":"spam"})";
    const Answer first = ask("POST", "/queue/hold", headers, body);
    const Answer again = ask("POST", "/queue/hold", headers, body);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(again.status, 200);
    EXPECT_EQ(again.body, first.body);
    EXPECT_EQ(again.headers.at("Idempotency-Replayed"), "true");
    EXPECT_EQ(asked_.size(), 1U);
    EXPECT_EQ(ask("POST", "/queue/hold", headers, R"({"ids":["Q2"],"reason":"spam"})").status, 422);
    EXPECT_EQ(ask("POST", "/queue/release", headers, body).status, 422);
    EXPECT_EQ(asked_.size(), 1U);
    now_ += std::chrono::hours{1};
    auto other = session("olga");
    other["idempotency-key"] = "k-1";
    EXPECT_EQ(ask("POST", "/queue/hold", other, body).status, 200);
    EXPECT_EQ(asked_.size(), 2U) << "keys are each operator's own";
    now_ += std::chrono::hours{24};
    auto later = session("jiro");
    later["idempotency-key"] = "k-1";
    EXPECT_EQ(ask("POST", "/queue/hold", later, body).status, 200);
    EXPECT_EQ(asked_.size(), 3U) << "a day later it is forgotten";
    later["idempotency-key"] = std::string(201, 'x');
    EXPECT_EQ(ask("POST", "/queue/hold", later, body).status, 400);
}

TEST_F(AccessTest, SixHundredRequestsAMinute) {
    const auto headers = session("hanako");
    for (int i = 0; i < 600; ++i) {
        ASSERT_EQ(ask("GET", "/session", headers).status, 200) << i;
    }
    const Answer no = ask("GET", "/session", headers);
    EXPECT_EQ(no.status, 429);
    EXPECT_TRUE(no.headers.contains("Retry-After"));
    now_ += minutes{1};
    EXPECT_EQ(ask("GET", "/session", headers).status, 200);
}

TEST_F(AccessTest, OrdersReachTheMailRoleWithWhoAndWhy) {
    const auto headers = session("jiro");
    const std::string reason = R"({"reason":"stolen password"})";
    EXPECT_EQ(ask("POST", "/accounts/taro@tokai.example/suspend", headers, reason).status, 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"conduct-suspend")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("account":"taro@tokai.example")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("by":"jiro at the desk")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("reason":"stolen password")"));
    EXPECT_EQ(last().subject, "login=taro@tokai.example");
    EXPECT_EQ(last().outcome, "ordered");
    EXPECT_EQ(
        ask("POST",
            "/accounts/taro@tokai.example/resume",
            headers,
            R"({"reason":"new password","release":false})")
            .status,
        200
    );
    EXPECT_THAT(asked_.back(), HasSubstr(R"("release":false)"));
    EXPECT_EQ(ask("POST", "/accounts/taro@tokai.example/notice", headers, reason).status, 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"conduct-notice")"));
    EXPECT_EQ(
        ask("POST", "/limits/reset", headers, R"({"subject":"L-0042","reason":"x"})").status, 200
    );
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"limit-reset")"));
    for (const char* wrong :
         {"", "[]", "{}", R"({"reason":""})", R"({"reason":1})", R"({"reason":"x","more":1})"}) {
        EXPECT_EQ(ask("POST", "/accounts/taro@tokai.example/suspend", headers, wrong).status, 400)
            << wrong;
    }
}

TEST_F(AccessTest, ExemptionsAreSeenAndEnded) {
    lease::Lease one;
    one.line = "L-0042";
    one.class_name = "static";
    one.owner = "ticket 4712";
    one.created = now_;
    one.expires = now_ + std::chrono::hours{24};
    const auto id = leases_.add(one).value();
    const auto support = session("hanako");
    const Answer seen = ask("GET", "/subscriber", support, "", {{"q", "L-0042"}});
    EXPECT_EQ(seen.body["exemptions"][0]["owner"], "ticket 4712");
    EXPECT_EQ(ask("GET", "/exemptions", support).body["exemptions"].size(), 1U);
    const auto chief = session("olga");
    const std::string path = "/exemptions/" + std::to_string(id) + "/revoke";
    EXPECT_EQ(ask("POST", path, support, R"({"reason":"x"})").status, 403);
    EXPECT_EQ(ask("POST", path, chief, R"({"reason":"moved away"})").status, 200);
    EXPECT_EQ(ask("POST", path, chief, R"({"reason":"moved away"})").status, 409);
    EXPECT_EQ(ask("POST", "/exemptions/77/revoke", chief, R"({"reason":"x"})").status, 404);
    EXPECT_EQ(leases_.find(id)->ended_by, "olga at the desk");
}

}  // namespace
}  // namespace sekisho::desk

#include "desk/desk.h"

#include "base/file.h"
#include "desk/context.h"
#include "desk/desk_fake.h"
#include "desk/metrics.h"
#include "lease/memory_store.h"
#include "net/http.h"
#include "policy/stages.h"
#include "staff/memory_store.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::desk {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kToken = "the-operator-token";

class DeskTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string folder = testing::TempDir() + "/desk_XXXXXX";
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        config_.state_dir = folder;
        config_.provider.domain = "tokai.example";
        config_.settings.outgoing_host = config_.settings.incoming_host = "smtp.tokai.example";
        ASSERT_TRUE(write_file_atomic(folder + "/operator.token", std::string(kToken) + "\n", 0600)
        );
        fake::fill_world(accounts_, lines_, journal_, now_);
        make();
    }
    void TearDown() override { std::filesystem::remove_all(config_.state_dir); }

    void make() {
        desk_ = std::make_unique<Desk>(Deps{
            .config = config_,
            .policy = policy::Policy::compile(fake::sample_policy()).value(),
            .accounts = accounts_,
            .lines = lines_,
            .journal = journal_,
            .leases = leases_,
            .staff = staff_,
            .control = [this](std::string role, std::string request) -> Result<std::string> {
                asked_.push_back(role + " " + request);
                const auto found = roles_.find(role);
                if (found == roles_.end()) {
                    return fail(Errc::Unavailable, "nobody listens there");
                }
                return found->second;
            },
            .clock = [this] { return now_; },
            .offset_minutes = [] { return 540; }
        });
    }

    net::HttpResponse ask(
        const std::string& path,
        std::map<std::string, std::string> query = {},
        const std::string& token = kToken
    ) {
        net::HttpRequest request;
        request.method = method_;
        request.path = path;
        request.query = std::move(query);
        request.body = body_;
        request.peer = peer_;
        request.headers = headers_;
        if (!token.empty()) {
            request.headers["authorization"] = "Bearer " + token;
        }
        return desk_->handle(request);
    }
    Json get(const std::string& path, std::map<std::string, std::string> query = {}) {
        const net::HttpResponse response = ask("/api/v1" + path, std::move(query));
        EXPECT_EQ(response.status, 200) << path << " " << response.body;
        EXPECT_EQ(response.content_type, "application/json");
        return Json::parse(response.body);
    }
    int status(const std::string& path, std::map<std::string, std::string> query = {}) {
        const net::HttpResponse response = ask("/api/v1" + path, std::move(query));
        if (response.status >= 400) {
            EXPECT_EQ(response.content_type, "application/problem+json");
            EXPECT_EQ(Json::parse(response.body)["status"], response.status);
        }
        return response.status;
    }

    Time now_ = parse_rfc3339("2026-11-24T13:00:00Z").value();
    IpAddress peer_ = IpAddress::parse("198.51.100.7").value();
    std::string method_ = "GET";
    std::string body_;
    std::map<std::string, std::string> headers_{{"sekisho-reason", "ticket%204711"}};
    lease::MemoryLeaseStore leases_;
    staff::MemoryStore staff_;
    config::Config config_;
    fake::MemoryAccounts accounts_;
    fake::MemoryLines lines_;
    fake::MemoryJournal journal_;
    std::map<std::string, std::string> roles_{{"mail", R"({"queue":{"queued":3}})"}};
    std::vector<std::string> asked_;
    std::unique_ptr<Desk> desk_;
};

TEST_F(DeskTest, TheApiOpensToTheTokenOnly) {
    for (const std::string& token :
         {std::string(),
          std::string("wrong"),
          kToken + std::string("x"),
          std::string(kToken).substr(1)}) {
        const net::HttpResponse response = ask("/api/v1/status", {}, token);
        EXPECT_EQ(response.status, 401) << token;
        EXPECT_THAT(response.body, Not(HasSubstr("roles")));
    }
    EXPECT_EQ(ask("/api/v1/status").status, 200);
    EXPECT_EQ(ask("/api/v2/status").status, 404);
    EXPECT_EQ(ask("/api/v1/nothing", {}, "").status, 401) << "nobody learns what there is";
    net::HttpRequest basic;
    basic.method = "GET";
    basic.path = "/api/v1/status";
    basic.headers["authorization"] = std::string("Basic ") + kToken;
    EXPECT_EQ(desk_->handle(basic).status, 401);
}

TEST_F(DeskTest, WithoutATokenFileNoTokenOpensAndTheGuideWorks) {
    std::filesystem::remove(config_.state_dir + "/operator.token");
    make();
    EXPECT_EQ(ask("/api/v1/status").status, 401);
    EXPECT_EQ(ask("/api/v1/status", {}, "").status, 401);
    EXPECT_EQ(ask("/ja/").status, 200);
}

TEST_F(DeskTest, ReplaceTakesTheNewTokenAndConfiguration) {
    ASSERT_TRUE(write_file_atomic(config_.state_dir + "/operator.token", "second"));
    config_.provider.name = "Second Net";
    desk_->replace(config_, policy::Policy::compile(fake::sample_policy()).value());
    EXPECT_EQ(ask("/api/v1/status").status, 401);
    EXPECT_THAT(ask("/api/v1/status", {}, "second").body, HasSubstr("Second Net"));
}

// A step for some lines is no promise to this one.
TEST_F(DeskTest, TheCheckPageSaysFromWhenPort25IsClosed) {
    policy::Source source = fake::sample_policy();
    policy::RuleSource& trial = source.rules.back();
    trial.steps = {
        {*parse_rfc3339("2027-02-01"), policy::Stage::Enforce, "", {{}, 10}, ""},
        {*parse_rfc3339("2027-03-01"), policy::Stage::Enforce, "exchange", {}, ""},
        {*parse_rfc3339("2027-04-01"), policy::Stage::Enforce, "", {}, ""},
    };
    trial.to = "*";
    peer_ = IpAddress::parse("203.0.113.130").value();
    desk_->replace(config_, policy::compile_at(source, now_).value());
    const std::string html = ask("/en/check", {}, "").body;
    EXPECT_THAT(html, HasSubstr("Port 25 closes"));
    EXPECT_THAT(html, HasSubstr("2027-04-01 09:00"));
    config_.gate.mode = "observe";  // then it closes for nobody
    desk_->replace(config_, policy::compile_at(source, now_).value());
    EXPECT_THAT(ask("/en/check", {}, "").body, Not(HasSubstr("Port 25 closes")));
}

TEST_F(DeskTest, StatusTellsRolesTotalsAndPolicy) {
    const Json status = get("/status");
    EXPECT_EQ(status["roles"]["mail"]["status"]["queue"]["queued"], 3);
    EXPECT_EQ(status["roles"]["gate"]["up"], false);
    EXPECT_EQ(status["events_24h"]["gate-blocked"], 937);
    EXPECT_EQ(status["policy"]["rules"][0]["name"], "op25b");
    journal_.broken = true;
    EXPECT_EQ(get("/status")["journal_up"], false);
}

TEST_F(DeskTest, EventsAreFilteredAndPaged) {
    EXPECT_EQ(get("/events", {{"line", "L-0042"}, {"kind", "gate-blocked"}})["events"].size(), 1U);
    EXPECT_EQ(get("/events", {{"kind", "accepted, delivered"}})["events"].size(), 2U);
    const Json first = get("/events", {{"limit", "2"}});
    const auto next = first["next_cursor"].get<std::string>();
    const Json second = get("/events", {{"limit", "2"}, {"cursor", next}});
    EXPECT_LT(second["events"][0]["id"], first["events"][1]["id"]);
    EXPECT_EQ(get("/events", {{"since", "2026-11-24T12:00:00Z"}})["events"].size(), 1U);
}

TEST_F(DeskTest, EventsRefuseWhatTheyDoNotUnderstand) {
    using Query = std::map<std::string, std::string>;
    for (const Query& query :
         {Query{{"accounts", "x"}},
          Query{{"kind", "nonsense"}},
          Query{{"since", "yesterday"}},
          Query{{"limit", "0"}},
          Query{{"limit", "1001"}},
          Query{{"limit", "5x"}},
          Query{{"cursor", "-1"}}}) {
        EXPECT_EQ(status("/events", query), 400) << query.begin()->first;
    }
    journal_.broken = true;
    EXPECT_EQ(status("/events"), 503);
}

TEST_F(DeskTest, TracesAMessageByEachOfItsNames) {
    for (const char* id : {"<m1@tokai.example>", "m1@tokai.example", "Q7KX2"}) {
        const Json trace = get("/trace", {{"id", id}});
        ASSERT_EQ(trace["messages"].size(), 1U) << id;
        const Json& message = trace["messages"][0];
        EXPECT_EQ(message["state"], "finished");
        EXPECT_EQ(message["account"], "taro@tokai.example");
        EXPECT_EQ(message["client"], "198.51.100.7");
        ASSERT_EQ(message["recipients"].size(), 1U);
        EXPECT_EQ(message["recipients"][0]["state"], "delivered");
        EXPECT_EQ(message["recipients"][0]["tries"], 2);
        EXPECT_EQ(message["events"].size(), 3U);
    }
    const Json refusal = get("/trace", {{"id", "K7-22Q"}});
    EXPECT_EQ(refusal["read_as"], "reference");
    EXPECT_EQ(refusal["events"][0]["kind"], "refused");
    EXPECT_EQ(status("/trace", {{"id", "nothing"}}), 404);
    EXPECT_EQ(status("/trace"), 400);
}

TEST_F(DeskTest, AHeldMessageIsHeldUntilReleased) {
    using event::Kind;
    const auto add = [&](Kind kind) {
        journal_.append({.at = now_, .kind = kind, .queue_id = "QH", .recipient = "a@b.example"});
    };
    add(Kind::Accepted);
    EXPECT_EQ(get("/trace", {{"id", "QH"}})["messages"][0]["state"], "waiting");
    add(Kind::Held);
    EXPECT_EQ(get("/trace", {{"id", "QH"}})["messages"][0]["state"], "held");
    add(Kind::Released);
    EXPECT_EQ(get("/trace", {{"id", "QH"}})["messages"][0]["state"], "waiting");
    add(Kind::Expired);
    const Json over = get("/trace", {{"id", "QH"}})["messages"][0];
    EXPECT_EQ(over["state"], "finished");
    EXPECT_EQ(over["recipients"][0]["state"], "expired");
}

TEST_F(DeskTest, AccountsShowNoSecret) {
    const Json list = get("/accounts");
    EXPECT_EQ(list["accounts"][0]["login"], "taro@tokai.example");
    EXPECT_THAT(list.dump(), Not(HasSubstr("SECRET")));
    EXPECT_THAT(get("/subscriber", {{"q", "taro@tokai.example"}}).dump(), Not(HasSubstr("SECRET")));
    accounts_.broken = true;
    EXPECT_EQ(status("/accounts"), 503);
}

TEST_F(DeskTest, LineByAddressAndTime) {
    EXPECT_EQ(get("/line", {{"address", "198.51.100.7"}})["holder"]["line"], "L-0042");
    const Json before = get("/line", {{"address", "198.51.100.7"}, {"at", "2026-11-23T15:00:00Z"}});
    EXPECT_EQ(before["holder"]["line"], "L-0041");
    EXPECT_EQ(get("/line", {{"address", "198.51.100.9"}})["holder"]["certainty"], "ambiguous");
    EXPECT_EQ(get("/line", {{"address", "198.51.100.250"}})["holder"]["certainty"], "unknown");
    EXPECT_EQ(get("/line", {{"address", "198.51.100.250"}})["standing"]["class"], "static");
    EXPECT_EQ(status("/line", {{"address", "nowhere"}}), 400);
    EXPECT_EQ(status("/line", {{"address", "198.51.100.7"}, {"at", "noon"}}), 400);
}

TEST_F(DeskTest, SubscriberIsTheSameFromEveryEnd) {
    for (const char* query :
         {"198.51.100.7",
          "2001:db8:100:7ff::1",
          "taro@tokai.example",
          "T.Tokai@tokai.example",
          "L-0042",
          "K7-22Q"}) {
        const Json found = get("/subscriber", {{"q", query}});
        ASSERT_EQ(found["lines"].size(), 1U) << query;
        EXPECT_EQ(found["lines"][0]["line"], "L-0042") << query;
        EXPECT_EQ(found["lines"][0]["standings"].size(), 2U) << query;
        ASSERT_EQ(found["accounts"].size(), 1U) << query;
        EXPECT_EQ(found["accounts"][0]["login"], "taro@tokai.example") << query;
        EXPECT_THAT(found["findings"][0]["text"].get<std::string>(), HasSubstr("blocked")) << query;
        EXPECT_THAT(found["events"].dump(), Not(HasSubstr("L-0041"))) << query;
    }
    EXPECT_EQ(get("/subscriber", {{"q", "198.51.100.7"}})["findings"][0]["count"], 37);
    EXPECT_EQ(get("/subscriber", {{"q", "m1@tokai.example"}})["read_as"], "message-id");
    EXPECT_EQ(status("/subscriber", {{"q", "nobody@tokai.example"}}), 404);
    EXPECT_EQ(status("/subscriber", {{"q", "  "}}), 400);
}

TEST_F(DeskTest, ALineKnownFromAnAccountOnlyIsFound) {
    account::Account quiet;
    quiet.login = "quiet@tokai.example";
    quiet.line = "L-0900";
    accounts_.accounts.push_back(quiet);
    const Json found = get("/subscriber", {{"q", "L-0900"}});
    EXPECT_EQ(found["read_as"], "line");
    EXPECT_EQ(found["accounts"][0]["login"], "quiet@tokai.example");
    EXPECT_TRUE(found["findings"].empty());
    EXPECT_EQ(status("/subscriber", {{"q", "L-0901"}}), 404);
}

TEST_F(DeskTest, ADisabledAccountIsTheFirstFinding) {
    accounts_.accounts[0].enabled = false;
    accounts_.accounts[0].disabled_reason = "misused";
    const Json finding = get("/subscriber", {{"q", "L-0042"}})["findings"][0];
    EXPECT_EQ(finding["text"], "account taro@tokai.example is disabled");
    EXPECT_EQ(finding["detail"], "misused");
}

TEST_F(DeskTest, QueueGoesThroughTheMailRole) {
    EXPECT_EQ(get("/queue", {{"limit", "5"}})["queue"]["queued"], 3);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("limit":5)"));
    EXPECT_EQ(status("/queue/Q7KX2/hold"), 405);
    method_ = "POST";
    body_ = "{}";
    EXPECT_EQ(status("/queue/Q7KX2/hold"), 400) << "a hold needs a reason";
    body_ = R"({"reason":"asked by the subscriber"})";
    EXPECT_EQ(status("/queue/Q7KX2/hold"), 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"queue-hold")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("queue_id":"Q7KX2")"));
    EXPECT_EQ(status("/queue/Q7KX2/burn"), 404);
    EXPECT_EQ(status("/events"), 405);
    roles_["mail"] = R"({"error":"no such message"})";
    EXPECT_EQ(status("/queue/Q7KX2/retry"), 400);
    roles_["mail"] = "nonsense";
    EXPECT_EQ(status("/queue/Q7KX2/retry"), 503);
}

TEST_F(DeskTest, ManyMessagesAreChosenByASelector) {
    EXPECT_EQ(status("/queue/count", {{"account", "a@b.example"}, {"held", "true"}}), 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"queue-count")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("account":"a@b.example")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("held":true)"));
    EXPECT_EQ(status("/queue", {{"acount", "mistyped"}}), 400);
    EXPECT_EQ(status("/queue", {{"limit", "0"}}), 400);
    EXPECT_EQ(status("/queue/suspensions"), 200);
    EXPECT_EQ(status("/queue/stats", {{"limit", "5"}}), 200);
    EXPECT_EQ(status("/queue/nonsense"), 404);
    EXPECT_EQ(status("/queue/drop"), 405);
    method_ = "POST";
    EXPECT_EQ(status("/queue/count"), 405);
    EXPECT_EQ(status("/queue/drop"), 400) << "no body";
    headers_.clear();
    body_ = R"({"ids":["Q1"],"bounce":true})";
    EXPECT_EQ(status("/queue/drop"), 400) << "no reason";
    body_ = R"({"ids":["Q1"],"bounce":true,"reason":"spam"})";
    EXPECT_EQ(status("/queue/drop"), 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("who":"local at the desk")"));
    EXPECT_EQ(status("/queue/hold"), 400) << "no notice of a hold";
    body_ = R"({"reason":"all of them?"})";
    EXPECT_EQ(status("/queue/retry"), 400);
    body_ = R"({"domain":"example.org","reason":"it is down"})";
    EXPECT_EQ(status("/queue/suspend"), 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"queue-suspend")"));
    body_ = R"({"reason":"whose?"})";
    EXPECT_EQ(status("/queue/suspend"), 400);
}

TEST_F(DeskTest, AddressesElsewhereAreAskedOfTheMailRole) {
    EXPECT_EQ(status("/send-as", {{"login", "taro"}}), 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"sendas-list")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("login":"taro")"));
    method_ = "POST";
    body_ =
        R"({"login":"taro","address":"taro@corp.example.com","code":"abcd","reason":"he called"})";
    EXPECT_EQ(status("/send-as/prove"), 200);
    EXPECT_THAT(asked_.back(), HasSubstr(R"("command":"sendas-prove")"));
    EXPECT_THAT(asked_.back(), HasSubstr(R"("code":"abcd")"));
    EXPECT_EQ(status("/send-as/other"), 404);
    EXPECT_EQ(status("/send-as"), 405);
    body_ = R"({"login":"taro","reason":"he called"})";
    EXPECT_EQ(status("/send-as/add"), 400);
}

TEST_F(DeskTest, ExplainAnswersWithoutTheGate) {
    const std::map<std::string, std::string> query{
        {"source", "198.51.100.7"}, {"destination", "203.0.113.200"}
    };
    const Json alone = get("/gate/explain", query);
    EXPECT_THAT(alone["lines"].dump(), HasSubstr("op25b"));
    EXPECT_TRUE(alone.contains("gate_error"));
    roles_["gate"] = R"({"verdict":"refuse"})";
    EXPECT_EQ(get("/gate/explain", query)["gate"]["verdict"], "refuse");
    EXPECT_EQ(status("/gate/explain", {{"source", "x"}, {"destination", "203.0.113.1"}}), 400);
    EXPECT_EQ(get("/gate/status")["verdict"], "refuse");
}

TEST_F(DeskTest, TheGuideKnowsTheReadersLine) {
    const std::string own = ask("/en/check", {}, "").body;
    EXPECT_THAT(own, HasSubstr("<strong>37</strong>")) << "not the 900 of the line before";
    EXPECT_THAT(own, HasSubstr("2001:db8:100:700::/56"));
    EXPECT_THAT(own, HasSubstr("Port 25 is closed"));
    EXPECT_THAT(own, HasSubstr("Last good login"));
    peer_ = IpAddress::parse("198.51.100.9").value();
    EXPECT_THAT(ask("/en/check", {}, "").body, HasSubstr("Several lines share this address"));
    peer_ = IpAddress::parse("198.51.100.77").value();
    EXPECT_THAT(ask("/en/check", {}, "").body, HasSubstr("We cannot tell which line"));
    peer_ = IpAddress::parse("198.51.100.250").value();
    EXPECT_THAT(ask("/en/check", {}, "").body, HasSubstr("Tries stopped on port 25"));
    journal_.broken = true;
    EXPECT_THAT(ask("/en/check", {}, "").body, HasSubstr("cannot be read right now"));
}

TEST_F(DeskTest, PicturesOfRealProgramsAreThoseOfTheirFolderAndOfTheseSettings) {
    const std::string made =
        read_file(SEKISHO_SOURCE_DIR "/web/guide/pictures/thunderbird-en.png").value();
    config_.settings.pictures = config_.state_dir + "/pictures";
    make();
    EXPECT_EQ(ask("/pictures/thunderbird-en.png", {}, "").status, 404) << "no such folder";
    ASSERT_TRUE(make_folder(config_.settings.pictures));
    ASSERT_TRUE(write_file_atomic(config_.settings.pictures + "/thunderbird-en.png", made));
    ASSERT_TRUE(write_file_atomic(config_.settings.pictures + "/thunderbird-ja.png", "no picture"));
    make();
    EXPECT_EQ(ask("/pictures/thunderbird-en.png", {}, "").body, made);
    EXPECT_EQ(ask("/pictures/thunderbird-ja.png", {}, "").status, 404);
    EXPECT_THAT(ask("/ja/thunderbird", {}, "").body, HasSubstr("<svg class=\"window\""));
    config_.settings.outgoing_host = "mail.tokai.example";
    make();
    EXPECT_EQ(ask("/pictures/thunderbird-en.png", {}, "").status, 404) << "it shows another host";
}

TEST_F(DeskTest, AGateThatObservesIsSaidToObserve) {
    config_.gate.mode = "observe";
    make();
    EXPECT_THAT(ask("/en/", {}, "").body, HasSubstr("Port 25 will be closed"));
}

TEST_F(DeskTest, ARefusalsTimeIsShownToTheAddressItWasRefusedTo) {
    EXPECT_THAT(ask("/25", {{"ref", "K7-22Q"}}, "").body, HasSubstr("2026-11-24 21:00"));
    peer_ = IpAddress::parse("198.51.100.77").value();
    EXPECT_THAT(ask("/25", {{"ref", "K7-22Q"}}, "").body, Not(HasSubstr("2026-11-24")));
}

TEST_F(DeskTest, MetricsForThisMachineAndForTheToken) {
    EXPECT_EQ(ask("/metrics", {}, "").status, 401);
    EXPECT_EQ(ask("/metrics").status, 200);
    peer_ = IpAddress::parse("::1").value();
    const net::HttpResponse response = ask("/metrics", {}, "");
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(response.body, HasSubstr("\nsekisho_up{role=\"gate\"} 0\n"));
    EXPECT_THAT(response.body, HasSubstr("\nsekisho_up{role=\"mail\"} 1\n"));
    EXPECT_THAT(response.body, HasSubstr("\nsekisho_mail_queue_queued 3\n"));
    EXPECT_THAT(response.body, Not(HasSubstr("sekisho_events_total"))) << "none since the start";
    now_ += std::chrono::minutes{1};
    journal_.append({.at = now_, .kind = event::Kind::Delivered, .count = 2});
    EXPECT_THAT(
        ask("/metrics", {}, "").body, HasSubstr("\nsekisho_events_total{kind=\"delivered\"} 2\n")
    );
}

TEST(StatusMetrics, FlattensNumbersAndLabels) {
    const Json status = Json::parse(R"({"up":true,"name":"x","rules":[
        {"rule":"op25b","packets_total":7,"by":{"v4":1}},{"rule":"a\"b\\c\nd","packets_total":2}],
        "bad-name":1.5,"list":[1,2]})");
    const std::string text = status_metrics("mail", status);
    EXPECT_THAT(text, HasSubstr("# TYPE sekisho_mail_rules_packets_total counter\n"));
    EXPECT_THAT(text, HasSubstr("sekisho_mail_rules_packets_total{rule=\"op25b\"} 7\n"));
    EXPECT_THAT(text, HasSubstr("sekisho_mail_rules_by_v4{rule=\"op25b\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("{rule=\"a\\\"b\\\\c\\nd\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE sekisho_mail_bad_name gauge\nsekisho_mail_bad_name 1.5\n"));
    EXPECT_THAT(text, HasSubstr("sekisho_mail_up 1\n"));
    EXPECT_THAT(text, Not(HasSubstr("sekisho_mail_name")));
}

TEST(StatusMetrics, TheGatesCountersHaveLabels) {
    const Json status = Json::parse(R"({"engine":"xdp","rows_lost":3,
        "rules":[{"name":"op25b","action":"answer","stage":"enforce",
                  "to":{"packets":7,"bytes":420},"from":{"packets":1,"bytes":60}}],
        "unnamed":{"to":{"packets":9,"bytes":540},"from":{"packets":0,"bytes":0}},
        "clients":[{"class":"subscribers","to":{"packets":7,"bytes":420},"from":{}}],
        "downgrades":[{"rule":"op25b","declared":"answer","used":"refuse","reason":"x"}],
        "interfaces":[{"name":"eth0","attached":true,"mode":"native"},{"name":"b0","attached":false}],
        "leases":{"exemptions":2,"penalties":0,"each":[{"id":1,"connections":4},{"id":2,"connections":5}]},
        "statistics":{"events_lost":4,"resets_sent":5},
        "answer":{"answered_total":6,"crowded_total":0,"open":1},
        "lines":{"known":1,"blocked_packets_total":8}})");
    const std::string text = status_metrics("gate", status);
    for (const char* expected : {
             "# TYPE sekisho_gate_rule_packets_total counter\n",
             "sekisho_gate_rule_packets_total{rule=\"op25b\",action=\"answer\",done=\"refuse\","
             "stage=\"enforce\",engine=\"xdp\",direction=\"to_port25\"} 7\n",
             "sekisho_gate_rule_bytes_total{rule=\"op25b\",action=\"answer\",done=\"refuse\","
             "stage=\"enforce\",engine=\"xdp\",direction=\"from_port25\"} 60\n",
             "{rule=\"_none\",",
             "sekisho_gate_client_packets_total{class=\"subscribers\",engine=\"xdp\",direction="
             "\"to_port25\"} 7\n",
             "sekisho_gate_interface_attached{interface=\"b0\",mode=\"\"} 0\n",
             "sekisho_gate_leases{kind=\"exemption\"} 2\n",
             "sekisho_gate_engine_total{what=\"resets_sent\"} 5\n",
             "sekisho_gate_events_lost_total{by=\"engine\"} 4\n",
             "sekisho_gate_events_lost_total{by=\"journal\"} 3\n",
             "sekisho_gate_answer_answered_total 6\n",
             "sekisho_gate_lines_blocked_packets_total 8\n",
         }) {
        EXPECT_THAT(text, HasSubstr(expected));
    }
    EXPECT_THAT(text, Not(HasSubstr("_each"))) << "leases have no label that tells them apart";
}

TEST_F(DeskTest, ConsoleAndHealth) {
    EXPECT_EQ(ask("/healthz", {}, "").body, "ok\n");
    for (const char* path :
         {"/desk",
          "/desk/",
          "/desk/desk.js",
          "/desk/desk.css",
          "/desk/page.js",
          "/desk/overview.js",
          "/desk/subscriber.js",
          "/desk/uplot.js",
          "/desk/uplot.css",
          "/desk/session"}) {
        const net::HttpResponse response = ask(path, {}, "");
        EXPECT_EQ(response.status, 200) << path;
        const std::pair<std::string, std::string> nosniff{"X-Content-Type-Options", "nosniff"};
        EXPECT_THAT(response.headers, Contains(nosniff));
    }
    EXPECT_THAT(ask("/desk", {}, "").body, Not(HasSubstr("<script>")));
    EXPECT_EQ(ask("/desk/other", {}, "").status, 404);
    method_ = "POST";
    EXPECT_EQ(ask("/desk", {}, "").status, 405);
}

TEST_F(DeskTest, BytesThatAreNoUtf8DoNotBreakAnAnswer) {
    journal_.append({.at = now_, .kind = event::Kind::Refused, .line = "L-9", .detail = "\xff\xfe"}
    );
    EXPECT_EQ(get("/events", {{"line", "L-9"}})["events"].size(), 1U);
}

}  // namespace
}  // namespace sekisho::desk

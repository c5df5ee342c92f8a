// The openspf test suite for RFC 7208, whole, and what it doesn't cover.
#include "spf/check.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/ip.h"
#include "spf/test_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace sekisho;
using namespace sekisho::spf;

namespace {

// Explanation of the suite for "none of the domain's own".
constexpr std::string_view kDefault = "DEFAULT";

Query query_of(const nlohmann::json& test) {
    Query query;
    query.client = IpAddress::parse(test.at("host").get<std::string>()).value();
    query.helo = test.at("helo").get<std::string>();
    query.receiver = "mx.example.org";
    const auto mail_from = test.at("mailfrom").get<std::string>();
    const std::size_t at = mail_from.rfind('@');
    if (at != std::string::npos) {
        query.sender_local = mail_from.substr(0, at);
        query.sender_domain = mail_from.substr(at + 1);
    }
    return query;
}

TEST(Check, OpenspfSuite) {
    const auto text = read_file(
        std::string(SEKISHO_SOURCE_DIR) + "/src/spf/testdata/rfc7208-tests.json", 1U << 20U
    );
    ASSERT_TRUE(text) << text.error().message;
    const auto suite = nlohmann::json::parse(*text);
    int tests = 0;
    for (const auto& group : suite.at("groups")) {
        const TestZone zone = TestZone::of_suite(group.at("zonedata"));
        for (const auto& [name, test] : group.at("tests").items()) {
            SCOPED_TRACE(group.at("description").get<std::string>() + ": " + name);
            const Outcome outcome = zone.check(query_of(test));
            const auto wanted = test.at("result").get<std::vector<std::string>>();
            EXPECT_THAT(wanted, testing::Contains(std::string(spf::name(outcome.result))))
                << outcome.problem;
            if (test.contains("explanation")) {
                const auto explanation = test.at("explanation").get<std::string>();
                EXPECT_EQ(outcome.explanation, explanation == kDefault ? "" : explanation);
            }
            ++tests;
        }
    }
    EXPECT_EQ(tests, 203);
}

Query query(std::string_view client, std::string sender_domain, std::string sender_local = "a") {
    Query out;
    out.client = IpAddress::parse(client).value();
    out.helo = "mx.client.example";
    out.sender_local = std::move(sender_local);
    out.sender_domain = std::move(sender_domain);
    out.receiver = "mx.our.example";
    return out;
}

TEST(Check, AsksForOneThingAfterTheOther) {
    const Query asked = query("192.0.2.1", "Example.NET");
    Answers answers;
    const Step first = check(asked, answers);
    ASSERT_TRUE(std::holds_alternative<Questions>(first));
    const Question record{RecordType::Txt, "example.net"};
    EXPECT_THAT(std::get<Questions>(first), testing::ElementsAre(record));
    answers[record].texts = {"v=spf1 mx -all"};
    const Question exchange{RecordType::Mx, "example.net"};
    EXPECT_THAT(std::get<Questions>(check(asked, answers)), testing::ElementsAre(exchange));
    answers[exchange].texts = {"mx1.example.net", "MX2.example.net", "mx1.example.net"};
    const Question one{RecordType::A, "mx1.example.net"};
    const Question two{RecordType::A, "mx2.example.net"};
    EXPECT_THAT(std::get<Questions>(check(asked, answers)), testing::ElementsAre(one, two));
    answers[one];
    answers[two].addresses = {IpAddress::parse("192.0.2.1").value()};
    const Outcome outcome = std::get<Outcome>(check(asked, answers));
    EXPECT_EQ(outcome.result, Code::Pass);
    EXPECT_EQ(outcome.mechanism, "mx");
    EXPECT_EQ(outcome.domain, "example.net");
    EXPECT_EQ(outcome.identity, Identity::MailFrom);
}

TEST(Check, TheNullSenderIsCheckedByHelo) {
    TestZone zone;
    zone.txt("mx.client.example", "v=spf1 ip4:192.0.2.0/24 -all");
    const Outcome outcome = zone.check(query("192.0.2.1", "", ""));
    EXPECT_EQ(outcome.result, Code::Pass);
    EXPECT_EQ(outcome.identity, Identity::Helo);
    EXPECT_EQ(outcome.domain, "mx.client.example");
}

// RFC 8616 §4
TEST(Check, LocalPartsBeyondAsciiMatchNoMacroOfThem) {
    TestZone zone;
    zone.txt("example.net", "v=spf1 exists:%{l}.users.example.net -all exp=%{s}.x.example.net");
    zone.a("user.users.example.net", "127.0.0.2");
    EXPECT_EQ(zone.check(query("192.0.2.1", "example.net", "user")).result, Code::Pass);
    const Outcome outcome = zone.check(query("192.0.2.1", "example.net", "利用者"));
    EXPECT_EQ(outcome.result, Code::Fail);
    EXPECT_EQ(outcome.explanation, "");
    zone.txt("redirected.example", "v=spf1 redirect=%{l}.policy.example");
    EXPECT_EQ(zone.check(query("192.0.2.1", "redirected.example", "利用者")).result, Code::Neutral);
}

TEST(Check, ExplanationsAreShortAndPrintable) {
    TestZone zone;
    zone.txt("example.net", "v=spf1 -all exp=why.example.net");
    zone.txt("why.example.net", "no %{i} for %{r}: " + std::string(500, 'x'));
    const Outcome outcome = zone.check(query("2001:db8::1", "example.net"));
    EXPECT_EQ(outcome.result, Code::Fail);
    EXPECT_THAT(outcome.explanation, testing::StartsWith("no 2.0.0.1.0.D.B.8.0."));
    EXPECT_LE(outcome.explanation.size(), 310U);
}

TEST(Check, ProblemsNameTheirCause) {
    TestZone zone;
    zone.txt("example.net", "v=spf1 ipv4:192.0.2.1 -all");
    const Outcome outcome = zone.check(query("192.0.2.1", "example.net"));
    EXPECT_EQ(outcome.result, Code::PermError);
    EXPECT_EQ(outcome.problem, "example.net: \"ipv4:192.0.2.1\" is no term of SPF");
    zone.dead("dead.example");
    EXPECT_EQ(zone.check(query("192.0.2.1", "dead.example")).problem, "no answer for dead.example");
}

// A record can't make us ask without end, whatever it says.
TEST(Check, QuestionsAreBounded) {
    TestZone zone;
    std::string record = "v=spf1";
    for (int i = 0; i < 10; ++i) {
        record += " mx:m" + std::to_string(i) + ".example.net";
        for (int j = 0; j < 10; ++j) {
            const std::string host =
                "h" + std::to_string(i) + "-" + std::to_string(j) + ".example.net";
            zone.mx("m" + std::to_string(i) + ".example.net", host);
            zone.a(host, "198.51.100.1");
        }
    }
    zone.txt("example.net", record + " -all");
    const Outcome outcome = zone.check(query("192.0.2.1", "example.net"));
    EXPECT_EQ(outcome.result, Code::Fail);
    EXPECT_EQ(zone.asked(), 111);  // the record, 10 MX, 10 addresses each
}

}  // namespace

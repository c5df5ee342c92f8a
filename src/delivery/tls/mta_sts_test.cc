#include "delivery/tls/mta_sts.h"

#include "base/result.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

using namespace std::chrono_literals;
using Mode = StsPolicy::Mode;

// RFC 8461 §3.2, with the line ends it allows.
constexpr const char* kPolicy =
    "version: STSv1\r\nmode: enforce\r\nmx: mail.Example.com\r\nmx: *.example.net\n"
    "mx: backupmx.example.com\nmax_age: 604800\n";

std::string problem(const std::string& text) {
    const auto policy = parse_sts_policy(text);
    return policy ? "" : policy.error().message;
}

// RFC 8461 §3.1
TEST(MtaSts, TheRecordHasAnId) {
    EXPECT_EQ(sts_id({"v=STSv1; id=20160831085700Z;"}), "20160831085700Z");
    EXPECT_EQ(sts_id({"v=spf1 -all", "v=STSv1;id=a", "other"}), "a");
    EXPECT_EQ(sts_id({"v = STSv1 ; new=x; id = A1"}), "A1");
    EXPECT_FALSE(sts_id({})) << "none";
    EXPECT_FALSE(sts_id({"v=STSv1; id=1;", "v=STSv1; id=2;"})) << "not exactly one";
    EXPECT_FALSE(sts_id({"v=STSv1;"}));
    EXPECT_FALSE(sts_id({"v=STSv1"}));
    EXPECT_FALSE(sts_id({"v=STSv2; id=1;"}));
    EXPECT_FALSE(sts_id({"v=stsv1; id=1;"})) << "case matters";
    EXPECT_FALSE(sts_id({"id=1; v=STSv1;"})) << "the version comes first";
    EXPECT_FALSE(sts_id({"v=STSv1; id=1-2;"}));
    EXPECT_FALSE(sts_id({"v=STSv1; id=" + std::string(33, '1')}));
    EXPECT_TRUE(sts_id({"v=STSv1; id=" + std::string(32, '1')}));
}

TEST(MtaSts, ThePolicyOfTheRfc) {
    const auto policy = parse_sts_policy(kPolicy);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->mode, Mode::Enforce);
    EXPECT_EQ(
        policy->mx,
        (std::vector<std::string>{"mail.example.com", "*.example.net", "backupmx.example.com"})
    );
    EXPECT_EQ(policy->max_age, 168h);
    const auto none = parse_sts_policy("version: STSv1\nmode: none\nmax_age: 0\n");
    ASSERT_TRUE(none) << "no mx needed";
    EXPECT_EQ(none->mode, Mode::None);
    const auto loose = parse_sts_policy(
        "version:STSv1\n\nmode :testing\nmode: enforce\nsts: new\nmx: a\nmax_age: 31557600"
    );
    ASSERT_TRUE(loose) << loose.error().message;
    EXPECT_EQ(loose->mode, Mode::Testing) << "the first of a repeated field";
    EXPECT_EQ(name(loose->mode), "testing");
}

TEST(MtaSts, FaultyPoliciesAreNone) {
    EXPECT_EQ(problem(""), "version isn't STSv1");
    EXPECT_EQ(problem("version: STSv2\nmode: none\nmax_age: 1\n"), "version isn't STSv1");
    EXPECT_NE(
        problem("version: STSv1\nmode: Enforce\nmx: a\nmax_age: 1\n").find("mode"),
        std::string::npos
    );
    EXPECT_NE(problem("version: STSv1\nmax_age: 1\n").find("mode isn't"), std::string::npos);
    for (const char* age : {"", "-1", "1d", "31557601", "99999999999999999999"}) {
        EXPECT_NE(
            problem("version: STSv1\nmode: none\nmax_age: " + std::string(age)).find("max_age"),
            std::string::npos
        ) << age;
    }
    EXPECT_EQ(problem("version: STSv1\nmode: testing\nmax_age: 1\n"), "no mx");
    EXPECT_NE(problem("version: STSv1\nmx: *\n").find("mx is no host"), std::string::npos);
    EXPECT_NE(problem("version: STSv1\nmx: a.*.b\n").find("mx is no host"), std::string::npos);
    EXPECT_NE(problem("<html>").find("without \"key: value\""), std::string::npos);
    std::string many = "version: STSv1\nmode: enforce\nmax_age: 1\n";
    for (int i = 0; i <= 1000; ++i) {
        many += "mx: a\n";
    }
    EXPECT_NE(problem(many).find("more than 1000"), std::string::npos);
    EXPECT_NE(problem(std::string(kStsPolicyMax + 1, '\n')).find("64 KiB"), std::string::npos);
}

// RFC 8461 §4.1
TEST(MtaSts, AWildcardIsOneLabel) {
    const std::vector<std::string> patterns{"mx.example.com", "*.example.net"};
    EXPECT_TRUE(sts_matches(patterns, "MX.example.com"));
    EXPECT_TRUE(sts_matches(patterns, "a.Example.net"));
    for (const char* other :
         {"a.b.example.net", "example.net", ".example.net", "mx.example.com.", "x.example.com", ""
         }) {
        EXPECT_FALSE(sts_matches(patterns, other)) << other;
    }
    EXPECT_FALSE(sts_matches({}, "mx.example.com"));
}

}  // namespace
}  // namespace sekisho::delivery

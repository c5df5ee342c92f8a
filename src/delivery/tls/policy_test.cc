#include "delivery/tls/policy.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

TlsRule rule(const std::string& domain, const std::string& text) {
    TlsRule result;
    const auto wrong = read_tls_rule(domain, text, result);
    EXPECT_FALSE(wrong) << *wrong;
    return result;
}

std::string wrong(const std::string& domain, const std::string& text) {
    TlsRule unchanged{.domain = "before", .level = TlsLevel::None, .mx = {}};
    const auto found = read_tls_rule(domain, text, unchanged);
    EXPECT_EQ(unchanged.domain, "before");
    return found.value_or("");
}

TEST(TlsPolicy, LevelsHaveNames) {
    for (const TlsLevel level :
         {TlsLevel::None,
          TlsLevel::Opportunistic,
          TlsLevel::Auto,
          TlsLevel::Required,
          TlsLevel::Verified,
          TlsLevel::Dane}) {
        EXPECT_EQ(parse_tls_level(name(level)), level);
    }
    EXPECT_FALSE(parse_tls_level("May"));
    EXPECT_FALSE(parse_tls_level(""));
}

TEST(TlsPolicy, ARuleIsALevelAndPerhapsHosts) {
    const TlsRule plain = rule("Bank.Example", " verified ");
    EXPECT_EQ(plain.domain, "bank.example");
    EXPECT_EQ(plain.level, TlsLevel::Verified);
    EXPECT_TRUE(plain.mx.empty());
    const TlsRule hosts = rule("*", "required MX1.example.net  *.mx.example.net");
    EXPECT_EQ(hosts.mx, (std::vector<std::string>{"mx1.example.net", "*.mx.example.net"}));
}

TEST(TlsPolicy, FaultsAreNamed) {
    EXPECT_NE(wrong("a..b", "none").find("\"a..b\" is no domain"), std::string::npos);
    EXPECT_NE(wrong("*.example.net", "none").find("is no domain"), std::string::npos);
    EXPECT_NE(wrong("", "none").find("is no domain"), std::string::npos);
    EXPECT_NE(wrong("a.example", "secure").find("expected none, opportunistic"), std::string::npos);
    EXPECT_NE(wrong("a.example", "none mx_!").find("\"mx_!\" is no mail host"), std::string::npos);
    EXPECT_NE(wrong("a.example", "  ").find("no policy for \"a.example\""), std::string::npos);
}

TEST(TlsPolicy, TheMostExactRuleCountsInAnyOrder) {
    std::vector<TlsRule> rules{
        rule("*", "opportunistic"),
        rule(".example.net", "required"),
        rule(".b.example.net", "verified"),
        rule("a.b.example.net", "none"),
    };
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(tls_rule_for(rules, "example.org").level, TlsLevel::Opportunistic);
        EXPECT_EQ(tls_rule_for(rules, "example.net").level, TlsLevel::Opportunistic)
            << "\".example.net\" is what is below it";
        EXPECT_EQ(tls_rule_for(rules, "notexample.net").level, TlsLevel::Opportunistic);
        EXPECT_EQ(tls_rule_for(rules, "c.example.net").level, TlsLevel::Required);
        EXPECT_EQ(tls_rule_for(rules, "c.b.example.net").level, TlsLevel::Verified);
        EXPECT_EQ(tls_rule_for(rules, "a.b.example.net").level, TlsLevel::None);
        std::ranges::rotate(rules, rules.begin() + 1);
    }
    EXPECT_EQ(tls_rule_for({}, "example.org"), TlsRule{});
    EXPECT_EQ(TlsRule{}.level, TlsLevel::Auto);
}

}  // namespace
}  // namespace sekisho::delivery

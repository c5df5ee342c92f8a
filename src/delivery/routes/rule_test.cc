#include "delivery/routes/rule.h"

#include "delivery/tls/policy.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

RouteRule rule(const std::string& name) {
    RouteRule made;
    made.name = name;
    made.domains = {"*"};
    return made;
}

std::string chosen(
    const std::vector<RouteRule>& rules, const RouteQuestion& question, bool own = false
) {
    const RouteRule* const found = route_for(rules, question, own);
    return found == nullptr ? "" : found->name;
}

TEST(RouteRuleTest, TheFirstThatFitsInAllItsConditions) {
    std::vector<RouteRule> rules;
    rules.push_back(rule("bounces"));
    rules.back().senders = {"<>"};
    rules.push_back(rule("taro's"));
    rules.back().senders = {"taro@example.net"};
    rules.back().domains = {"bank.example", ".gov.example"};
    rules.push_back(rule("shop"));
    rules.back().senders = {"shop.example", ".shop.example"};
    rules.push_back(rule("robot"));
    rules.back().domains.clear();
    rules.back().accounts = {"robot"};
    EXPECT_EQ(chosen(rules, {"any.example", "", ""}), "bounces");
    EXPECT_EQ(chosen(rules, {"bank.example", "Taro@Example.net", ""}), "taro's");
    EXPECT_EQ(chosen(rules, {"a.gov.example", "taro@example.net", ""}), "taro's");
    EXPECT_EQ(chosen(rules, {"gov.example", "taro@example.net", ""}), "");
    EXPECT_EQ(chosen(rules, {"bank.example", "hanako@example.net", ""}), "");
    EXPECT_EQ(chosen(rules, {"any.example", "x@shop.example", ""}), "shop");
    EXPECT_EQ(chosen(rules, {"any.example", "x@eu.shop.example", ""}), "shop");
    EXPECT_EQ(chosen(rules, {"any.example", "x@workshop.example", ""}), "");
    EXPECT_EQ(chosen(rules, {"any.example", "x@y.example", "robot"}), "robot");
}

TEST(RouteRuleTest, OurOwnDomainsLeaveOnlyByName) {
    std::vector<RouteRule> rules{rule("all")};
    EXPECT_EQ(chosen(rules, {"example.net", "x@y.example", ""}, true), "");
    rules.push_back(rule("inside"));
    rules.back().domains = {"example.net"};
    EXPECT_EQ(chosen(rules, {"example.net", "x@y.example", ""}, true), "inside");
    rules.back().domains.clear();
    EXPECT_EQ(chosen(rules, {"example.net", "x@y.example", ""}, true), "");
}

std::string wrong(const RouteRule& written) {
    RouteRule copy = written;
    return check_route(copy).value_or("");
}

TEST(RouteRuleTest, WhatIsWrongIsNamed) {
    RouteRule good = rule("g");
    good.via = {"relay.example.net:587", "192.0.2.1:25", "[2001:db8::1]:465"};
    EXPECT_EQ(wrong(good), "");
    RouteRule bad = good;
    bad.via = {"relay.example.net"};
    EXPECT_TRUE(wrong(bad).starts_with("via: \"relay.example.net\" is not HOST:PORT"));
    bad.via = {"/run/lmtp"};
    EXPECT_TRUE(wrong(bad).starts_with("via:"));
    bad.protocol = RouteRule::Protocol::Lmtp;
    EXPECT_EQ(wrong(bad), "");
    bad.via = {"/run/lmtp", "192.0.2.1:24"};
    EXPECT_TRUE(wrong(bad).contains("stands alone"));
    bad.via.clear();
    EXPECT_TRUE(wrong(bad).starts_with("via: is missing"));
    bad = good;
    bad.domains = {"exa mple"};
    EXPECT_TRUE(wrong(bad).starts_with("domains:"));
    bad.domains.clear();
    EXPECT_TRUE(wrong(bad).contains("all missing"));
    bad.senders = {"@example.net"};
    EXPECT_TRUE(wrong(bad).starts_with("senders:"));
    for (const char* text :
         {"x:0", "x:70000", "[x]:25", "2001:db8::1:25", ":25", ".:25", "a b:1"}) {
        EXPECT_FALSE(parse_route_host(text)) << text;
    }
}

TEST(RouteRuleTest, ALoginGoesUnderTls) {
    RouteRule login = rule("l");
    login.via = {"relay.example.net:587"};
    login.login = "taro";
    EXPECT_TRUE(wrong(login).contains("go together"));
    login.password_file = "password";
    ASSERT_EQ(check_route(login), std::nullopt);
    EXPECT_EQ(login.tls->level, TlsLevel::Verified) << "unless something else is said";
    login.tls->level = TlsLevel::Opportunistic;
    EXPECT_EQ(wrong(login), "");
    login.tls->level = TlsLevel::None;
    EXPECT_TRUE(wrong(login).contains("login_without_tls"));
    login.login_without_tls = true;
    EXPECT_EQ(wrong(login), "");
    login.protocol = RouteRule::Protocol::Submissions;
    EXPECT_TRUE(wrong(login).contains("nothing but TLS"));
    login.protocol = RouteRule::Protocol::Lmtp;
    EXPECT_TRUE(wrong(login).contains("LMTP"));
    login.protocol = RouteRule::Protocol::Smtp;
    login.via.clear();
    EXPECT_TRUE(wrong(login).contains("by MX"));
    RouteRule none = rule("n");
    none.login_without_tls = true;
    EXPECT_TRUE(wrong(none).contains("there is no login"));
}

}  // namespace
}  // namespace sekisho::delivery

#include "spf/macro.h"

#include "base/ip.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::spf;

namespace {

// RFC 7208 §7.4
MacroValues example() {
    MacroValues values;
    values.local = "strong-bad";
    values.sender_domain = "email.example.com";
    values.domain = "email.example.com";
    values.client = IpAddress::parse("192.0.2.3").value();
    values.validated = "mx.example.org";
    values.helo = "mx.example.org";
    values.seconds = 1'234'567;
    return values;
}

std::string expanded(std::string_view text, const MacroValues& values = example()) {
    const auto parsed = parse_macro_string(text, MacroPlace::Explanation);
    return parsed ? expand(*parsed, values) : "(no macro string)";
}

TEST(Macro, ExamplesOfTheRfc) {
    EXPECT_EQ(expanded("%{s}"), "strong-bad@email.example.com");
    EXPECT_EQ(expanded("%{o}"), "email.example.com");
    EXPECT_EQ(expanded("%{d4}"), "email.example.com");
    EXPECT_EQ(expanded("%{d2}"), "example.com");
    EXPECT_EQ(expanded("%{d1}"), "com");
    EXPECT_EQ(expanded("%{dr}"), "com.example.email");
    EXPECT_EQ(expanded("%{d2r}"), "example.email");
    EXPECT_EQ(expanded("%{l}"), "strong-bad");
    EXPECT_EQ(expanded("%{l-}"), "strong.bad");
    EXPECT_EQ(expanded("%{lr-}"), "bad.strong");
    EXPECT_EQ(expanded("%{l1r-}"), "strong");
    EXPECT_EQ(expanded("%{ir}.%{v}._spf.%{d2}"), "3.2.0.192.in-addr._spf.example.com");
    EXPECT_EQ(expanded("%{lr-}.lp._spf.%{d2}"), "bad.strong.lp._spf.example.com");
    EXPECT_EQ(
        expanded("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}"),
        "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"
    );
    EXPECT_EQ(
        expanded("%{d2}.trusted-domains.example.net"), "example.com.trusted-domains.example.net"
    );
    MacroValues six = example();
    six.client = IpAddress::parse("2001:db8::cb01").value();
    EXPECT_EQ(
        expanded("%{ir}.%{v}._spf.%{d2}", six),
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com"
    );
}

TEST(Macro, EscapesAndExplanationLetters) {
    EXPECT_EQ(expanded("a%%b%_c%-d"), "a%b c%20d");
    EXPECT_EQ(expanded("%{c} %{r} %{t} %{h}"), "192.0.2.3 unknown 1234567 mx.example.org");
    EXPECT_EQ(expanded("%{S}"), "strong-bad%40email.example.com");
}

TEST(Macro, Grammar) {
    for (const std::string_view bad :
         {"%", "%a", "%{", "%{}", "%{x}", "%{d0}", "%{d2rr}", "%{d2;}", "%{dr2}", "a\x80", "a\tb"
         }) {
        EXPECT_FALSE(parse_macro_string(bad, MacroPlace::Explanation)) << bad;
    }
    EXPECT_FALSE(parse_macro_string("a b", MacroPlace::Term));
    EXPECT_FALSE(parse_macro_string("%{c}", MacroPlace::Term));
    EXPECT_TRUE(parse_macro_string("%{D999999999999999999999R.-+,/_=}", MacroPlace::Term));
}

TEST(Macro, DomainSpecs) {
    for (const std::string_view good :
         {"example.com",
          "example.com.",
          "%{d}",
          "a.%{d}",
          "a%{d2}",
          "foo:bar/baz.example.com",
          "a.xn--zckzah",
          "_spf.%{d}.example"}) {
        EXPECT_TRUE(parse_domain_spec(good)) << good;
    }
    for (const std::string_view bad :
         {"", ".", "museum", "museum.", "a.1", "a.-b", "a.b-", "%{d}com", "a..", "a.b_c"}) {
        EXPECT_FALSE(parse_domain_spec(bad)) << bad;
    }
}

TEST(Macro, LongDomainsLoseLabelsFromTheLeft) {
    MacroValues values = example();
    values.local = std::string(200, 'a') + "." + std::string(60, 'b');
    const auto spec = parse_domain_spec("%{l}.Example.com.");
    ASSERT_TRUE(spec);
    EXPECT_EQ(expand_domain(*spec, values), std::string(60, 'b') + ".example.com");
}

}  // namespace

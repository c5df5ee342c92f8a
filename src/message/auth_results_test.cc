#include "message/auth_results.h"

#include "message/header.h"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

using namespace sekisho::message;

namespace {

TEST(AuthResults, OfSeveralMethods) {
    const std::vector<MethodResult> results{
        {.method = "spf",
         .result = "pass",
         .comment = "mx.our.example: a (b) says",
         .reason = {},
         .properties = {{"smtp.mailfrom", "a@example.net"}}},
        {.method = "dkim",
         .result = "fail",
         .comment = {},
         .reason = "body \"changed\"",
         .properties = {{"header.d", "example.net"}, {"header.b", "dzdVyOfA"}}},
        {.method = "iprev",
         .result = "pass",
         .comment = {},
         .reason = {},
         .properties = {{"policy.iprev", "2001:db8::1"}}},
    };
    EXPECT_EQ(
        auth_results_field("mx.our.example", results),
        "Authentication-Results: mx.our.example; spf=pass (mx.our.example: a \\(b\\)\r\n"
        " says) smtp.mailfrom=a@example.net; dkim=fail reason=\"body \\\"changed\\\"\"\r\n"
        " header.d=example.net header.b=dzdVyOfA; iprev=pass policy.iprev=\"2001:db8::1\"\r\n"
    );
    EXPECT_EQ(
        auth_results_field("mx.our.example", {}), "Authentication-Results: mx.our.example; none\r\n"
    );
}

TEST(AuthResults, WhatPeersSayStaysInItsPlace) {
    const std::vector<MethodResult> results{
        {.method = "spf",
         .result = "none",
         .comment = "a\r\nX: y",
         .reason = {},
         .properties = {{"smtp.mailfrom", "\"a; dmarc=pass\"@example.net"}, {"smtp.helo", "a b"}}},
    };
    const std::string field = auth_results_field("mx", results);
    EXPECT_EQ(
        field,
        "Authentication-Results: mx; spf=none (a\\\\x0d\\\\x0aX: y) smtp.mailfrom=\"\\\"a;\r\n"
        " dmarc=pass\\\"@example.net\" smtp.helo=\"a b\"\r\n"
    );
}

TEST(AuthservId, IsFoundInAllItsForms) {
    for (const std::string_view value :
         {"mx.our.example; none",
          " MX.Our.Example;none",
          "mx.our.example",
          "mx.our.example 1; spf=pass",
          "(hello (you)\\) ) mx.our.example (there) / 1 ; spf=pass",
          "\"mx.our.example\"; spf=pass",
          "\"mx\\.our.exam\r\n ple\"; x",
          "\r\n mx.our.example\r\n ; none",
          "mx.our.example(comment); none"}) {
        EXPECT_EQ(authserv_id(value).substr(0, 11), "mx.our.exam") << value;
    }
    for (const std::string_view value : {"", "  ", "(never ends", "\"never ends", "; spf=pass"}) {
        EXPECT_EQ(authserv_id(value), "") << value;
    }
}

bool pretends(std::string_view line) {
    static const std::array<std::string, 2> ours{"mx.our.example", "our.jp"};
    const std::string message = std::string(line) + "\r\n\r\n";
    const Header header = Header::scan(message);
    return header.fields().size() == 1 && pretends_to_be_ours(header.fields().front(), ours);
}

TEST(AuthResults, ForgedOnesAreKnown) {
    EXPECT_TRUE(pretends("Authentication-Results: mx.our.example; dmarc=pass"));
    EXPECT_TRUE(pretends("AUTHENTICATION-RESULTS: (x) MX.OUR.example. 99; dmarc=pass"));
    EXPECT_TRUE(pretends("Authentication-Results : \"mx.our.example\"; dmarc=pass"));
    EXPECT_TRUE(pretends("Authentication-Results: our.jp; dmarc=pass"));
    EXPECT_TRUE(pretends("Authentication-Results: inner.our.jp; dmarc=pass"));
    EXPECT_TRUE(pretends("Authentication-Results:"));
    EXPECT_TRUE(pretends("Authentication-Results: \r\n mx.our.example;\r\n dmarc=pass"));
    EXPECT_FALSE(pretends("Authentication-Results: mx.other.example; dmarc=pass"));
    EXPECT_FALSE(pretends("Authentication-Results: notour.jp; dmarc=pass"));
    EXPECT_FALSE(pretends("Authentication-Results: other.example (our.jp); dmarc=pass"));
    EXPECT_FALSE(pretends("X-Authentication-Results: our.jp; dmarc=pass"));
}

}  // namespace

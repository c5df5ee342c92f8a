#include "peer/name_patterns.h"

#include "base/ip.h"
#include "peer/host_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::peer {
namespace {

using testing::HasSubstr;

const NamePatterns& ours() {
    return NamePatterns::built_in();
}

std::string fault(std::string_view text) {
    const auto read = ours().with(text);
    return read ? "none" : read.error().message;
}

TEST(NamePatterns, TheFileIsRead) {
    EXPECT_TRUE(ours().dynamic.contains("ppp"));
    EXPECT_TRUE(ours().dynamic_beside_numbers.contains("pool"));
    EXPECT_TRUE(ours().fixed.contains("vps"));
    EXPECT_TRUE(ours().mail.contains("mx"));
    EXPECT_TRUE(ours().mail_beginnings.contains("smtp"));
    // A form that begins with a number is no comment.
    EXPECT_TRUE(ours().dynamic_forms.contains("#-#-#-#.*.commufa.jp"));
    EXPECT_EQ(ours().dynamic_forms.size(), 20U);
    EXPECT_TRUE(ours().server_forms.empty());
}

TEST(NamePatterns, WhatIsPrintedCanBeRead) {
    const auto again = NamePatterns{}.with(ours().text());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, ours());
}

TEST(NamePatterns, AnOperatorAddsAndTakesAway) {
    const auto read = ours().with(
        "# ours\n[dynamic]\nkaisen -ppp  # the neighbour's servers are called so\n"
        "[server forms]\n*.HOSTER.example\n"
    );
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->dynamic.contains("kaisen"));
    EXPECT_FALSE(read->dynamic.contains("ppp"));
    EXPECT_TRUE(read->dynamic.contains("pppoe"));
    const IpAddress address = *IpAddress::parse("198.51.100.7");
    const std::string name = "dyn-198-51-100-7.hoster.example";
    EXPECT_EQ(shape_of(name, address).kind, NameKind::Dynamic);
    EXPECT_EQ(shape_of(name, address, *read).kind, NameKind::Plain);
    EXPECT_EQ(shape_of("kaisen4.example.com", address, *read).kind, NameKind::Dynamic);
}

TEST(NamePatterns, SaysWhichLineIsWrong) {
    EXPECT_THAT(fault("ppp\n"), HasSubstr("line 1: there is no section yet"));
    EXPECT_THAT(fault("\n[dynamics]\n"), HasSubstr("line 2: \"[dynamics]\" is no section"));
    EXPECT_THAT(fault("[dynamic]\np7p\n"), HasSubstr("line 2: \"p7p\" is no word"));
    EXPECT_THAT(fault("[dynamic]\n-kaisen\n"), HasSubstr("\"kaisen\" isn't there"));
    EXPECT_THAT(fault("[dynamic forms]\n*.*.*.*.*.example\n"), HasSubstr("at most four *"));
    EXPECT_THAT(fault("[server forms]\nhoster\n"), HasSubstr("at least one dot"));
    EXPECT_EQ(fault(""), "none");
}

TEST(NamePatterns, FormsMatchTheWholeName) {
    EXPECT_TRUE(matches_form("p1234-ip77.tokyo.ocn.ne.jp", "p#-ip*.ocn.ne.jp"));
    EXPECT_FALSE(matches_form("p1234-ip77.tokyo.ocn.ne.jp.example", "p#-ip*.ocn.ne.jp"));
    EXPECT_TRUE(matches_form("zaq3dc0.zaq.ne.jp", "zaq%.*zaq.ne.jp"));
    EXPECT_FALSE(matches_form("", "#"));
}

}  // namespace
}  // namespace sekisho::peer

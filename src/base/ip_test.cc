#include "base/ip.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
    EXPECT_EQ(IpAddress::parse("192.0.2.1")->text(), "192.0.2.1");
    EXPECT_EQ(IpAddress::parse("2001:0DB8:0::1")->text(), "2001:db8::1");
    EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1")->text(), "192.0.2.1");
    for (const char* bad :
         {"", "192.0.2", "192.0.2.256", "1.2.3.4.5", "::g", "192.0.2.1 ", ":::", "0x7f.1"}) {
        EXPECT_FALSE(IpAddress::parse(bad)) << bad;
    }
}

TEST(Prefix, HostBitsAreAnErrorThatNamesThePrefixMeant) {
    const auto prefix = Prefix::parse("192.0.2.1/24");
    ASSERT_FALSE(prefix);
    EXPECT_EQ(
        prefix.error().message, "\"192.0.2.1/24\" has host bits set; the prefix is 192.0.2.0/24"
    );
}

TEST(Prefix, ContainsByBitsNotByBytes) {
    const Prefix p = *Prefix::parse("192.0.2.128/25");
    EXPECT_TRUE(p.contains(*IpAddress::parse("192.0.2.128")));
    EXPECT_TRUE(p.contains(*IpAddress::parse("192.0.2.255")));
    EXPECT_FALSE(p.contains(*IpAddress::parse("192.0.2.127")));
    EXPECT_FALSE(p.contains(*IpAddress::parse("2001:db8::1")));
    EXPECT_TRUE(Prefix::parse("2001:db8::/32")->contains(*Prefix::parse("2001:db8:ff::/48")));
    EXPECT_FALSE(Prefix::parse("2001:db8:ff::/48")->contains(*Prefix::parse("2001:db8::/32")));
}

TEST(Prefix, LastAddress) {
    EXPECT_EQ(Prefix::parse("192.0.2.0/23")->last().text(), "192.0.3.255");
    EXPECT_EQ(Prefix::parse("0.0.0.0/0")->last().text(), "255.255.255.255");
    EXPECT_EQ(Prefix::parse("2001:db8::/126")->last().text(), "2001:db8::3");
    EXPECT_EQ(Prefix::parse("192.0.2.7")->last().text(), "192.0.2.7");
}

TEST(Endpoint, BracketsBelongToIpv6) {
    EXPECT_EQ(Endpoint::parse("[2001:db8::1]:25")->text(), "[2001:db8::1]:25");
    EXPECT_EQ(Endpoint::parse("0.0.0.0:587")->port, 587);
    for (const char* bad :
         {"2001:db8::1:25", "[192.0.2.1]:25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536"}) {
        EXPECT_FALSE(Endpoint::parse(bad)) << bad;
    }
}

TEST(IpAddress, OnlyWhatEverybodyCanReachIsPublic) {
    for (const char* text : {"8.8.8.8", "2606:4700::1111", "223.255.255.1"}) {
        EXPECT_TRUE(IpAddress::parse(text)->is_public()) << text;
    }
    for (const char* text :
         {"10.1.2.3",
          "127.0.0.1",
          "100.64.0.1",
          "169.254.1.1",
          "172.31.0.1",
          "192.168.0.1",
          "192.0.2.1",
          "224.0.0.1",
          "255.255.255.255",
          "0.0.0.0",
          "::",
          "::1",
          "fe80::1",
          "fd00::1",
          "2001:db8::1",
          "ff02::1"}) {
        EXPECT_FALSE(IpAddress::parse(text)->is_public()) << text;
    }
}

}  // namespace
}  // namespace sekisho

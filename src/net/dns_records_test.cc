#include "net/dns_records.h"

#include "base/ip.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::net {
namespace {

using namespace std::string_view_literals;

TEST(DnsRecords, NamesAreLowerCaseAndHaveNoTrailingDot) {
    const auto name = read_name(
        "\x02Mx\x07"
        "EXAMPLE\x00rest"sv
    );
    ASSERT_TRUE(name);
    EXPECT_EQ(name->first, "mx.example");
    EXPECT_EQ(name->second, 12U);
    EXPECT_EQ(read_name("\0"sv)->first, "");
}

TEST(DnsRecords, OddBytesAreEscapedAsInMasterFiles) {
    EXPECT_EQ(
        read_name("\x04"
                  "a.b\\\x03\x00\xff \x00"sv)
            ->first,
        "a\\.b\\\\.\\000\\255\\032"
    );
}

TEST(DnsRecords, MalformedNamesAreNone) {
    EXPECT_FALSE(read_name(""sv));
    EXPECT_FALSE(read_name("\x02m"sv));
    EXPECT_FALSE(read_name("\x02mx"sv));
    EXPECT_FALSE(read_name("\xC0\x0C"sv));  // compression has no place here
    std::string tall;
    for (int i = 0; i < 64; ++i) {
        tall +=
            "\x03"
            "abc";
    }
    EXPECT_FALSE(read_name(tall + '\0'));  // 257 octets
    EXPECT_TRUE(read_name(tall.substr(4) + '\0'));
}

TEST(DnsRecords, Mx) {
    const auto mx = read_mx(
        "\x01\x0A\x02mx\x01"
        "a\x00"sv
    );
    ASSERT_TRUE(mx);
    EXPECT_EQ(mx->preference, 266);
    EXPECT_EQ(mx->host, "mx.a");
    const auto null_mx = read_mx("\x00\x00\x00"sv);  // RFC 7505 §3
    ASSERT_TRUE(null_mx);
    EXPECT_EQ(null_mx->host, "");
    EXPECT_FALSE(read_mx("\x00\x00"sv));
    EXPECT_FALSE(read_mx("\x00\x00\x00x"sv));
}

TEST(DnsRecords, AddressesAndText) {
    EXPECT_EQ(read_a("\xC0\x00\x02\x01"sv)->text(), "192.0.2.1");
    EXPECT_FALSE(read_a("\xC0\x00\x02"sv));
    EXPECT_EQ(read_aaaa("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05"sv)->text(), "2001:db8::5");
    EXPECT_EQ(*read_txt("\x03v=s\x02pf"sv), "v=spf");
    EXPECT_EQ(*read_txt("\x00"sv), "");
    EXPECT_FALSE(
        read_txt("\x05"
                 "abc"sv)
    );
    EXPECT_EQ(
        *read_ptr("\x01"
                  "a\x00"sv),
        "a"
    );
}

TEST(DnsRecords, ServicesAndCertificates) {
    const auto srv = read_srv("\0\1\0\2\x02\x4b\1A\0"sv);
    ASSERT_TRUE(srv);
    EXPECT_EQ(srv->priority, 1);
    EXPECT_EQ(srv->weight, 2);
    EXPECT_EQ(srv->port, 587);
    EXPECT_EQ(srv->target, "a");
    EXPECT_EQ(read_srv("\0\0\0\0\0\0\0"sv)->target, "");
    EXPECT_FALSE(read_srv("\0\0\0\0\0\0"sv));
    EXPECT_FALSE(read_srv("\0\0\0\0\0\0\0x"sv));
    const auto tlsa = read_tlsa("\3\1\1\xff\0"sv);
    ASSERT_TRUE(tlsa);
    EXPECT_EQ(tlsa->usage, 3);
    EXPECT_EQ(tlsa->data, "\xff\0"sv);
    EXPECT_FALSE(read_tlsa("\3\1\1"sv));
}

TEST(DnsRecords, ReverseNames) {
    EXPECT_EQ(reverse_name(*IpAddress::parse("192.0.2.1")), "1.2.0.192.in-addr.arpa");
    EXPECT_EQ(
        reverse_name(*IpAddress::parse("2001:db8::567:89ab")),
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    );
}

TEST(DnsRecords, ListsOfAddresses) {
    EXPECT_EQ(listed_name(*IpAddress::parse("192.0.2.1"), "bl.example"), "1.2.0.192.bl.example");
    EXPECT_EQ(
        listed_name(*IpAddress::parse("2001:db8::1"), "bl.example"),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"
    );
    EXPECT_TRUE(is_listing(*IpAddress::parse("127.0.0.2")));
    EXPECT_FALSE(is_listing(*IpAddress::parse("127.255.255.254")));  // "you may not ask"
    EXPECT_FALSE(is_listing(*IpAddress::parse("192.0.2.1")));        // a zone that was given up
    EXPECT_FALSE(is_listing(*IpAddress::parse("::1")));
}

}  // namespace
}  // namespace sekisho::net

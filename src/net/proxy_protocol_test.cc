#include "net/proxy_protocol.h"

#include "base/bytes.h"
#include "base/ip.h"

#include <cstddef>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::net {
namespace {

using State = ProxyReading::State;

// Reads as a connection does, only what is asked for; `left` is what stays unread.
std::string read(std::string_view bytes, std::string* left = nullptr) {
    std::size_t at = 0;
    ProxyReading reading = read_proxy_header({});
    while (reading.state == State::More) {
        if (at + reading.wanted > bytes.size()) {
            return "more";
        }
        at += reading.wanted;
        reading = read_proxy_header(bytes.substr(0, at));
    }
    if (left != nullptr) {
        *left = bytes.substr(at);
    }
    if (reading.state == State::Bad) {
        return "bad";
    }
    const auto& told = reading.header.addresses;
    return told ? told->client.text() + " to " + told->server.text() : "as it is";
}

std::string v2(const std::string& command_family, const std::string& addresses) {
    std::string out = unhex("0d0a0d0a000d0a515549540a").value() + unhex(command_family).value();
    const std::string octets = unhex(addresses).value();
    out.push_back(static_cast<char>(octets.size() >> 8U));
    out.push_back(static_cast<char>(octets.size() & 0xffU));
    return out + octets;
}

TEST(ProxyProtocol, Version1) {
    std::string left;
    EXPECT_EQ(
        read("PROXY TCP4 192.0.2.1 198.51.100.1 56324 587\r\nEHLO x\r\n", &left),
        "192.0.2.1:56324 to 198.51.100.1:587"
    );
    EXPECT_EQ(left, "EHLO x\r\n");
    EXPECT_EQ(
        read("PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n"), "[2001:db8::1]:1 to [2001:db8::2]:25"
    );
    EXPECT_EQ(read("PROXY UNKNOWN\r\n", &left), "as it is");
    EXPECT_EQ(left, "");
    EXPECT_EQ(read("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nQ", &left), "as it is");
    EXPECT_EQ(left, "Q");
}

TEST(ProxyProtocol, Version1IsReadStrictly) {
    for (const char* wrong :
         {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 587\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 56324 587 9\r\n",
          "PROXY TCP4 192.0.2.1  198.51.100.1 56324 587\r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 65536 587\r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 01 587\r\n",
          "PROXY TCP4 192.0.2.1 198.51.100.1 -1 587\r\n",
          "PROXY TCP4 192.0.2 198.51.100.1 1 587\r\n",
          "PROXY TCP4 ::1 ::2 1 587\r\n",
          "PROXY TCP6 ::1 192.0.2.1 1 587\r\n",
          "PROXY UDP4 192.0.2.1 198.51.100.1 1 587\r\n",
          "PROXY\r\n          ",
          "proxy UNKNOWN\r\n",
          "EHLO mail.example.net\r\n",
          "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03 "}) {
        EXPECT_EQ(read(wrong), "bad") << wrong;
    }
    EXPECT_EQ(read("PROXY TCP4 " + std::string(200, '1')), "bad");
    EXPECT_EQ(read("PROXY TCP4 192.0.2.1"), "more");
}

TEST(ProxyProtocol, Version2) {
    std::string left;
    const std::string v4 = v2("2111", "c0000201c6336401dc04024b");
    EXPECT_EQ(read(v4 + "EHLO", &left), "192.0.2.1:56324 to 198.51.100.1:587");
    EXPECT_EQ(left, "EHLO");
    EXPECT_EQ(
        read(
            v2("2111",
               "c0000201c6336401dc04024b"
               "0400020000")
        ),
        "192.0.2.1:56324 to 198.51.100.1:587"
    ) << "extensions are passed over";
    EXPECT_EQ(
        read(
            v2("2121",
               "20010db8000000000000000000000001"
               "20010db8000000000000000000000002"
               "00010019")
        ),
        "[2001:db8::1]:1 to [2001:db8::2]:25"
    );
    EXPECT_EQ(read(v2("2000", "")), "as it is") << "LOCAL";
    EXPECT_EQ(read(v2("2011", "c0000201c6336401dc04024b")), "as it is") << "LOCAL";
    EXPECT_EQ(read(v2("2131", std::string(432, '0'))), "as it is") << "Unix-domain sockets";
    for (std::size_t length = 0; length < v4.size(); ++length) {
        EXPECT_EQ(read(v4.substr(0, length)), "more") << length;
    }
}

TEST(ProxyProtocol, Version2IsReadStrictly) {
    EXPECT_EQ(read(v2("1111", "c0000201c6336401dc04024b")), "bad") << "version 1 in binary";
    EXPECT_EQ(read(v2("2211", "c0000201c6336401dc04024b")), "bad") << "an unknown command";
    EXPECT_EQ(read(v2("2111", "c0000201c6336401dc0402")), "bad") << "short of a port's octet";
    EXPECT_EQ(read(v2("2121", "c0000201c6336401dc04024b")), "bad") << "IPv4 addresses as IPv6";
    EXPECT_EQ(read(v2("2111", std::string(2 * kProxyHeaderMax, '0'))), "bad");
    std::string broken = v2("2111", "c0000201c6336401dc04024b");
    broken[11] = '\r';
    EXPECT_EQ(read(broken), "bad");
}

}  // namespace
}  // namespace sekisho::net

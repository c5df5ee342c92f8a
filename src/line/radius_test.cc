#include "line/radius.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"
#include "line/memory_store.h"
#include "line/radius_packet.h"

#include <openssl/evp.h>

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::line {
namespace {

using namespace std::string_literals;

constexpr Time kNow{Duration{1'700'000'000'000}};
const std::string kSecret = "s3cret";

std::string md5(std::string_view bytes) {
    std::string out(16, '\0');
    EVP_Digest(
        bytes.data(),
        bytes.size(),
        reinterpret_cast<unsigned char*>(out.data()),
        nullptr,
        EVP_md5(),
        nullptr
    );
    return out;
}

std::string u32(std::uint32_t value) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>(value >> static_cast<unsigned>(shift)));
    }
    return out;
}

std::string attribute(std::uint8_t type, std::string_view value) {
    std::string out;
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(value.size() + 2));
    return out.append(value);
}

// An Accounting-Request signed as RFC 2866 §3 says.
std::string packet(std::string_view attributes, const std::string& secret = kSecret) {
    const std::size_t size = 20 + attributes.size();
    std::string head{"\x04\x2a", 2};
    head.push_back(static_cast<char>(size >> 8U));
    head.push_back(static_cast<char>(size & 0xffU));
    const std::string digest = md5(head + std::string(16, '\0') + std::string{attributes} + secret);
    return head + digest + std::string{attributes};
}

std::string status(std::uint32_t value) {
    return attribute(40, u32(value));
}

const std::string kNas = attribute(32, "bras1");
const std::string kId = attribute(44, "0000001A");
const std::string kUser = attribute(1, "u1@Wholesale.Example");
const std::string kAddress = attribute(8, "\xc6\x33\x64\x07");  // 198.51.100.7

class Receiver : public ::testing::Test {
  protected:
    std::optional<std::string> handle(const std::string& bytes, Time now = kNow) {
        return receiver_.handle(bytes, *IpAddress::parse("127.0.0.1"), now);
    }
    Answer who(const char* address, Time at) {
        const IpAddress ip = *IpAddress::parse(address);
        return resolve(*store_.holders(ip, at), ip, at);
    }

    MemoryLineStore store_;
    AccountingReceiver receiver_{
        {.clients =
             {{.from = *Prefix::parse("127.0.0.0/8"), .secret = "another"},
              {.from = *Prefix::parse("127.0.0.1"), .secret = kSecret}}},
        store_
    };
};

TEST_F(Receiver, StartInterimStop) {
    const auto answer = handle(packet(status(1) + kNas + kId + kUser + kAddress));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer.value_or("").substr(0, 4), "\x05\x2a\x00\x14"s);
    EXPECT_EQ(who("198.51.100.7", kNow).line, "u1");
    EXPECT_EQ(who("198.51.100.7", kNow).realm, "wholesale.example");
    // Delegated-IPv6-Prefix comes with the first interim.
    const std::string delegated = attribute(123, "\x00\x38\x20\x01\x0d\xb8\x00\x01\x02"s);
    const Time later = kNow + Duration{60'000};
    ASSERT_TRUE(handle(packet(status(3) + kNas + kId + kUser + kAddress + delegated), later));
    EXPECT_EQ(who("2001:db8:1:2ff::1", later).line, "u1");
    EXPECT_EQ(who("2001:db8:1:300::1", later).certainty, Certainty::Unknown);
    const Time end = later + Duration{60'000};
    ASSERT_TRUE(handle(packet(status(2) + kNas + kId + kUser), end));
    EXPECT_EQ(who("198.51.100.7", end).certainty, Certainty::Unknown);
    EXPECT_EQ(who("198.51.100.7", later).line, "u1");
    EXPECT_EQ(receiver_.counters().answered, 3U);
    EXPECT_EQ(receiver_.counters().stops, 1U);
}

TEST_F(Receiver, TheResponseAuthenticatorIsRight) {
    const std::string proxy = attribute(33, "first") + attribute(33, "second");
    const std::string request = packet(status(1) + kNas + kId + kUser + kAddress + proxy);
    const auto answer = handle(request);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->substr(20), proxy) << "Proxy-State comes back, in order";
    const std::string expected =
        md5(answer->substr(0, 4) + request.substr(4, 16) + answer->substr(20) + kSecret);
    EXPECT_EQ(answer->substr(4, 16), expected);
}

TEST_F(Receiver, ARepeatedPacketIsAnsweredAndChangesNothing) {
    const std::string start = packet(status(1) + kNas + kId + kUser + kAddress);
    const std::string stop = packet(status(2) + kNas + kId + attribute(46, u32(30)));
    ASSERT_TRUE(handle(start));
    ASSERT_TRUE(handle(stop, kNow + Duration{30'000}));
    const auto before = store_.sessions_of("u1", 10);
    EXPECT_TRUE(handle(start, kNow + Duration{31'000 - 31'000}));
    EXPECT_TRUE(handle(stop, kNow + Duration{40'000}));
    const auto after = store_.sessions_of("u1", 10);
    ASSERT_EQ(after->size(), before->size());
    EXPECT_EQ(after->at(0).end, before->at(0).end);
}

TEST_F(Receiver, WhoIsUnknownOrHasAnotherSecretGetsNoAnswer) {
    const std::string good = packet(status(1) + kNas + kId + kUser + kAddress);
    EXPECT_FALSE(receiver_.handle(good, *IpAddress::parse("192.0.2.1"), kNow));
    EXPECT_EQ(receiver_.counters().unknown_client, 1U);
    EXPECT_FALSE(receiver_.handle(good, *IpAddress::parse("127.0.0.2"), kNow));
    EXPECT_FALSE(handle(packet(status(1) + kNas + kId + kAddress, "wrong")));
    std::string changed = good;
    changed.back() = '\x08';
    EXPECT_FALSE(handle(changed));
    EXPECT_EQ(receiver_.counters().bad_authenticator, 3U);
    EXPECT_EQ(who("198.51.100.7", kNow).certainty, Certainty::Unknown);
}

TEST_F(Receiver, MalformedPacketsAreCounted) {
    const std::string good = packet(status(1) + kNas + kId + kUser + kAddress);
    std::string access = good;
    access[0] = '\x01';
    std::string longer = good;
    longer[3] = static_cast<char>(longer[3] + 1);
    const std::vector<std::string> bad{
        "",
        good.substr(0, 19),
        access,
        longer,
        packet(status(1) + "\x01\x01"s),
        packet(status(1) + "\x01"s),
        packet(status(1) + "\x01\x50user"s),
        packet(kNas + kId),                          // no status
        packet(status(1) + kNas),                    // no session id
        packet(attribute(40, "\x01") + kNas + kId),  // a short number
        packet(status(1) + kId + attribute(8, "abc")),
        packet(status(1) + kId + attribute(168, "abc")),
        packet(status(1) + kId + attribute(97, "\x00\x81\x20\x01"s)),
        packet(status(1) + kId + attribute(97, "\x00\x40\x20\x01"s)),  // shorter than it says
        packet(status(1) + kId + attribute(97, std::string(19, '\0'))),
        packet(status(1) + kId + attribute(80, "short")),
        std::string(5000, '\x04'),
    };
    for (const std::string& bytes : bad) {
        EXPECT_FALSE(handle(bytes)) << hex(bytes.substr(0, 40));
        EXPECT_FALSE(receiver_.last_error().empty());
    }
    EXPECT_EQ(receiver_.counters().malformed, bad.size());
    EXPECT_TRUE(handle(good + "padding")) << "octets after the length are padding";
}

TEST_F(Receiver, AnAccountingOnEndsTheSessionsOfItsNas) {
    ASSERT_TRUE(handle(packet(status(1) + kNas + kId + kUser + kAddress)));
    ASSERT_TRUE(handle(packet(status(7) + attribute(32, "bras2")), kNow + Duration{1000}));
    EXPECT_EQ(who("198.51.100.7", kNow + Duration{1000}).line, "u1");
    ASSERT_TRUE(handle(packet(status(7) + kNas), kNow + Duration{2000}));
    EXPECT_EQ(who("198.51.100.7", kNow + Duration{2000}).certainty, Certainty::Unknown);
    EXPECT_EQ(who("198.51.100.7", kNow + Duration{1000}).line, "u1");
}

TEST_F(Receiver, WhenItHappened) {
    const auto stamp = [](Time at) {
        return attribute(
            55,
            u32(static_cast<std::uint32_t>(
                std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count()
            ))
        );
    };
    // A packet that comes ten minutes late with its time.
    const Time then = kNow - std::chrono::minutes{10};
    ASSERT_TRUE(handle(packet(status(1) + kNas + kId + kUser + kAddress + stamp(then))));
    EXPECT_EQ(who("198.51.100.7", then).line, "u1");
    EXPECT_EQ(who("198.51.100.7", then - Duration{1}).certainty, Certainty::Unknown);
    // Acct-Delay-Time, where there is no stamp.
    const std::string second =
        attribute(44, "2") + attribute(1, "u2") + attribute(8, "\xc6\x33\x64\x08");
    ASSERT_TRUE(handle(packet(status(1) + kNas + second + attribute(41, u32(120)))));
    EXPECT_EQ(who("198.51.100.8", kNow - std::chrono::minutes{2}).line, "u2");
    // A clock that is a year off is not believed; one a minute ahead begins now.
    const std::string third =
        attribute(44, "3") + attribute(1, "u3") + attribute(8, "\xc6\x33\x64\x09");
    ASSERT_TRUE(handle(packet(status(1) + kNas + third + stamp(kNow - std::chrono::days{365}))));
    EXPECT_EQ(who("198.51.100.9", kNow - Duration{1}).certainty, Certainty::Unknown);
    EXPECT_EQ(who("198.51.100.9", kNow).line, "u3");
    EXPECT_EQ(receiver_.counters().clock_disbelieved, 1U);
    const std::string fourth =
        attribute(44, "4") + attribute(1, "u4") + attribute(8, "\xc6\x33\x64\x0a");
    ASSERT_TRUE(handle(packet(status(1) + kNas + fourth + stamp(kNow + std::chrono::minutes{1}))));
    EXPECT_EQ(who("198.51.100.10", kNow).line, "u4");
    // A Stop alone tells how long it was.
    const std::string fifth =
        attribute(44, "5") + attribute(1, "u5") + attribute(8, "\xc6\x33\x64\x0b");
    ASSERT_TRUE(handle(packet(status(2) + kNas + fifth + attribute(46, u32(3600)))));
    EXPECT_EQ(who("198.51.100.11", kNow - std::chrono::minutes{30}).line, "u5");
    EXPECT_EQ(who("198.51.100.11", kNow).certainty, Certainty::Unknown);
}

TEST_F(Receiver, AddressesThatStandForNoneAreNotHeld) {
    for (const char* address : {"\xff\xff\xff\xff", "\xff\xff\xff\xfe"}) {
        ASSERT_TRUE(handle(packet(status(1) + kNas + kId + kUser + attribute(8, address))));
    }
    ASSERT_TRUE(handle(packet(status(1) + kNas + kId + kUser + attribute(8, "\0\0\0\0"s))));
    ASSERT_TRUE(handle(packet(status(1) + kNas + kId + kUser + attribute(97, "\0\0"s))));
    EXPECT_EQ(receiver_.counters().without_address, 4U);
    EXPECT_TRUE(store_.sessions_of("u1", 1)->at(0).prefixes.empty());
}

TEST_F(Receiver, Ipv6AddressesAndPrefixes) {
    const std::string address = attribute(168, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09"s);
    const std::string framed = attribute(97, "\x00\x40\x20\x01\x0d\xb8\x00\x05\x00\x06"s);
    ASSERT_TRUE(handle(packet(status(1) + kNas + kId + kUser + address + framed)));
    EXPECT_EQ(who("2001:db8::9", kNow).line, "u1");
    EXPECT_EQ(who("2001:db8:5:6::1", kNow).line, "u1");
    EXPECT_EQ(who("2001:db8:5:7::1", kNow).certainty, Certainty::Unknown);
}

// Such an address names an IPv4 line, which no IPv6 attribute may do.
TEST_F(Receiver, Ipv4MappedPrefixesAreRefused) {
    const std::string mapped = std::string(10, '\0') + "\xff\xff\xc6\x33\x64\x07";
    const std::string head = status(1) + kNas + kId + kUser;
    EXPECT_FALSE(handle(packet(head + attribute(97, "\x00\x80"s + mapped))));
    EXPECT_FALSE(handle(packet(head + attribute(123, "\x00\x60"s + mapped))));
    EXPECT_FALSE(handle(packet(head + attribute(168, mapped))));
    EXPECT_EQ(receiver_.counters().malformed, 3U);
    // A shorter prefix only begins like one.
    EXPECT_TRUE(handle(packet(head + attribute(97, "\x00\x40"s + mapped))));
    EXPECT_EQ(store_.sessions_of("u1", 1)->at(0).prefixes.at(0).text(), "::/64");
    EXPECT_EQ(who("198.51.100.7", kNow).certainty, Certainty::Unknown);
}

class BrokenStore final : public LineStore {
  public:
    Status put(const Session&) override { return fail(Errc::Full, "the disk is full"); }
    Status stop(const std::string&, const std::string&, Time) override { return {}; }
    Status stop_all(const std::string&, Time) override { return fail(Errc::Full, "full"); }
    Result<std::vector<Session>> holders(const IpAddress&, Time, std::optional<std::uint16_t>)
        override {
        return {};
    }
    Result<std::vector<Session>> open_on(const std::string&) override { return {}; }
    Result<std::vector<std::string>> open_nas() override { return std::vector<std::string>{}; }
    Result<bool> knows(const std::string&) override { return false; }
    Status each_open(const std::function<void(const Session&)>&) override { return {}; }
    Result<std::vector<Session>> sessions_of(const std::string&, std::size_t) override {
        return {};
    }
};

TEST(RadiusReceiver, WhatIsNotRecordedIsNotAnswered) {
    BrokenStore store;
    AccountingReceiver receiver{
        {.clients = {{.from = *Prefix::parse("0.0.0.0/0"), .secret = kSecret}}}, store
    };
    const std::string start = packet(status(1) + kNas + kId + kUser + kAddress);
    EXPECT_FALSE(receiver.handle(start, *IpAddress::parse("127.0.0.1"), kNow));
    EXPECT_EQ(receiver.counters().store_failures, 1U);
    EXPECT_EQ(receiver.last_error(), "the disk is full");
    // What says nothing about sessions needs no record (Tunnel-Start, RFC 2867 §3.1).
    EXPECT_TRUE(receiver.handle(packet(status(9)), *IpAddress::parse("127.0.0.1"), kNow));
    EXPECT_EQ(receiver.counters().ignored, 1U);
}

TEST(SplitRealm, BothForms) {
    using Pair = std::pair<std::string, std::string>;
    EXPECT_EQ(split_realm("u1@Example.NET"), (Pair{"u1", "example.net"}));
    EXPECT_EQ(split_realm("u1@a@b"), (Pair{"u1@a", "b"}));
    EXPECT_EQ(split_realm("CORP\\u1"), (Pair{"u1", "corp"}));
    EXPECT_EQ(split_realm("u1"), (Pair{"u1", ""}));
    EXPECT_EQ(split_realm("@"), (Pair{"", ""}));
}

}  // namespace
}  // namespace sekisho::line

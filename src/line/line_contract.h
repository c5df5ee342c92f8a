// What every LineStore keeps to: the tests of one, to be instantiated by each implementation's.
// Included by one test file of a program.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::line {

class LineStoreContract
    : public ::testing::TestWithParam<std::function<std::shared_ptr<LineStore>()>> {
  protected:
    static constexpr Time kNoon{Duration{1'700'000'000'000}};
    static constexpr Duration kHour{3'600'000};

    static IpAddress ip(const char* text) { return *IpAddress::parse(text); }
    static Session session(const char* id, const char* line, const char* prefix, Time start) {
        Session out;
        out.id = id;
        out.nas = "bras1";
        out.line = line;
        out.prefixes = {*Prefix::parse(prefix)};
        out.start = start;
        out.seen = start;
        return out;
    }
    std::vector<Session> held(
        const char* address, Time at, std::optional<std::uint16_t> port = std::nullopt
    ) {
        return *store_->holders(ip(address), at, port);
    }
    Answer who(const char* address, Time at, std::optional<std::uint16_t> port = std::nullopt) {
        Answer answer = resolve(held(address, at, port), ip(address), at, port);
        const Holder holder = *store_->holder(ip(address), at, port);
        EXPECT_EQ(holder.certainty, answer.certainty) << address;
        EXPECT_EQ(holder.line, answer.line) << address;
        EXPECT_EQ(holder.realm, answer.realm) << address;
        return answer;
    }

    std::shared_ptr<LineStore> store_ = GetParam()();
};

TEST_P(LineStoreContract, LostAndLateAndRepeatedPackets) {
    const Session one = session("s1", "u1", "198.51.100.7", kNoon);
    ASSERT_TRUE(store_->put(one));
    ASSERT_TRUE(store_->put(one));
    EXPECT_EQ(held("198.51.100.7", kNoon).size(), 1U);
    ASSERT_TRUE(store_->stop("bras1", "s1", kNoon + kHour));
    // A late Start and a second Stop leave it ended.
    ASSERT_TRUE(store_->put(one));
    ASSERT_TRUE(store_->stop("bras1", "s1", kNoon + 2 * kHour));
    EXPECT_TRUE(held("198.51.100.7", kNoon + kHour).empty());
    EXPECT_EQ(held("198.51.100.7", kNoon + kHour - Duration{1}).size(), 1U);
    // A Stop alone makes a whole session.
    Session whole = session("s9", "u9", "198.51.100.9", kNoon);
    whole.end = kNoon + kHour;
    ASSERT_TRUE(store_->put(whole));
    EXPECT_EQ(held("198.51.100.9", kNoon + Duration{1}).size(), 1U);
    EXPECT_TRUE(held("198.51.100.9", kNoon + kHour).empty());
    EXPECT_EQ(store_->stop("bras1", "none", kNoon).error().code, Errc::NotFound);
}

TEST_P(LineStoreContract, AnIdUsedAgain) {
    ASSERT_TRUE(store_->put(session("s1", "u1", "198.51.100.7", kNoon)));
    ASSERT_TRUE(store_->put(session("s1", "u2", "198.51.100.8", kNoon + kHour)));
    EXPECT_TRUE(held("198.51.100.7", kNoon + kHour).empty());
    EXPECT_EQ(held("198.51.100.8", kNoon + kHour).at(0).line, "u2");
    EXPECT_EQ(store_->sessions_of("u1", 10)->at(0).end, kNoon + kHour);
}

TEST_P(LineStoreContract, ARestartEndsWhatWasOpenThere) {
    ASSERT_TRUE(store_->put(session("s1", "u1", "198.51.100.7", kNoon)));
    ASSERT_TRUE(store_->put(session("s2", "u2", "198.51.100.8", kNoon + 2 * kHour)));
    Session other = session("s1", "u3", "198.51.100.9", kNoon);
    other.nas = "bras2";
    ASSERT_TRUE(store_->put(other));
    ASSERT_TRUE(store_->stop_all("bras1", kNoon + kHour));
    EXPECT_TRUE(held("198.51.100.7", kNoon + 2 * kHour).empty());
    EXPECT_EQ(held("198.51.100.8", kNoon + 2 * kHour).size(), 1U);
    EXPECT_EQ(held("198.51.100.9", kNoon + 2 * kHour).size(), 1U);
    EXPECT_EQ(store_->open_on("bras1")->size(), 1U);
    EXPECT_EQ(store_->open_on("bras1")->at(0).line, "u2");
    std::vector<std::string> open = *store_->open_nas();
    std::ranges::sort(open);
    EXPECT_EQ(open, (std::vector<std::string>{"bras1", "bras2"}));
    EXPECT_TRUE(*store_->knows("bras2"));
    EXPECT_FALSE(*store_->knows("bras3"));
}

TEST_P(LineStoreContract, APrefixIsHeldFromWhenItIsFirstNamed) {
    Session one = session("s1", "u1", "198.51.100.7", kNoon);
    ASSERT_TRUE(store_->put(one));
    one.prefixes = {*Prefix::parse("2001:db8:0:100::/56")};
    one.seen = kNoon + kHour;
    one.line.clear();
    ASSERT_TRUE(store_->put(one));
    EXPECT_TRUE(held("2001:db8:0:1ff::1", kNoon).empty());
    EXPECT_EQ(held("2001:db8:0:1ff::1", kNoon + kHour).at(0).line, "u1");
    EXPECT_EQ(held("198.51.100.7", kNoon + kHour).size(), 1U);
    EXPECT_EQ(store_->sessions_of("u1", 10)->at(0).prefixes.size(), 2U);
}

TEST_P(LineStoreContract, ANameThatComesLateIsTheSessionsFromItsStart) {
    Session one = session("s1", "", "198.51.100.7", kNoon);
    one.prefixes.push_back(*Prefix::parse("2001:db8:0:100::/56"));
    ASSERT_TRUE(store_->put(one));
    ASSERT_TRUE(store_->put(session("s2", "u2", "198.51.100.8", kNoon)));
    EXPECT_EQ(who("198.51.100.7", kNoon).certainty, Certainty::Unknown);
    one.line = "u1";
    one.realm = "example.net";
    one.seen = kNoon + kHour;
    ASSERT_TRUE(store_->put(one));
    for (const char* address : {"198.51.100.7", "2001:db8:0:1ff::1"}) {
        EXPECT_EQ(who(address, kNoon).line, "u1") << address;
        EXPECT_EQ(who(address, kNoon).realm, "example.net") << address;
    }
    ASSERT_TRUE(store_->stop("bras1", "s1", kNoon + 2 * kHour));
    EXPECT_EQ(who("198.51.100.7", kNoon).line, "u1");
    EXPECT_EQ(who("198.51.100.8", kNoon).line, "u2");
}

TEST_P(LineStoreContract, ASharedAddressNeedsThePort) {
    const auto share = [&](const char* id, const char* line, const char* ports) {
        Session one = session(id, line, "192.0.2.1", kNoon);
        one.prefixes.push_back(*Prefix::parse(std::string{"2001:db8:0:"} + (id + 1) + "00::/56"));
        one.ports = *PortSet::parse(ports);
        ASSERT_TRUE(store_->put(one));
    };
    share("s1", "u1", "1024-2047");
    share("s2", "u2", "2048-3071");
    share("s3", "u3", "5000-5999");
    share("s4", "u4", "psid 52/8 offset 4");
    EXPECT_EQ(held("192.0.2.1", kNoon).size(), 4U);
    EXPECT_EQ(who("192.0.2.1", kNoon).certainty, Certainty::Ambiguous);
    EXPECT_EQ(who("192.0.2.1", kNoon, 1024).line, "u1");
    EXPECT_EQ(who("192.0.2.1", kNoon, 2047).line, "u1");
    EXPECT_EQ(who("192.0.2.1", kNoon, 2048).line, "u2");
    EXPECT_EQ(who("192.0.2.1", kNoon, 5000).line, "u3");
    EXPECT_EQ(who("192.0.2.1", kNoon, 5999).line, "u3");
    EXPECT_EQ(who("192.0.2.1", kNoon, 6000).certainty, Certainty::Unknown);
    // RFC 7597 §5.1: 4 bits that aren't zero, PSID 52 in 8 bits, 4 bits more.
    EXPECT_EQ(who("192.0.2.1", kNoon, 0x7340).line, "u4");
    EXPECT_EQ(who("192.0.2.1", kNoon, 0x0340).certainty, Certainty::Unknown);
    // IPv6 is nobody else's: its port doesn't matter.
    EXPECT_EQ(who("2001:db8:0:100::1", kNoon, 50000).line, "u1");
    EXPECT_EQ(store_->sessions_of("u4", 1)->at(0).ports.text(), "psid 52/8 offset 4");
    ASSERT_TRUE(store_->stop("bras1", "s2", kNoon + kHour));
    EXPECT_EQ(who("192.0.2.1", kNoon + kHour, 2048).certainty, Certainty::Unknown);
    EXPECT_EQ(who("192.0.2.1", kNoon, 2048).line, "u2");
}

TEST_P(LineStoreContract, OverlappingSessionsAccuseNobody) {
    ASSERT_TRUE(store_->put(session("s1", "u1", "198.51.100.7", kNoon)));
    // The Stop of s1 was lost, and the address went to another.
    ASSERT_TRUE(store_->put(session("s2", "u2", "198.51.100.7", kNoon + kHour)));
    EXPECT_EQ(who("198.51.100.7", kNoon).line, "u1");
    EXPECT_EQ(who("198.51.100.7", kNoon + kHour).certainty, Certainty::Ambiguous);
    EXPECT_TRUE(who("198.51.100.7", kNoon + kHour, 4000).line.empty());
    // Ports of a shared address may be given out twice as well.
    for (const char* id : {"s3", "s4"}) {
        Session one = session(id, id, "192.0.2.1", kNoon);
        one.ports = *PortSet::parse(id[1] == '3' ? "1024-2047" : "2000-2999");
        ASSERT_TRUE(store_->put(one));
    }
    EXPECT_EQ(who("192.0.2.1", kNoon, 1999).line, "s3");
    EXPECT_EQ(who("192.0.2.1", kNoon, 2000).certainty, Certainty::Ambiguous);
    EXPECT_EQ(who("192.0.2.1", kNoon, 2048).line, "s4");
    // One that holds the whole address beside one that shares it.
    ASSERT_TRUE(store_->put(session("s5", "s5", "192.0.2.1", kNoon)));
    EXPECT_EQ(who("192.0.2.1", kNoon, 1999).certainty, Certainty::Ambiguous);
    EXPECT_EQ(who("192.0.2.1", kNoon, 60000).line, "s5");
}

TEST_P(LineStoreContract, ManyAtOnce) {
    std::vector<Session> all;
    for (const char* id : {"s1", "s2", "s3"}) {
        all.push_back(session(id, id, "198.51.100.7", kNoon));
        all.back().end = kNoon + kHour;
    }
    all[2].end.reset();
    ASSERT_TRUE(store_->put_all(all));
    EXPECT_EQ(held("198.51.100.7", kNoon).size(), 3U);
    EXPECT_EQ(held("198.51.100.7", kNoon + kHour).size(), 1U);
    EXPECT_EQ(store_->open_on("bras1")->size(), 1U);
}

}  // namespace sekisho::line

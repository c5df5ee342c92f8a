#include "line/line.h"

#include "base/ip.h"
#include "base/time.h"
#include "line/memory_store.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::line {
namespace {

constexpr Time kNoon{Duration{1'700'000'000'000}};
constexpr Duration kHour{3'600'000};

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

Session session(const char* id, const char* line, const char* prefix, Time start) {
    Session out;
    out.id = id;
    out.nas = "bras1";
    out.line = line;
    out.prefixes = {*Prefix::parse(prefix)};
    out.start = start;
    out.seen = start;
    return out;
}

TEST(Resolve, OneLine) {
    const auto answer =
        resolve({session("s1", "u1", "198.51.100.7", kNoon)}, ip("198.51.100.7"), kNoon);
    EXPECT_EQ(answer.certainty, Certainty::Subscriber);
    EXPECT_EQ(answer.line, "u1");
    EXPECT_NE(answer.reason.find("s1 on bras1"), std::string::npos);
}

TEST(Resolve, TwoLinesAreNeverAccused) {
    const std::vector<Session> both{
        session("s1", "u1", "198.51.100.7", kNoon - kHour),
        session("s2", "u2", "198.51.100.0/24", kNoon - kHour)
    };
    const auto answer = resolve(both, ip("198.51.100.7"), kNoon);
    EXPECT_EQ(answer.certainty, Certainty::Ambiguous);
    EXPECT_TRUE(answer.line.empty());
    EXPECT_NE(answer.reason.find("u1"), std::string::npos);
    EXPECT_NE(answer.reason.find("u2"), std::string::npos);
    std::vector<Session> realms = both;
    realms[1].line = "u1";
    realms[1].realm = "wholesale.example";
    EXPECT_EQ(resolve(realms, ip("198.51.100.7"), kNoon).certainty, Certainty::Ambiguous);
}

TEST(Resolve, TwoSessionsOfOneLineAgree) {
    const std::vector<Session> both{
        session("s1", "u1", "2001:db8::/56", kNoon), session("s2", "u1", "2001:db8::/64", kNoon)
    };
    EXPECT_EQ(resolve(both, ip("2001:db8::1"), kNoon).certainty, Certainty::Subscriber);
}

TEST(Resolve, WhatDoesNotHoldTheAddressThenCountsForNothing) {
    Session ended = session("s1", "u1", "198.51.100.7", kNoon - kHour);
    ended.end = kNoon;
    const std::vector<Session> holders{
        ended,
        session("s2", "u2", "198.51.100.7", kNoon + kHour),
        session("s3", "u3", "198.51.100.8", kNoon - kHour)
    };
    EXPECT_EQ(resolve(holders, ip("198.51.100.7"), kNoon).certainty, Certainty::Unknown);
    EXPECT_EQ(resolve(holders, ip("198.51.100.7"), kNoon - Duration{1}).line, "u1");
    EXPECT_EQ(resolve({}, ip("198.51.100.7"), kNoon).certainty, Certainty::Unknown);
}

TEST(Resolve, ASessionWithoutUserNamesNobody) {
    const auto answer =
        resolve({session("s1", "", "198.51.100.7", kNoon)}, ip("198.51.100.7"), kNoon);
    EXPECT_EQ(answer.certainty, Certainty::Unknown);
    EXPECT_NE(answer.reason.find("names no user"), std::string::npos);
}

TEST(MemoryLineStore, LostAndLateAndRepeatedPackets) {
    MemoryLineStore store;
    Session one = session("s1", "u1", "198.51.100.7", kNoon);
    ASSERT_TRUE(store.put(one));
    ASSERT_TRUE(store.put(one));
    EXPECT_EQ(store.holders(ip("198.51.100.7"), kNoon)->size(), 1U);
    ASSERT_TRUE(store.stop("bras1", "s1", kNoon + kHour));
    // A late Start and a second Stop leave it ended.
    ASSERT_TRUE(store.put(one));
    ASSERT_TRUE(store.stop("bras1", "s1", kNoon + 2 * kHour));
    EXPECT_TRUE(store.holders(ip("198.51.100.7"), kNoon + kHour)->empty());
    EXPECT_EQ(store.holders(ip("198.51.100.7"), kNoon + kHour - Duration{1})->size(), 1U);
    // A Stop alone makes a whole session.
    Session whole = session("s9", "u9", "198.51.100.9", kNoon);
    whole.end = kNoon + kHour;
    ASSERT_TRUE(store.put(whole));
    EXPECT_EQ(store.holders(ip("198.51.100.9"), kNoon + Duration{1})->size(), 1U);
    EXPECT_TRUE(store.holders(ip("198.51.100.9"), kNoon + kHour)->empty());
    EXPECT_EQ(store.stop("bras1", "none", kNoon).error().code, Errc::NotFound);
}

TEST(MemoryLineStore, AnIdUsedAgain) {
    MemoryLineStore store;
    ASSERT_TRUE(store.put(session("s1", "u1", "198.51.100.7", kNoon)));
    ASSERT_TRUE(store.put(session("s1", "u2", "198.51.100.8", kNoon + kHour)));
    EXPECT_TRUE(store.holders(ip("198.51.100.7"), kNoon + kHour)->empty());
    EXPECT_EQ(store.holders(ip("198.51.100.8"), kNoon + kHour)->at(0).line, "u2");
    EXPECT_EQ(store.sessions_of("u1", 10)->at(0).end, kNoon + kHour);
}

TEST(MemoryLineStore, ARestartEndsWhatWasOpenThere) {
    MemoryLineStore store;
    ASSERT_TRUE(store.put(session("s1", "u1", "198.51.100.7", kNoon)));
    ASSERT_TRUE(store.put(session("s2", "u2", "198.51.100.8", kNoon + 2 * kHour)));
    Session other = session("s1", "u3", "198.51.100.9", kNoon);
    other.nas = "bras2";
    ASSERT_TRUE(store.put(other));
    ASSERT_TRUE(store.stop_all("bras1", kNoon + kHour));
    EXPECT_TRUE(store.holders(ip("198.51.100.7"), kNoon + 2 * kHour)->empty());
    EXPECT_EQ(store.holders(ip("198.51.100.8"), kNoon + 2 * kHour)->size(), 1U);
    EXPECT_EQ(store.holders(ip("198.51.100.9"), kNoon + 2 * kHour)->size(), 1U);
}

TEST(MemoryLineStore, APrefixIsHeldFromWhenItIsFirstNamed) {
    MemoryLineStore store;
    Session one = session("s1", "u1", "198.51.100.7", kNoon);
    ASSERT_TRUE(store.put(one));
    one.prefixes = {*Prefix::parse("2001:db8:0:100::/56")};
    one.seen = kNoon + kHour;
    one.line.clear();
    ASSERT_TRUE(store.put(one));
    EXPECT_TRUE(store.holders(ip("2001:db8:0:1ff::1"), kNoon)->empty());
    EXPECT_EQ(store.holders(ip("2001:db8:0:1ff::1"), kNoon + kHour)->at(0).line, "u1");
    EXPECT_EQ(store.holders(ip("198.51.100.7"), kNoon + kHour)->size(), 1U);
    EXPECT_EQ(store.sessions_of("u1", 10)->at(0).prefixes.size(), 2U);
}

}  // namespace
}  // namespace sekisho::line

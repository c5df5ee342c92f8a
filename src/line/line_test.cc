#include "line/line.h"

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"
#include "line/line_contract.h"
#include "line/memory_store.h"
#include "line/ports.h"

#include <gtest/gtest.h>
#include <memory>
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

TEST(Resolve, OneOfThoseWhoShareIsNotAllOfThem) {
    Session one = session("s1", "u1", "192.0.2.1", kNoon);
    one.ports = *PortSet::parse("1024-2047");
    const auto answer = resolve({one}, ip("192.0.2.1"), kNoon);
    EXPECT_EQ(answer.certainty, Certainty::Ambiguous);
    EXPECT_TRUE(answer.line.empty());
    EXPECT_NE(answer.reason.find("1024-2047"), std::string::npos) << answer.reason;
    EXPECT_EQ(resolve({one}, ip("192.0.2.1"), kNoon, 1500).line, "u1");
    EXPECT_EQ(resolve({one}, ip("192.0.2.1"), kNoon, 2500).certainty, Certainty::Unknown);
}

INSTANTIATE_TEST_SUITE_P(Memory, LineStoreContract, ::testing::Values([] {
                             return std::make_shared<MemoryLineStore>();
                         }));

}  // namespace
}  // namespace sekisho::line

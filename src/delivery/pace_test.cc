#include "delivery/pace.h"

#include "base/time.h"

#include <chrono>
#include <gtest/gtest.h>

namespace sekisho::delivery {
namespace {

using namespace std::chrono_literals;

const Pace::At kNow = Pace::At{} + 1000h;
constexpr Terms kFree{};

TEST(Pace, NothingIsSlowedAtFirst) {
    const Pace pace;
    EXPECT_EQ(pace.limit(10), 10U);
    EXPECT_LE(pace.not_before(kFree), kNow);
    EXPECT_TRUE(pace.idle(kNow));
}

TEST(Pace, ARateIsKeptToTheMessage) {
    constexpr Terms terms{.concurrency = 0, .messages = 60, .per = 1min};
    Pace pace;
    Pace::At at = kNow;
    for (int i = 0; i < 100; ++i) {
        at = std::max(at, pace.not_before(terms));
        pace.began(terms, at);
    }
    EXPECT_EQ(at - kNow, 99s) << "one a second, and none in advance";
    EXPECT_TRUE(pace.idle(at + 2s));
}

TEST(Pace, ASecondsWorthMayComeAtOnce) {
    constexpr Terms terms{.concurrency = 0, .messages = 1200, .per = 1min};
    Pace pace;
    int at_once = 0;
    while (pace.not_before(terms) <= kNow) {
        pace.began(terms, kNow);
        ++at_once;
    }
    EXPECT_EQ(at_once, 20);
    EXPECT_EQ(pace.not_before(terms) - kNow, 50ms);
}

TEST(Pace, WhoAsksUsToSlowDownIsLeftAloneForATimeAndHalved) {
    Pace pace;
    pace.slow_down(8, kNow, "421 4.7.0 too many connections");
    EXPECT_EQ(pace.limit(10), 4U);
    EXPECT_EQ(pace.not_before(kFree), kNow + Pace::kFirstPause);
    EXPECT_EQ(pace.why(), "421 4.7.0 too many connections");
    pace.slow_down(7, kNow + 1s, "421");
    EXPECT_EQ(pace.limit(10), 4U) << "it was under way";
    EXPECT_EQ(pace.not_before(kFree), kNow + Pace::kFirstPause);
    pace.slow_down(4, kNow + 20s, "421");
    EXPECT_EQ(pace.limit(10), 2U);
    EXPECT_EQ(pace.not_before(kFree), kNow + 20s + 2 * Pace::kFirstPause);
    Pace::At at = kNow;
    for (int i = 0; i < 20; ++i) {
        at = pace.not_before(kFree);
        pace.slow_down(1, at, "421");
    }
    EXPECT_EQ(pace.limit(10), 1U) << "one is tried always";
    EXPECT_EQ(pace.not_before(kFree) - at, Pace::kLongestPause);
}

void fine(Pace& pace, unsigned times, Pace::At at) {
    for (unsigned i = 0; i < times * Pace::kFineForOneMore; ++i) {
        pace.fine(10, at);
    }
}

TEST(Pace, TheConnectionsComeBackOneByOneButNotTooMany) {
    Pace pace;
    pace.slow_down(8, kNow, "421");
    for (unsigned i = 1; i < Pace::kFineForOneMore; ++i) {
        pace.fine(10, kNow + 1min);
        EXPECT_EQ(pace.limit(10), 4U);
    }
    pace.fine(10, kNow + 1min);
    EXPECT_EQ(pace.limit(10), 5U);
    fine(pace, 20, kNow + 30min);
    EXPECT_EQ(pace.limit(10), 7U) << "eight were too many an hour ago at most";
    fine(pace, 1, kNow + 61min);
    EXPECT_EQ(pace.limit(10), 8U);
    fine(pace, 2, kNow + 62min);
    EXPECT_FALSE(pace.slowed());
    EXPECT_TRUE(pace.why().empty());
    EXPECT_TRUE(pace.idle(kNow + 63min));
}

TEST(Pace, OneConnectionThatIsTooManyStaysOne) {
    Pace pace;
    pace.slow_down(1, kNow, "421");
    EXPECT_EQ(pace.limit(10), 1U);
    fine(pace, 5, kNow + 1min);
    EXPECT_EQ(pace.limit(10), 1U);
    fine(pace, 1, kNow + 61min);
    EXPECT_EQ(pace.limit(10), 2U);
}

TEST(Pace, WhatWasFineIsForgottenWhenItIsSlowedAgain) {
    Pace pace;
    pace.slow_down(8, kNow, "421");
    for (unsigned i = 0; i + 1 < Pace::kFineForOneMore; ++i) {
        pace.fine(10, kNow + 1min);
    }
    pace.slow_down(4, kNow + 1min, "421");
    pace.fine(10, kNow + 2min);
    EXPECT_EQ(pace.limit(10), 2U);
}

}  // namespace
}  // namespace sekisho::delivery

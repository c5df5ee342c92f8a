#include "gate/daemon/answers.h"

#include <chrono>
#include <gtest/gtest.h>

namespace sekisho::gate {
namespace {

const Time kStart = Time{} + std::chrono::hours(24 * 365);

event::Event answered(const char* line) {
    event::Event out;
    out.kind = event::Kind::GateAnswered;
    out.address = "198.51.100.1";
    out.line = line;
    return out;
}

TEST(AnswersTest, EveryNumberThatIsToldIsInARow) {
    Answers book(2);
    const auto first = book.add(answered("L1"), "one", kStart);
    ASSERT_EQ(first.rows.size(), 1U);
    EXPECT_EQ(first.rows[0].reference, "one");
    EXPECT_EQ(book.add(answered("L1"), "two", kStart).reference, "two");
    for (int i = 0; i < 3; ++i) {
        const auto beyond = book.add(answered("L1"), "three", kStart);
        EXPECT_EQ(beyond.reference, "two") << "the last that has a row";
        EXPECT_TRUE(beyond.rows.empty());
    }
    EXPECT_EQ(book.add(answered("L2"), "four", kStart).reference, "four") << "another line";

    const auto later = book.add(answered("L1"), "five", kStart + std::chrono::minutes(1));
    ASSERT_EQ(later.rows.size(), 1U);
    EXPECT_EQ(later.rows[0].reference, "five");
    EXPECT_EQ(later.rows[0].count, 4) << "with the three that waited";
}

TEST(AnswersTest, WhatWaitsIsWrittenWhenItsMinuteIsOver) {
    Answers book(1);
    (void)book.add(answered("L1"), "one", kStart);
    (void)book.add(answered("L1"), "two", kStart);
    EXPECT_TRUE(book.drain(kStart + std::chrono::seconds(59)).empty());
    const auto rows = book.drain(kStart + std::chrono::seconds(60));
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].reference, "one");
    EXPECT_EQ(rows[0].count, 1);
    EXPECT_TRUE(book.drain(kStart + std::chrono::hours(1), true).empty());
}

}  // namespace
}  // namespace sekisho::gate

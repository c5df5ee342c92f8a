#include "gate/daemon/rows.h"

#include <gtest/gtest.h>

namespace sekisho::gate {
namespace {

constexpr Time kStart{Duration{1'000'000}};

event::Event blocked(const char* line, const char* rule, std::int64_t count = 1) {
    event::Event row;
    row.at = kStart;
    row.kind = event::Kind::GateBlocked;
    row.address = "198.51.100.1";
    row.line = line;
    row.rule = rule;
    row.count = count;
    return row;
}

std::int64_t packets(const std::vector<event::Event>& rows) {
    std::int64_t sum = 0;
    for (const event::Event& row : rows) {
        sum += row.count;
    }
    return sum;
}

TEST(Rows, WritesSoManyAMinuteForALineAndCountsTheRest) {
    Rows rows(2);
    EXPECT_EQ(rows.add(blocked("a", "op25b"), kStart).size(), 1U);
    EXPECT_EQ(rows.add(blocked("a", "op25b", 4), kStart).size(), 1U);
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(rows.add(blocked("a", "op25b", 10), kStart + Duration{i}).empty());
    }
    EXPECT_EQ(rows.add(blocked("b", "op25b"), kStart).size(), 1U);  // another line has its own
    const auto next = rows.add(blocked("a", "op25b"), kStart + std::chrono::seconds(60));
    ASSERT_EQ(next.size(), 1U);
    EXPECT_EQ(next[0].count, 51);
}

TEST(Rows, KindsAndRulesAreNotMixed) {
    Rows rows(1);
    EXPECT_EQ(rows.add(blocked("a", "x"), kStart).size(), 1U);
    event::Event would = blocked("a", "x", 3);
    would.kind = event::Kind::GateWouldBlock;
    EXPECT_TRUE(rows.add(would, kStart).empty());
    EXPECT_TRUE(rows.add(blocked("a", "y", 5), kStart).empty());
    const auto out = rows.drain(kStart + std::chrono::seconds(60));
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].rule, "y");
    EXPECT_EQ(out[0].count, 5);
    EXPECT_EQ(out[1].kind, event::Kind::GateWouldBlock);
    EXPECT_EQ(out[1].count, 3);
}

TEST(Rows, UnknownAddressesAreLinesOfTheirOwn) {
    Rows rows(1);
    event::Event first = blocked("", "x");
    event::Event second = first;
    second.address = "198.51.100.2";
    EXPECT_EQ(rows.add(first, kStart).size(), 1U);
    EXPECT_EQ(rows.add(second, kStart).size(), 1U);
    EXPECT_TRUE(rows.add(first, kStart).empty());
}

TEST(Rows, NothingIsLostAndSilentLinesAreForgotten) {
    Rows rows(1);
    std::int64_t written = 0;
    for (int i = 0; i < 1000; ++i) {
        const Time at = kStart + std::chrono::seconds(i);
        written += packets(rows.add(blocked(i % 2 == 0 ? "a" : "b", "x"), at));
        written += packets(rows.drain(at));
    }
    written += packets(rows.drain(kStart + std::chrono::seconds(1000), true));
    EXPECT_EQ(written, 1000);
    EXPECT_TRUE(rows.drain(kStart + std::chrono::seconds(2000)).empty());
    EXPECT_EQ(rows.lines(), 0U);
}

TEST(Rows, MoreLinesThanFitAreCountedAsLost) {
    Rows rows(1);
    for (std::size_t i = 0; i < Rows::kLinesMax; ++i) {
        (void)rows.add(blocked(("l" + std::to_string(i)).c_str(), "x"), kStart);
    }
    EXPECT_TRUE(rows.add(blocked("more", "x", 7), kStart).empty());
    EXPECT_EQ(rows.lost(), 7U);
}

}  // namespace
}  // namespace sekisho::gate

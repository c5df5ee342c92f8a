#include "gate/daemon/line_totals.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::gate {
namespace {

event::Event row(
    event::Kind kind, const std::string& line, const std::string& address, std::int64_t count
) {
    event::Event out;
    out.at = from_ms(1'800'000'000'000);
    out.kind = kind;
    out.line = line;
    out.address = address;
    out.count = count;
    return out;
}

TEST(LineTotals, CountWhatRowsStandFor) {
    LineTotals totals;
    totals.add(row(event::Kind::GateBlocked, "L1", "198.51.100.1", 1));
    totals.add(row(event::Kind::GateBlocked, "L1", "198.51.100.9", 41));
    totals.add(row(event::Kind::GateWouldBlock, "", "198.51.100.2", 50));
    totals.add(row(event::Kind::GateAnswered, "L1", "198.51.100.9", 3));
    const auto top = totals.top(10);
    ASSERT_EQ(top.size(), 2U);
    EXPECT_EQ(top[0].line, "");
    EXPECT_EQ(top[0].would_block, 50U);
    EXPECT_EQ(top[1].line, "L1");
    EXPECT_EQ(top[1].address, "198.51.100.9");
    EXPECT_EQ(top[1].blocked, 42U);
    EXPECT_EQ(top[1].answered, 3U);
    EXPECT_EQ(totals.top(1).size(), 1U);
    EXPECT_EQ(totals.sum().blocked, 42U);
    EXPECT_EQ(totals.lines(), 2U);
}

TEST(LineTotals, BeyondItsRoomOnlyTheSumGrows) {
    LineTotals totals;
    for (std::size_t i = 0; i < LineTotals::kLinesMax + 5; ++i) {
        totals.add(row(event::Kind::GateBlocked, "L" + std::to_string(i), "", 1));
    }
    EXPECT_EQ(totals.lines(), LineTotals::kLinesMax);
    EXPECT_EQ(totals.sum().blocked, LineTotals::kLinesMax + 5);
}

}  // namespace
}  // namespace sekisho::gate

#include "gate/daemon/recorder.h"

#include "base/ip.h"
#include "line/memory_store.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::gate {
namespace {

using namespace std::chrono_literals;

class Rows : public event::Journal {
  public:
    void append(event::Event event) override { rows.push_back(std::move(event)); }
    Status flush() override { return {}; }
    Result<std::vector<event::Event>> find(const event::Query&) override { return rows; }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time) override { return {}; }
    std::vector<event::Event> rows;
};

class RecorderTest : public ::testing::Test {
  protected:
    RecorderTest() {
        policy::Source source;
        source.classes.push_back({"subscribers", "", {*Prefix::parse("192.0.2.0/24")}, ""});
        source.rules.push_back(
            {"op25b", "subscribers", "*", policy::Action::Refuse, policy::Stage::Enforce, "", ""}
        );
        policy = *policy::Policy::compile(source);
    }
    void session(const std::string& id, const std::string& line) {
        line::Session s;
        s.id = id;
        s.nas = "bras1";
        s.line = line;
        s.prefixes = {*Prefix::parse("192.0.2.7")};
        s.start = s.seen = t0;
        ASSERT_TRUE(lines.put(s));
    }
    [[nodiscard]] Flow flow(std::uint64_t count = 1) const {
        Flow f;
        f.at = t0 + 1s;
        f.client = *IpAddress::parse("192.0.2.7");
        f.server = *IpAddress::parse("203.0.113.25");
        f.rule = "op25b";
        f.blocked = true;
        f.count = count;
        return f;
    }
    const Time t0 = from_ms(1'795'528'400'000);
    std::shared_ptr<const policy::Policy> policy;
    line::MemoryLineStore lines;
    Rows journal;
    Recorder recorder{lines, journal, 2};
};

TEST_F(RecorderTest, NamesTheLineAndTheOtherEndsClassButNotItsAddress) {
    session("1", "taro");
    recorder.flow(flow(), *policy, t0 + 1s);
    ASSERT_EQ(journal.rows.size(), 1U);
    EXPECT_EQ(journal.rows[0].line, "taro");
    EXPECT_EQ(journal.rows[0].detail, "to port 25 of outside");
    EXPECT_EQ(journal.rows[0].detail.find("203.0.113.25"), std::string::npos);
}

TEST_F(RecorderTest, AccusesNobodyWhenTwoLinesHeldTheAddress) {
    session("1", "taro");
    session("2", "hanako");
    recorder.flow(flow(), *policy, t0 + 1s);
    ASSERT_EQ(journal.rows.size(), 1U);
    EXPECT_EQ(journal.rows[0].line, "");
    EXPECT_EQ(recorder.counters().ambiguous, 1U);
}

TEST_F(RecorderTest, OneBotWritesFewRowsAndNoCountIsLost) {
    session("1", "taro");
    for (int i = 0; i < 100; ++i) {
        recorder.flow(flow(3), *policy, t0 + 1s);
    }
    EXPECT_EQ(journal.rows.size(), 2U);
    recorder.sweep(t0 + 30s);
    EXPECT_EQ(journal.rows.size(), 2U) << "its minute isn't over";
    recorder.sweep(t0 + 62s);
    ASSERT_EQ(journal.rows.size(), 3U);
    std::int64_t total = 0;
    for (const auto& row : journal.rows) {
        total += row.count;
    }
    EXPECT_EQ(total, 300);
}

}  // namespace
}  // namespace sekisho::gate

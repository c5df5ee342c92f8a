#include "evidence/check.h"
#include "evidence/custody.h"
#include "evidence/memory_store.h"
#include "evidence/watch.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::evidence {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Time kNow = from_ms(1'800'000'000'000);

Case asked() {
    Case out;
    out.line = "L0001";
    out.reason = "complaint 4711";
    out.actor = "alice";
    out.begun = kNow;
    out.expires = kNow + 2h;
    return out;
}

Record flow(const char* client, const char* server, Time at) {
    Record out;
    out.first = out.last = at;
    out.client = *Endpoint::parse(client);
    out.server = *Endpoint::parse(server);
    out.rule = "op25b";
    return out;
}

class FakeJournal final : public event::Journal {
  public:
    void append(event::Event event) override { rows.push_back(std::move(event)); }
    Status flush() override { return trouble; }
    Result<std::vector<event::Event>> find(const event::Query&) override { return rows; }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time) override {
        return std::vector<std::pair<event::Kind, std::int64_t>>{};
    }
    std::vector<event::Event> rows;
    Status trouble;
};

TEST(EvidenceCheck, WhatMayBeAskedFor) {
    EXPECT_TRUE(check(asked(), {}));
    const auto refused = [](auto change) {
        Case one = asked();
        change(one);
        const Status status = check(one, {});
        EXPECT_FALSE(status);
        return status ? std::string() : status.error().message;
    };
    const auto wide = *Prefix::parse("198.51.0.0/16");
    EXPECT_THAT(refused([&](Case& c) { c.prefix = wide; }), HasSubstr("name one of them"));
    EXPECT_THAT(refused([](Case& c) { c.line.clear(); }), HasSubstr("name one of them"));
    EXPECT_THAT(
        refused([&](Case& c) { c.line.clear(), c.prefix = wide; }), HasSubstr("wider than the /24")
    );
    EXPECT_THAT(refused([](Case& c) { c.reason.clear(); }), HasSubstr("a reason"));
    EXPECT_THAT(refused([](Case& c) { c.reason = "two\nlines"; }), HasSubstr("one line"));
    EXPECT_THAT(refused([](Case& c) { c.actor.clear(); }), HasSubstr("an actor"));
    EXPECT_THAT(refused([](Case& c) { c.expires = c.begun; }), HasSubstr("time to last"));
    EXPECT_THAT(refused([](Case& c) { c.expires += 24h; }), HasSubstr("gate.evidence_longest"));
    Case prefix = asked();
    prefix.line.clear();
    prefix.prefix = *Prefix::parse("2001:db8:1::/56");
    EXPECT_TRUE(check(prefix, {}));
}

TEST(EvidenceWatch, OnlyFlowsOfLivingCasesWhileTheyLive) {
    Watch watch;
    Case line = asked();
    line.id = 1;
    Case prefix = asked();
    prefix.id = 2;
    prefix.line.clear();
    prefix.prefix = *Prefix::parse("198.51.100.0/28");
    watch.follow({line, prefix});
    const Time at = kNow + 1min;
    watch.add(flow("198.51.100.1:4000", "203.0.113.9:25", at), "L0001");       // both
    watch.add(flow("198.51.100.1:4000", "203.0.113.9:25", at + 1s), "L0001");  // the same flow
    watch.add(flow("198.51.100.99:4001", "203.0.113.9:25", at), "L0001");
    watch.add(flow("198.51.100.2:4002", "203.0.113.9:25", at), "");
    watch.add(flow("198.51.100.77:4003", "203.0.113.9:25", at), "L0002");        // nobody's
    watch.add(flow("198.51.100.1:4004", "203.0.113.9:25", kNow - 1s), "L0001");  // before
    watch.add(flow("198.51.100.1:4005", "203.0.113.9:25", kNow + 2h), "L0001");  // after
    Record across = flow("198.51.100.1:4006", "203.0.113.9:25", kNow - 1s);
    across.last = at;
    watch.add(across, "L0001");
    const auto taken = watch.take();
    ASSERT_EQ(taken.size(), 4U);
    EXPECT_EQ(taken[0].case_id, 1);
    EXPECT_EQ(taken[0].count, 2);
    EXPECT_EQ(taken[0].last, at + 1s);
    EXPECT_EQ(taken[1].client.port, 4001);
    EXPECT_EQ(taken[2].case_id, 2);
    EXPECT_EQ(taken[3].client.port, 4002);
    EXPECT_TRUE(watch.take().empty());
}

class CustodyTest : public testing::Test {
  protected:
    Case begin_one() { return *begin(custody_, asked(), {}, 24h); }
    Status record(std::int64_t id, Time at) {
        Record one = flow("198.51.100.1:4000", "203.0.113.9:25", at);
        one.case_id = id;
        return store_.append({one});
    }
    MemoryEvidenceStore store_;
    FakeJournal journal_;
    Custody custody_{store_, journal_};
};

TEST_F(CustodyTest, EveryStepHasItsEventWithTheActor) {
    const Case one = begin_one();
    EXPECT_EQ(one.id, 1);
    EXPECT_EQ(one.erase_at, kNow + 26h);
    ASSERT_TRUE(record(1, kNow + 1min));
    const auto shown = show(custody_, 1, "bob", 10, kNow + 2min);
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->records.size(), 1U);
    const auto stopped = stop(custody_, 1, "carol", false, 1h, kNow + 3min);
    ASSERT_TRUE(stopped);
    EXPECT_EQ(stopped->one.erase_at, kNow + 1h + 3min);
    ASSERT_TRUE(record(1, kNow + 4min));
    EXPECT_EQ(store_.records(1, 10)->size(), 1U) << "stopped";
    EXPECT_FALSE(stop(custody_, 1, "carol", false, 1h, kNow + 5min)) << "it has ended";
    const auto erased = stop(custody_, 1, "carol", true, 1h, kNow + 5min);
    ASSERT_TRUE(erased);
    EXPECT_EQ(erased->erased, 1);
    EXPECT_FALSE(show(custody_, 1, "bob", 10, kNow + 6min));
    std::vector<std::string> told;
    for (const event::Event& row : journal_.rows) {
        EXPECT_EQ(row.line, "L0001");
        told.push_back(std::string(event::name(row.kind)) + " " + row.detail);
    }
    EXPECT_THAT(
        told,
        testing::ElementsAre(
            "evidence-begun evidence 1 of line L0001: recorded until 2027-01-15T10:00:00.000Z, by "
            "alice: complaint 4711",
            "evidence-shown evidence 1 of line L0001: shown to bob",
            "evidence-stopped evidence 1 of line L0001: stopped by carol",
            "evidence-erased evidence 1 of line L0001: 1 records erased, by carol"
        )
    );
}

TEST_F(CustodyTest, NothingIsShownThatCannotBeWrittenDown) {
    (void)begin_one();
    EXPECT_FALSE(show(custody_, 1, "", 10, kNow));
    EXPECT_EQ(show(custody_, 2, "bob", 10, kNow).error().code, Errc::NotFound);
    journal_.trouble = fail(Errc::Unavailable, "the disk is full");
    const auto shown = show(custody_, 1, "bob", 10, kNow);
    ASSERT_FALSE(shown);
    EXPECT_THAT(shown.error().message, HasSubstr("the disk is full"));
}

TEST_F(CustodyTest, WhatIsDueIsErasedAndNotShownBefore) {
    (void)begin_one();
    ASSERT_TRUE(record(1, kNow + 1min));
    EXPECT_EQ(*erase_due(custody_, kNow + 25h), 0U);
    EXPECT_FALSE(show(custody_, 1, "bob", 10, kNow + 26h)) << "due, though nobody erased it yet";
    EXPECT_EQ(*erase_due(custody_, kNow + 26h), 1U);
    EXPECT_TRUE(store_.records(1, 10)->empty());
    EXPECT_EQ(*erase_due(custody_, kNow + 27h), 0U);
    EXPECT_EQ(journal_.rows.back().kind, event::Kind::EvidenceErased);
    ASSERT_TRUE(record(1, kNow + 1min));
    EXPECT_TRUE(store_.records(1, 10)->empty()) << "and none come after";
}

}  // namespace
}  // namespace sekisho::evidence

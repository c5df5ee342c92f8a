// Evidence in a real database, beside the store in memory that says how it is meant; and that
// nothing of it is left in the files.
#include "base/file.h"
#include "evidence/evidence.h"
#include "evidence/memory_store.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;
using evidence::Case;
using evidence::EvidenceStore;
using evidence::Record;

const Time kNow = from_ms(1'800'000'000'000);

Case sample() {
    Case out;
    out.line = "L0001";
    out.reason = "complaint 4711";
    out.actor = "alice";
    out.begun = kNow;
    out.expires = kNow + 2h;
    out.erase_at = kNow + 26h;
    return out;
}

Record flow(std::int64_t id, Time at, const char* server = "203.0.113.77:25") {
    Record out;
    out.case_id = id;
    out.first = out.last = at;
    out.client = *Endpoint::parse("[2001:db8:1::7]:40123");
    out.server = *Endpoint::parse(server);
    out.rule = "op25b";
    out.outcome = evidence::Outcome::Answered;
    out.count = 3;
    return out;
}

TEST(EvidenceStore, DoesWhatTheStoreInMemoryDoes) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    evidence::MemoryEvidenceStore memory;
    for (EvidenceStore* one : {&store->evidence(), static_cast<EvidenceStore*>(&memory)}) {
        ASSERT_EQ(one->add(sample()).value(), 1);
        Case prefix = sample();
        prefix.line.clear();
        prefix.prefix = *Prefix::parse("198.51.100.0/28");
        ASSERT_EQ(one->add(prefix).value(), 2);
        prefix.id = 2;
        EXPECT_EQ(one->find(2).value(), prefix);
        EXPECT_EQ(one->find(9).error().code, Errc::NotFound);
        EXPECT_EQ(one->living(kNow + 1h)->size(), 2U);
        EXPECT_TRUE(one->living(kNow + 2h)->empty());
        EXPECT_EQ(one->all(1)->front().id, 2);

        ASSERT_TRUE(one->append({flow(1, kNow), flow(1, kNow + 1s), flow(2, kNow), flow(7, kNow)}));
        EXPECT_EQ(one->records(1, 10)->size(), 2U);
        EXPECT_EQ(one->records(1, 1)->front(), flow(1, kNow));
        EXPECT_TRUE(one->stop(1, kNow + 2s, "bob", kNow + 1h).value());
        EXPECT_FALSE(one->stop(1, kNow + 3s, "carol", kNow).value());
        EXPECT_EQ(one->stop(9, kNow, "bob", kNow).error().code, Errc::NotFound);
        ASSERT_TRUE(one->append({flow(1, kNow + 1s), flow(1, kNow + 2s)}));
        EXPECT_EQ(one->records(1, 10)->size(), 3U)
            << "what came before the stop is late, not wrong";

        EXPECT_TRUE(one->due(kNow + 1h - 1s)->empty());
        ASSERT_EQ(one->due(kNow + 1h)->size(), 1U);
        EXPECT_EQ(one->due(kNow + 1h)->front().stopped_by, "bob");
        EXPECT_EQ(one->erase(1).value(), 3);
        EXPECT_EQ(one->erase(9).error().code, Errc::NotFound);
        EXPECT_TRUE(one->due(kNow + 1h)->empty());
        ASSERT_TRUE(one->append({flow(1, kNow)}));
        EXPECT_TRUE(one->records(1, 10)->empty());
        EXPECT_EQ(one->records(2, 10)->size(), 1U);
    }
}

std::string all_bytes(const TestFolder& folder) {
    std::string out;
    for (const char* name : {"sekisho.db", "sekisho.db-wal"}) {
        if (const auto bytes = read_file(folder.file(name))) {
            out += *bytes;
        }
    }
    return out;
}

TEST(EvidenceStore, WhatIsErasedIsNowhereInTheFiles) {
    const TestFolder folder;
    const auto gate = *open_store(folder.file());
    const auto mail = *open_store(folder.file());  // another process has it open too
    ASSERT_TRUE(gate->evidence().add(sample()));
    std::vector<Record> many;
    for (int i = 0; i < 500; ++i) {
        many.push_back(flow(1, kNow + std::chrono::seconds(i)));
    }
    ASSERT_TRUE(gate->evidence().append(many));
    EXPECT_THAT(all_bytes(folder), testing::HasSubstr("203.0.113.77"));
    ASSERT_TRUE(mail->evidence().records(1, 10));
    ASSERT_EQ(gate->evidence().erase(1).value(), 500);
    EXPECT_THAT(all_bytes(folder), testing::Not(testing::HasSubstr("203.0.113.77")));
    EXPECT_THAT(all_bytes(folder), testing::Not(testing::HasSubstr("40123")));
}

TEST(EvidenceStore, ACaseIsForgottenOnlyWhenItsRecordsAreGone) {
    const TestFolder folder;
    const auto store = *open_store(folder.file());
    ASSERT_TRUE(store->evidence().add(sample()));
    EXPECT_EQ(store->forget_evidence_before(kNow + 24h * 100).value(), 0);
    ASSERT_TRUE(store->evidence().erase(1));
    EXPECT_EQ(store->forget_evidence_before(kNow + 25h).value(), 0);
    EXPECT_EQ(store->forget_evidence_before(kNow + 27h).value(), 1);
}

}  // namespace
}  // namespace sekisho::store

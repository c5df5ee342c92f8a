#include "store/journal.h"

#include "base/time.h"
#include "event/event.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/test_support.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::store {
namespace {

using event::Event;
using event::Kind;
using event::Query;

constexpr Time kNoon{Duration{1'700'000'000'000}};

Event make(int number, Kind kind = Kind::Accepted) {
    const std::string n = std::to_string(number);
    Event out;
    out.at = kNoon + Duration{number};
    out.kind = kind;
    out.address = "198.51.100." + n;
    out.line = "u" + n;
    out.account = "login" + n;
    out.queue_id = "q" + n;
    out.message_id = "<" + n + "@example.net>";
    out.sender = "from" + n + "@example.net";
    out.recipient = "to" + n + "@example.com";
    out.rule = "rule";
    out.count = number;
    out.detail = "250 2.0.0 ok";
    out.reference = "r" + n;
    return out;
}

class Journal : public ::testing::Test {
  protected:
    std::vector<std::int64_t> found(const Query& query) {
        std::vector<std::int64_t> out;
        const auto rows = store_->journal().find(query);
        EXPECT_TRUE(rows);
        for (const Event& row : *rows) {
            out.push_back(row.count);
        }
        return out;
    }
    void append(int from, int to) {
        for (int i = from; i <= to; ++i) {
            store_->journal().append(make(i, i % 2 == 0 ? Kind::Accepted : Kind::Refused));
        }
        ASSERT_TRUE(store_->journal().flush());
    }

    TestFolder folder_;
    std::unique_ptr<Store> store_ = std::move(*open_store(folder_.file()));
};

using Ids = std::vector<std::int64_t>;

TEST_F(Journal, RowsComeBackAsTheyWere) {
    append(7, 7);
    const auto rows = store_->journal().find({});
    ASSERT_EQ(rows->size(), 1U);
    const Event& row = rows->at(0);
    const Event wanted = make(7, Kind::Refused);
    EXPECT_GT(row.id, 0);
    EXPECT_EQ(row.at, wanted.at);
    EXPECT_EQ(row.kind, wanted.kind);
    EXPECT_EQ(row.address, wanted.address);
    EXPECT_EQ(row.line, wanted.line);
    EXPECT_EQ(row.account, wanted.account);
    EXPECT_EQ(row.queue_id, wanted.queue_id);
    EXPECT_EQ(row.message_id, wanted.message_id);
    EXPECT_EQ(row.sender, wanted.sender);
    EXPECT_EQ(row.recipient, wanted.recipient);
    EXPECT_EQ(row.rule, wanted.rule);
    EXPECT_EQ(row.count, wanted.count);
    EXPECT_EQ(row.detail, wanted.detail);
    EXPECT_EQ(row.reference, wanted.reference);
}

TEST_F(Journal, EveryFieldFinds) {
    append(1, 9);
    EXPECT_EQ(found({.address = "198.51.100.3"}), Ids{3});
    EXPECT_EQ(found({.line = "u3"}), Ids{3});
    EXPECT_EQ(found({.account = "login3"}), Ids{3});
    EXPECT_EQ(found({.queue_id = "q3"}), Ids{3});
    EXPECT_EQ(found({.message_id = "<3@example.net>"}), Ids{3});
    EXPECT_EQ(found({.recipient = "to3@example.com"}), Ids{3});
    EXPECT_EQ(found({.reference = "r3"}), Ids{3});
    EXPECT_EQ(found({.account = "login3", .queue_id = "q3"}), Ids{3});
    EXPECT_EQ(found({.account = "login3", .queue_id = "q4"}), Ids{});
    EXPECT_EQ(found({.account = ""}), Ids{}) << "nothing is found by what isn't known";
    EXPECT_EQ(found({.kinds = {Kind::Accepted}}), (Ids{8, 6, 4, 2}));
    EXPECT_EQ(found({.kinds = {Kind::Accepted, Kind::Refused}, .limit = 3}), (Ids{9, 8, 7}));
    EXPECT_EQ(found({.since = kNoon + Duration{7}}), (Ids{9, 8, 7}));
    EXPECT_EQ(found({.until = kNoon + Duration{3}}), (Ids{2, 1}));
    EXPECT_EQ(
        found({.kinds = {Kind::Refused}, .since = kNoon + Duration{3}, .until = kNoon + Duration{7}}
        ),
        (Ids{5, 3})
    );
    EXPECT_EQ(found({.limit = 2, .newest_first = false}), (Ids{1, 2}));
}

TEST_F(Journal, Pages) {
    append(1, 9);
    const auto first = store_->journal().find({.limit = 4});
    ASSERT_EQ(first->size(), 4U);
    EXPECT_EQ(found({.before_id = first->back().id, .limit = 4}), (Ids{5, 4, 3, 2}));
    EXPECT_EQ(
        found({.kinds = {Kind::Accepted, Kind::Refused}, .before_id = first->back().id, .limit = 2}
        ),
        (Ids{5, 4})
    );
    EXPECT_EQ(
        found({.before_id = first->back().id, .limit = 2, .newest_first = false}), (Ids{7, 8})
    );
}

TEST_F(Journal, RowsAreInOrderOfTimeThenOfComing) {
    for (const int number : {5, 3, 9, 3}) {
        store_->journal().append(make(number));
    }
    ASSERT_TRUE(store_->journal().flush());
    EXPECT_EQ(found({}), (Ids{9, 5, 3, 3}));
    const auto rows = store_->journal().find({.newest_first = false});
    ASSERT_EQ(rows->size(), 4U);
    EXPECT_LT(rows->at(0).id, rows->at(1).id);
}

TEST_F(Journal, Totals) {
    append(1, 4);
    const auto totals = store_->journal().totals(kNoon + Duration{2});
    ASSERT_TRUE(totals);
    EXPECT_EQ(
        *totals,
        (std::vector<std::pair<Kind, std::int64_t>>{{Kind::Accepted, 6}, {Kind::Refused, 3}})
    );
}

TEST_F(Journal, ForgetsButNeverGivesAnIdTwice) {
    append(1, 9);
    const std::int64_t last = store_->journal().find({.limit = 1})->at(0).id;
    EXPECT_EQ(store_->forget_events_before(kNoon + Duration{4}).value(), 3);
    EXPECT_EQ(found({.newest_first = false}), (Ids{4, 5, 6, 7, 8, 9}));
    EXPECT_EQ(store_->forget_events_before(kNoon + Duration{100}).value(), 6);
    append(10, 10);
    EXPECT_GT(store_->journal().find({})->at(0).id, last);
}

TEST_F(Journal, IsWrittenWhenItIsClosed) {
    for (int i = 0; i < 5000; ++i) {
        store_->journal().append(make(i));
    }
    store_ = std::move(*open_store(folder_.file()));
    EXPECT_EQ(found({.limit = 10'000}).size(), 5000U);
}

TEST_F(Journal, ManyThreadsAppend) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([this] {
            for (int i = 0; i < 500; ++i) {
                store_->journal().append(make(i));
                if (i % 100 == 0) {
                    EXPECT_TRUE(store_->journal().flush());
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    ASSERT_TRUE(store_->journal().flush());
    EXPECT_EQ(store_->journal_counters().written, 2000U);
    EXPECT_EQ(found({.limit = 10'000}).size(), 2000U);
}

// Another process holds the write lock: rows wait, what doesn't fit is dropped and counted, and
// what waited is written afterwards.
TEST(JournalBuffer, IsBoundedWhileTheDatabaseCannotBeWritten) {
    const TestFolder folder;
    const auto store = std::move(*open_store(
        folder.file(),
        {.journal = {.buffer_max = 10, .batch_max = 4, .gather = Duration{1}, .retry = Duration{1}},
         .busy_timeout = Duration{1}}
    ));
    auto other = *Database::open(folder.file(), {});
    ASSERT_TRUE(other->transaction([&]() -> Status {
        for (int i = 0; i < 25; ++i) {
            store->journal().append(make(i));
        }
        const Status flushed = store->journal().flush();
        EXPECT_FALSE(flushed);
        EXPECT_EQ(flushed.error().code, Errc::Unavailable);
        return {};
    }));
    ASSERT_TRUE(store->journal().flush());
    const JournalCounters counters = store->journal_counters();
    EXPECT_EQ(counters.appended, 25U);
    EXPECT_EQ(counters.dropped, 15U);
    EXPECT_EQ(counters.written, 10U);
    EXPECT_EQ(counters.waiting, 0U);
    EXPECT_GE(counters.failed_batches, 1U);
    EXPECT_EQ(store->journal().find({})->size(), 10U);
}

TEST(JournalSqlText, EveryLookUpIsByIndex) {
    const TestFolder folder;
    ASSERT_TRUE(open_store(folder.file()));
    auto database = *Database::open(folder.file(), {});
    const auto plan = [&](const Query& query) {
        return query_plan(*database, journal_sql(query).text);
    };
    struct Case {
        Query query;
        std::string index;
    };
    const std::vector<Case> cases{
        {{.address = "x"}, "events_address (address=?)"},
        {{.line = "x"}, "events_line (line=?)"},
        {{.account = "x"}, "events_account (account=?)"},
        {{.queue_id = "x"}, "events_queue_id (queue_id=?)"},
        {{.message_id = "x"}, "events_message_id (message_id=?)"},
        {{.recipient = "x"}, "events_recipient (recipient=?)"},
        {{.reference = "x"}, "events_reference (reference=?)"},
        {{.account = "x", .queue_id = "y", .kinds = {Kind::Held}, .since = kNoon},
         "events_queue_id (queue_id=? AND at>?)"},
        {{.line = "x", .since = kNoon, .until = kNoon}, "events_line (line=? AND at>? AND at<?)"},
        {{.line = "x", .before_id = 7}, "events_line (line=? AND at<?)"},
        {{.kinds = {Kind::Held}}, "events_kind (kind=?)"},
        {{.kinds = {Kind::Held}, .since = kNoon}, "events_kind (kind=? AND at>?)"},
        {{.since = kNoon, .until = kNoon}, "events_at (at>? AND at<?)"},
        {{.before_id = 7}, "events_at (at<?)"},
    };
    for (const Case& one : cases) {
        const std::string steps = plan(one.query);
        EXPECT_NE(steps.find("SEARCH events USING INDEX " + one.index), std::string::npos)
            << journal_sql(one.query).text << "\n"
            << steps;
        EXPECT_EQ(steps.find("SCAN"), std::string::npos) << steps;
        EXPECT_EQ(steps.find("TEMP B-TREE"), std::string::npos) << "read in order\n" << steps;
    }
    // Without any condition the newest are read from the end: no sorting.
    EXPECT_EQ(plan({}), "SCAN events USING INDEX events_at\n");
}

}  // namespace
}  // namespace sekisho::store

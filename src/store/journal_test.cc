#include "store/journal.h"

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "store/event_index.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/test_support.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <random>
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
    out.octets = 1000;
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
    EXPECT_EQ(row.octets, wanted.octets);
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

// The same rows found with hardly any of them, some, and nearly all of them in blocks.
TEST(JournalIndex, FindsWhatALookAtEveryRowFinds) {
    std::mt19937 random(7);
    const auto any = [&random](int most) { return static_cast<int>(random() % (most + 1)); };
    for (const std::size_t block : {3U, 10U, 64U, 10'000U}) {
        const TestFolder folder;
        const auto store = std::move(*open_store(
            folder.file(), {.journal = {.batch_max = 7, .gather = Duration{0}, .block_rows = block}}
        ));
        std::vector<Event> all;
        for (int i = 0; i < 200; ++i) {
            Event one = make(any(5), any(1) == 0 ? Kind::Accepted : Kind::Refused);
            one.at = kNoon + Duration{any(50) + i / 2};  // not in order of coming
            one.account = any(3) == 0 ? "" : one.account;
            one.sender = any(1) == 0 ? "" : one.sender;
            store->journal().append(one);
            ASSERT_TRUE(i % 20 != 0 || store->journal().flush());
        }
        ASSERT_TRUE(store->journal().flush());
        const auto there = store->journal().find({.limit = 1000});
        ASSERT_EQ(there->size(), 200U);
        for (int i = 0; i < 300; ++i) {
            Query query;
            const std::string n = std::to_string(any(6));
            const int which = any(7);
            if (which < 2) {
                query.account = "login" + n;
            } else if (which < 4) {
                query.sender = "from" + n + "@example.net";
            }
            if (which != 0) {
                query.recipient = "to" + std::to_string(any(6)) + "@example.com";
            }
            if (any(2) == 0) {
                query.kinds = {Kind::Accepted};
            }
            if (any(1) == 0) {
                query.since = kNoon + Duration{any(120)};
                query.until = *query.since + Duration{any(60)};
            }
            if (any(3) == 0) {
                query.after_id = any(200);
            }
            query.newest_first = any(1) == 0;
            query.limit = static_cast<std::size_t>(any(30) + 1);
            std::vector<std::int64_t> wanted;
            for (const Event& row : *there) {  // the newest first
                const bool good =
                    (!query.account || row.account == *query.account) &&
                    (!query.sender || row.sender == *query.sender) &&
                    (!query.recipient || row.recipient == *query.recipient) &&
                    (query.kinds.empty() || row.kind == Kind::Accepted) &&
                    (!query.since || (row.at >= *query.since && row.at < *query.until)) &&
                    (!query.after_id || row.id > *query.after_id);
                if (good) {
                    wanted.push_back(row.id);
                }
            }
            if (!query.newest_first) {
                std::ranges::reverse(wanted);
            }
            wanted.resize(std::min(wanted.size(), query.limit));
            std::vector<std::int64_t> got;
            for (const Event& row : *store->journal().find(query)) {
                got.push_back(row.id);
            }
            ASSERT_EQ(got, wanted) << "blocks of " << block << ", query " << i;
        }
        EXPECT_TRUE(store->journal().find({.account = ""})->empty());
    }
}

// Pages of what is partly in blocks, and blocks that go with their rows.
TEST(JournalIndex, PagesAndForgets) {
    const TestFolder folder;
    const auto store =
        std::move(*open_store(folder.file(), {.journal = {.gather = Duration{0}, .block_rows = 8}})
        );
    for (int i = 1; i <= 50; ++i) {
        Event one = make(i);
        one.account = "taro";
        store->journal().append(one);
        ASSERT_TRUE(store->journal().flush());
    }
    auto database = *Database::open(folder.file(), {});
    const auto blocks = [&] { return EventIndex(*database).blocks()->size(); };
    EXPECT_GE(blocks(), 5U);
    std::vector<std::int64_t> got;
    Query query{.account = "taro", .limit = 7};
    while (true) {
        const auto page = store->journal().find(query);
        for (const Event& row : *page) {
            got.push_back(row.count);
        }
        if (page->size() < query.limit) {
            break;
        }
        query.before_id = page->back().id;
    }
    ASSERT_EQ(got.size(), 50U);
    EXPECT_TRUE(std::ranges::is_sorted(got, std::greater{}));
    ASSERT_TRUE(store->forget_events_before(kNoon + Duration{30}));
    EXPECT_EQ(store->journal().find({.account = "taro"})->size(), 21U);
    EXPECT_LE(blocks(), 4U);
    ASSERT_TRUE(store->forget_events_before(kNoon + Duration{100}));
    EXPECT_TRUE(store->journal().find({.account = "taro"})->empty());
    EXPECT_EQ(blocks(), 0U);
    // Ids grow on, and so does the index.
    for (int i = 100; i < 120; ++i) {
        store->journal().append(make(i));
        ASSERT_TRUE(store->journal().flush());
    }
    EXPECT_EQ(store->journal().find({.account = "login107"})->size(), 1U);
    EXPECT_GE(blocks(), 1U);
}

// A block that is damaged is told of, and no row is made up.
TEST(JournalIndex, ADamagedBlockIsAnError) {
    const TestFolder folder;
    const auto store =
        std::move(*open_store(folder.file(), {.journal = {.gather = Duration{0}, .block_rows = 8}})
        );
    for (int i = 1; i <= 20; ++i) {
        store->journal().append(make(i));
        ASSERT_TRUE(store->journal().flush());
    }
    auto database = *Database::open(folder.file(), {});
    ASSERT_TRUE(database->run_script("UPDATE event_keys SET keys = substr(keys, 2)"));
    const auto found = store->journal().find({.account = "login1"});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::Corrupt);
    EXPECT_EQ(store->journal().find({})->size(), 20U);
}

// It stands in files.
TEST(JournalIndex, AKeyStaysWhatItIs) {
    EXPECT_EQ(event_key("account", "taro@example.net"), 16039093089942176838U);
    EXPECT_NE(event_key("account", "x"), event_key("line", "x"));
}

TEST(JournalSqlText, EveryLookUpIsByIndex) {
    const TestFolder folder;
    ASSERT_TRUE(open_store(folder.file()));
    auto database = *Database::open(folder.file(), {});
    const auto plan = [&](const Query& query, const JournalRows& rows = {}) {
        return query_plan(*database, journal_sql(query, rows).text);
    };
    struct Case {
        Query query;
        std::string index;
    };
    const std::vector<Case> cases{
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
    // What an account did: the rows that a block knows, and those that no block knows yet.
    for (const JournalRows& rows :
         {JournalRows{.after = {}, .among = std::vector<std::int64_t>{1, 2}},
          JournalRows{.after = 7, .among = {}}}) {
        const std::string steps = plan({.account = "x", .since = kNoon}, rows);
        EXPECT_TRUE(steps.contains("SEARCH events USING INTEGER PRIMARY KEY")) << steps;
        EXPECT_FALSE(steps.contains("SCAN events")) << steps;
    }
    // Without any condition the newest are read from the end: no sorting.
    EXPECT_EQ(plan({}), "SCAN events USING INDEX events_at\n");
}

}  // namespace
}  // namespace sekisho::store

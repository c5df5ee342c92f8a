// What waits for what: outcomes for company, readers for the disk.
#include "base/result.h"
#include "base/time.h"
#include "queue/spool.h"
#include "store/segment_file.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"
#include "store/test_support.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace sekisho::store::testing {
namespace {

class SpoolWaits : public ::testing::Test {
  protected:
    void open(Duration outcome_wait) {
        SpoolOptions options = options_for(disk_);
        options.outcome_wait = outcome_wait;
        spool_ = open_or_throw(std::move(options));
    }
    void deliver(std::atomic<int>& done) {
        const auto entry = spool_->take_due(kStart);
        ASSERT_TRUE(entry);
        queue::Outcome outcome;
        outcome.recipients.push_back(
            {.address = entry->envelope.recipients.front().address,
             .state = queue::RecipientState::Delivered,
             .reply = "250 ok"}
        );
        spool_->finish(entry->envelope.queue_id, outcome, [&done](const Status& kept) {
            EXPECT_TRUE(kept);
            ++done;
        });
    }
    std::string put(const std::string& message = "Subject: x\r\n") {
        return append(*spool_, envelope_for("a@example.org"), message).value_or("");
    }

    std::shared_ptr<Disk> disk_ = std::make_shared<Disk>();
    std::unique_ptr<queue::Spool> spool_;
};

// A minute would be far too long for this test: only company ends the wait.
TEST_F(SpoolWaits, OutcomesGoWithTheNextMessage) {
    open(std::chrono::minutes(1));
    put();
    put();
    const auto before = spool_->counters().commits_total;
    std::atomic<int> done = 0;
    deliver(done);
    deliver(done);
    EXPECT_EQ(done, 0);
    put();
    while (done < 2) {
        std::this_thread::yield();
    }
    EXPECT_LE(spool_->counters().commits_total, before + 2);
    EXPECT_EQ(spool_->counters().queued, 1U);
    // What still waits at the end is written.
    deliver(done);
    spool_.reset();
    EXPECT_EQ(done, 3);
    open(std::chrono::minutes(1));
    EXPECT_EQ(spool_->counters().queued, 0U);
}

TEST_F(SpoolWaits, ManyOutcomesAreCompanyEnough) {
    open(std::chrono::minutes(1));
    for (int i = 0; i < 64; ++i) {
        put();
    }
    std::atomic<int> done = 0;
    for (int i = 0; i < 64; ++i) {
        deliver(done);
    }
    while (done < 64) {
        std::this_thread::yield();
    }
}

TEST_F(SpoolWaits, AnOutcomeAloneIsWrittenInTheEnd) {
    open(Duration{1});
    put();
    std::atomic<int> done = 0;
    deliver(done);
    while (done < 1) {
        std::this_thread::yield();
    }
    EXPECT_EQ(spool_->counters().queued, 0U);
}

TEST_F(SpoolWaits, SmallMessagesInMemoryAreReadAtOnce) {
    open(Duration{0});
    const std::string id = put("Subject: x\r\n\r\nhello\r\n");
    EXPECT_EQ(spool_->message_at_once(id), "Subject: x\r\n\r\nhello\r\n");
    const std::string large = put(std::string(300'000, 'x'));
    EXPECT_FALSE(spool_->message_at_once(large));
    EXPECT_EQ(spool_->message(large)->size(), 300'000U);
    EXPECT_FALSE(spool_->message_at_once("nothing"));
    disk_->in_memory = false;
    EXPECT_FALSE(spool_->message_at_once(id));
    EXPECT_EQ(*spool_->message(id), "Subject: x\r\n\r\nhello\r\n");
}

// The real disk: what was just written is in memory, where the file system can say so.
TEST(SpoolAtOnce, TheRealDisk) {
    const TestFolder folder;
    SpoolOptions options;
    options.directory = folder.folder();
    options.free_space_min = 0;
    const auto spool = std::move(*SpoolLog::open(std::move(options)));
    const auto id = append(*spool, envelope_for("a@example.org"), "Subject: x\r\n\r\nhello\r\n");
    ASSERT_TRUE(id);
    const auto read = spool->message_at_once(*id);
    if (!read) {
        GTEST_SKIP() << "this file system has no RWF_NOWAIT";
    }
    EXPECT_EQ(*read, "Subject: x\r\n\r\nhello\r\n");
}

}  // namespace
}  // namespace sekisho::store::testing

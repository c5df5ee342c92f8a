#include "store/spool_log.h"

#include "base/result.h"
#include "base/time.h"
#include "queue/queue_id.h"
#include "queue/spool.h"
#include "store/spool_testing.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::store::testing {
namespace {

using queue::RecipientState;
using std::chrono::hours;
using std::chrono::minutes;

class SpoolLogTest : public ::testing::Test {
  protected:
    void open() { spool_ = open_or_throw(options()); }
    void reopen() {
        spool_.reset();
        open();
    }
    virtual SpoolOptions options() {
        SpoolOptions options = options_for(disk_);
        options.garbage_segments_max = garbage_segments_max_;
        return options;
    }
    std::string put(const std::string& recipient, const std::string& message = "Subject: x\r\n") {
        const auto id = append(*spool_, envelope_for(recipient), message);
        EXPECT_TRUE(id) << id.error().message;
        return id.value_or("");
    }
    queue::Entry take(Time now = kStart) {
        auto entry = spool_->take_due(now);
        EXPECT_TRUE(entry);
        return entry.value_or(queue::Entry{});
    }

    std::shared_ptr<Disk> disk_ = std::make_shared<Disk>();
    std::uint32_t garbage_segments_max_ = SpoolOptions{}.garbage_segments_max;
    std::unique_ptr<queue::Spool> spool_;
};

TEST_F(SpoolLogTest, KeepsEnvelopeAndBytesOverReopening) {
    open();
    queue::Envelope envelope = envelope_for("a@example.org");
    envelope.recipients.push_back(
        {.address = "b@example.org", .orcpt = "rfc822;b@example.org", .notify = "NEVER"}
    );
    envelope.ret = "HDRS";
    envelope.envid = "QQ314159";
    envelope.smtputf8 = envelope.body_8bit = true;
    const std::string bytes = std::string("Subject: \0\xff\r\n\r\n", 15) + std::string(9000, 'x');
    const auto id = append(*spool_, envelope, bytes);
    ASSERT_TRUE(id);
    for (int round = 0; round < 2; ++round) {
        const auto shown = spool_->show(*id);
        ASSERT_TRUE(shown) << shown.error().message;
        EXPECT_EQ(shown->envelope.queue_id, *id);
        EXPECT_EQ(shown->envelope.reverse_path, envelope.reverse_path);
        ASSERT_EQ(shown->envelope.recipients.size(), 2U);
        EXPECT_EQ(shown->envelope.recipients[1].orcpt, "rfc822;b@example.org");
        EXPECT_EQ(shown->envelope.recipients[1].notify, "NEVER");
        EXPECT_EQ(shown->envelope.envid, "QQ314159");
        EXPECT_EQ(shown->envelope.ret, "HDRS");
        EXPECT_TRUE(shown->envelope.smtputf8 && shown->envelope.body_8bit);
        EXPECT_EQ(shown->envelope.size, bytes.size());
        EXPECT_EQ(shown->due, kStart);
        EXPECT_EQ(shown->expires, kStart + hours(5 * 24));
        EXPECT_EQ(spool_->message(*id), bytes);
        reopen();
    }
    EXPECT_TRUE(spool_->damage().empty());
}

TEST_F(SpoolLogTest, FinishedMessagesDoNotComeBack) {
    open();
    const std::string first = put("a@example.org");
    const std::string second = put("b@example.org");
    const queue::Entry entry = take();
    EXPECT_EQ(entry.envelope.queue_id, first);
    EXPECT_TRUE(finish(*spool_, first, outcome_for(entry, RecipientState::Delivered)));
    EXPECT_EQ(spool_->message(first).error().code, Errc::NotFound);
    reopen();
    EXPECT_EQ(spool_->counters().queued, 1U);
    EXPECT_EQ(take().envelope.queue_id, second);
    EXPECT_FALSE(spool_->take_due(kStart + hours(1000)));
}

TEST_F(SpoolLogTest, DeferredRecipientsWaitAndFinishedOnesStayFinished) {
    open();
    queue::Envelope envelope = envelope_for("a@example.org");
    envelope.recipients.push_back({.address = "b@example.org"});
    const std::string id = append(*spool_, envelope, "x\r\n").value();
    (void)take();
    queue::Outcome outcome;
    outcome.recipients = {
        {.address = "a@example.org", .state = RecipientState::Delivered, .reply = "250 ok"},
        {.address = "b@example.org", .state = RecipientState::Pending, .reply = "451 4.7.1 later"},
        {.address = "nobody@example.org", .state = RecipientState::Bounced, .reply = "550"},
    };
    outcome.next_try = kStart + minutes(7);
    EXPECT_TRUE(finish(*spool_, id, outcome));
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(spool_->next_due(), kStart + minutes(7));
        EXPECT_FALSE(spool_->take_due(kStart + minutes(6)));
        const auto shown = spool_->show(id);
        ASSERT_TRUE(shown);
        EXPECT_EQ(shown->attempts, 1);
        EXPECT_EQ(shown->envelope.recipients[0].state, RecipientState::Delivered);
        EXPECT_EQ(shown->envelope.recipients[1].last_reply, "451 4.7.1 later");
        reopen();
    }
    const queue::Entry again = take(kStart + minutes(7));
    // The second outcome names both; the first recipient was delivered already and stays so.
    EXPECT_TRUE(finish(*spool_, id, outcome_for(again, RecipientState::Bounced, "550 no")));
    EXPECT_EQ(spool_->counters().queued, 0U);
}

TEST_F(SpoolLogTest, WithoutANextTryTheScheduleDecides) {
    open();
    const std::string id = put("a@example.org");
    const queue::Entry entry = take();
    EXPECT_TRUE(finish(*spool_, id, outcome_for(entry, RecipientState::Pending, "451")));
    const auto due = spool_->next_due();
    ASSERT_TRUE(due);
    EXPECT_GE(*due, kStart + minutes(5));
    EXPECT_LE(*due, kStart + minutes(6));
}

TEST_F(SpoolLogTest, AnInterruptedTryIsDueAgainAfterReopening) {
    open();
    const std::string id = put("a@example.org");
    (void)take();
    EXPECT_EQ(spool_->counters().in_delivery, 1U);
    reopen();
    EXPECT_EQ(spool_->counters().in_delivery, 0U);
    EXPECT_EQ(take().envelope.queue_id, id);
}

TEST_F(SpoolLogTest, HoldReleaseRetryAndDropLast) {
    open();
    const std::string held = put("held@example.org");
    const std::string dropped = put("dropped@example.org");
    const std::string later = put("later@example.org");
    EXPECT_TRUE(spool_->hold(held, "looks like spam"));
    EXPECT_TRUE(spool_->drop(dropped));
    EXPECT_EQ(spool_->drop(dropped).error().code, Errc::NotFound);
    const queue::Entry entry = take();
    ASSERT_EQ(entry.envelope.queue_id, later);
    queue::Outcome outcome = outcome_for(entry, RecipientState::Pending, "451");
    outcome.next_try = kStart + hours(3);
    EXPECT_TRUE(finish(*spool_, later, outcome));

    reopen();
    EXPECT_EQ(spool_->counters().queued, 2U);
    EXPECT_EQ(spool_->counters().held, 1U);
    EXPECT_FALSE(spool_->take_due(kStart + hours(1)));
    EXPECT_EQ(spool_->show(held)->hold_reason, "looks like spam");
    EXPECT_EQ(spool_->retry_now(held, kStart).error().code, Errc::Conflict);
    EXPECT_EQ(spool_->release(later, kStart).error().code, Errc::Conflict);
    EXPECT_TRUE(spool_->retry_now(later, kStart + hours(1)));
    EXPECT_TRUE(spool_->release(held, kStart + hours(2)));

    reopen();
    EXPECT_EQ(take(kStart + hours(1)).envelope.queue_id, later);
    EXPECT_FALSE(spool_->take_due(kStart + hours(1)));
    const queue::Entry released = take(kStart + hours(2));
    EXPECT_EQ(released.envelope.queue_id, held);
    EXPECT_FALSE(released.held);
    EXPECT_EQ(released.hold_reason, "");
}

TEST_F(SpoolLogTest, AMessageHeldDuringATryStaysHeldAfterIt) {
    open();
    const std::string id = put("a@example.org");
    const queue::Entry entry = take();
    EXPECT_TRUE(spool_->hold(id, "stop"));
    EXPECT_EQ(spool_->retry_now(id, kStart).error().code, Errc::Conflict);
    EXPECT_TRUE(finish(*spool_, id, outcome_for(entry, RecipientState::Pending, "451")));
    EXPECT_FALSE(spool_->take_due(kStart + hours(100)));
    EXPECT_TRUE(spool_->show(id)->held);
}

TEST_F(SpoolLogTest, ADroppedMessagesTryEndsWithNotFound) {
    open();
    const std::string id = put("a@example.org");
    const queue::Entry entry = take();
    EXPECT_TRUE(spool_->drop(id));
    const Status status = finish(*spool_, id, outcome_for(entry, RecipientState::Delivered));
    EXPECT_EQ(status.error().code, Errc::NotFound);
}

TEST_F(SpoolLogTest, FinishWantsAMessageInDelivery) {
    open();
    const std::string id = put("a@example.org");
    EXPECT_EQ(finish(*spool_, id, {}).error().code, Errc::Conflict);
    EXPECT_EQ(finish(*spool_, "0000000001", {}).error().code, Errc::NotFound);
    EXPECT_EQ(finish(*spool_, "../../etc", {}).error().code, Errc::NotFound);
}

TEST_F(SpoolLogTest, IdsGrowAndDoNotComeAgainWhenTheClockIsSetBack) {
    open();
    std::string last;
    for (int i = 0; i < 600; ++i) {  // more than fit one millisecond
        const std::string id = put("a@example.org");
        EXPECT_EQ(id.size(), 10U);
        EXPECT_GT(id, last);
        last = id;
        const queue::Entry entry = take();
        EXPECT_TRUE(finish(*spool_, id, outcome_for(entry, RecipientState::Delivered)));
    }
    spool_.reset();
    SpoolOptions earlier = options();
    earlier.clock = [] { return kStart - hours(1000); };
    spool_ = open_or_throw(std::move(earlier));
    EXPECT_GT(spool_->reserve_id(), last);
    EXPECT_GT(put("a@example.org"), last);
}

TEST_F(SpoolLogTest, AGivenIdIsUsedOnce) {
    open();
    queue::Envelope envelope = envelope_for("a@example.org");
    envelope.queue_id = spool_->reserve_id();
    EXPECT_EQ(append(*spool_, envelope, "x"), envelope.queue_id);
    EXPECT_EQ(append(*spool_, envelope, "y").error().code, Errc::Conflict);
    EXPECT_EQ(spool_->message(envelope.queue_id), "x");
    envelope.queue_id = "no id";
    EXPECT_EQ(append(*spool_, envelope, "y").error().code, Errc::Invalid);
}

TEST_F(SpoolLogTest, FindsByWhatOperatorsKnow) {
    open();
    const std::string a = put("a@Example.ORG");
    const std::string b = put("b@example.com");
    EXPECT_TRUE(spool_->hold(b, "why not"));
    const auto ids = [&](const queue::Filter& filter) {
        std::vector<std::string> found;
        for (const queue::Entry& entry : spool_->find(filter)) {
            found.push_back(entry.envelope.queue_id);
        }
        return found;
    };
    using ::testing::ElementsAre;
    using ::testing::IsEmpty;
    EXPECT_THAT(ids({}), ElementsAre(a, b));
    EXPECT_THAT(ids({.limit = 1}), ElementsAre(a));
    EXPECT_THAT(ids({.domain = "example.org"}), ElementsAre(a));
    EXPECT_THAT(ids({.recipient = "B@example.com"}), ElementsAre(b));
    EXPECT_THAT(ids({.held = true}), ElementsAre(b));
    EXPECT_THAT(ids({.account = "sender@example.net", .held = false}), ElementsAre(a));
    EXPECT_THAT(ids({.sender = "<>"}), IsEmpty());
    EXPECT_EQ(spool_->list(1).size(), 1U);
    EXPECT_EQ(spool_->list(1).front().envelope.queue_id, a);
}

TEST_F(SpoolLogTest, FinishedSegmentsAreUsedAgain) {
    open();
    for (int i = 0; i < 200; ++i) {
        const std::string id =
            put("a@example.org", std::string(4000, static_cast<char>('a' + i % 26)));
        const queue::Entry entry = take();
        EXPECT_TRUE(finish(*spool_, id, outcome_for(entry, RecipientState::Delivered)));
    }
    EXPECT_GT(spool_->counters().recycled_total, 20U);
    EXPECT_LE(disk_->files.size(), 6U);
    const std::string last = put("last@example.org", "the last\r\n");
    reopen();
    EXPECT_TRUE(spool_->damage().empty());
    EXPECT_EQ(spool_->counters().queued, 1U);
    EXPECT_EQ(spool_->message(last), "the last\r\n");
}

TEST_F(SpoolLogTest, AnOldMessageDoesNotHoldTheSegmentsOfOthers) {
    open();
    queue::Envelope envelope = envelope_for("old@example.org");
    envelope.recipients.push_back({.address = "done@example.org"});
    const std::string old = append(*spool_, envelope, "the old one\r\n").value();
    const std::string held = put("held@example.org", "held\r\n");
    const queue::Entry tried = take();
    ASSERT_EQ(tried.envelope.queue_id, old);
    queue::Outcome outcome;
    outcome.recipients = {
        {.address = "done@example.org", .state = RecipientState::Delivered, .reply = "250 ok"},
        {.address = "old@example.org", .state = RecipientState::Pending, .reply = "451 busy"},
    };
    outcome.next_try = kStart + hours(9);
    EXPECT_TRUE(finish(*spool_, old, outcome));
    EXPECT_TRUE(spool_->hold(held, "a reason"));
    for (int i = 0; i < 400; ++i) {
        const std::string id = put("a@example.org", std::string(4000, 'x'));
        const queue::Entry entry = take();
        ASSERT_EQ(entry.envelope.queue_id, id);
        EXPECT_TRUE(finish(*spool_, id, outcome_for(entry, RecipientState::Delivered)));
    }
    EXPECT_GT(spool_->counters().carried_total, 2U);
    EXPECT_LE(spool_->counters().segments, 8U);
    for (int round = 0; round < 2; ++round) {
        EXPECT_TRUE(spool_->damage().empty());
        EXPECT_EQ(spool_->counters().queued, 2U);
        EXPECT_EQ(spool_->message(old), "the old one\r\n");
        const auto shown = spool_->show(old);
        ASSERT_TRUE(shown);
        EXPECT_EQ(shown->attempts, 1);
        EXPECT_EQ(shown->due, kStart + hours(9));
        EXPECT_EQ(shown->envelope.recipients[0].last_reply, "451 busy");
        EXPECT_EQ(shown->envelope.recipients[1].state, RecipientState::Delivered);
        EXPECT_EQ(spool_->show(held)->hold_reason, "a reason");
        EXPECT_TRUE(spool_->show(held)->held);
        reopen();
    }
}

TEST_F(SpoolLogTest, CompactingGivesSpaceBackAtOnceAndKeepsWhatIsQueued) {
    garbage_segments_max_ = 1000;  // else it would be given back in time anyway
    open();
    EXPECT_EQ(spool_->compact(true).segments, 0U);
    std::map<std::string, std::string> kept;
    for (int i = 0; i < 60; ++i) {
        const std::string body(4000, static_cast<char>('a' + i % 26));
        const std::string id = put("a@example.org", body);
        const queue::Entry entry = take();
        const bool stays = i % 10 == 0;
        auto outcome = outcome_for(
            entry, stays ? RecipientState::Pending : RecipientState::Delivered, "451 busy"
        );
        outcome.next_try = kStart + hours(1);
        EXPECT_TRUE(finish(*spool_, id, outcome));
        if (stays) {
            kept.emplace(id, body);
        }
    }
    const std::uint64_t before = spool_->counters().segments;
    const queue::Compaction plan = spool_->compact(false);
    EXPECT_FALSE(plan.running);
    EXPECT_GT(plan.segments, 5U);
    EXPECT_GT(plan.messages, 3U);
    EXPECT_GT(plan.frees, plan.segments * 20'000);
    EXPECT_EQ(spool_->counters().segments, before) << "a plan changes nothing";
    EXPECT_TRUE(spool_->compact(true).running);
    while (spool_->compact(false).running) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_LE(spool_->counters().segments, before - plan.segments + 2);
    for (int round = 0; round < 2; ++round) {
        EXPECT_TRUE(spool_->damage().empty());
        EXPECT_EQ(spool_->counters().queued, kept.size());
        for (const auto& [id, body] : kept) {
            EXPECT_EQ(spool_->message(id), body);
            EXPECT_EQ(spool_->show(id)->attempts, 1);
        }
        reopen();
    }
    // Without a segment that is written to, too.
    for (const auto& [id, body] : kept) {
        EXPECT_TRUE(spool_->drop(id));
    }
    reopen();
    (void)spool_->compact(true);
    while (spool_->compact(false).running) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_LE(spool_->counters().segments, 2U);
    // What is left says which ids were given: another segment for it would give nothing back.
    for (int round = 0; round < 3; ++round) {
        reopen();
        EXPECT_EQ(spool_->compact(true).segments, 0U) << "round " << round;
        EXPECT_EQ(spool_->counters().segments, 1U) << "round " << round;
    }
}

TEST_F(SpoolLogTest, AMessageLargerThanASegmentGetsOneOfItsOwn) {
    open();
    const std::string large(300'000, 'L');
    const std::string id = put("a@example.org", large);
    const std::string small = put("b@example.org", "small");
    reopen();
    EXPECT_EQ(spool_->message(id), large);
    EXPECT_EQ(spool_->message(small), "small");
}

TEST_F(SpoolLogTest, WakesWhenSomethingIsDueSooner) {
    open();
    std::atomic<int> wakes = 0;
    spool_->on_wake([&] { ++wakes; });
    const std::string id = put("a@example.org");
    // The wake comes after the acknowledgement, on the committer's thread; a commit later it is
    // over.
    EXPECT_TRUE(spool_->hold(id, "x"));
    EXPECT_GE(wakes, 1);
    const int before = wakes;
    EXPECT_TRUE(spool_->release(id, kStart));
    (void)take();
    (void)spool_->hold(id, "x");
    EXPECT_GT(wakes, before);
}

TEST_F(SpoolLogTest, ASecondOpenerIsRefused) {
    open();
    const auto second = SpoolLog::open(options());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Conflict);
}

TEST_F(SpoolLogTest, RefusesSegmentSizesThatCannotWork) {
    SpoolOptions options = options_for(disk_);
    options.segment_size = 100;
    EXPECT_EQ(SpoolLog::open(std::move(options)).error().code, Errc::Invalid);
}

// On a real folder, with the thread that makes spares.
class SpoolFolderTest : public SpoolLogTest {
  protected:
    SpoolOptions options() override {
        SpoolOptions options;
        options.directory = directory_;
        options.segment_size = 65'536;
        options.free_space_min = 0;
        return options;
    }
    void TearDown() override {
        spool_.reset();
        std::filesystem::remove_all(directory_);
    }
    std::string directory_ = ::testing::TempDir() + "sekisho_spool_" +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
                             std::to_string(::getpid());
};

TEST_F(SpoolFolderTest, IsLockedAgainstASecondOpener) {
    open();
    const auto second = SpoolLog::open(options());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Conflict);
    EXPECT_THAT(second.error().message, ::testing::HasSubstr(std::to_string(::getpid())));
    reopen();
}

TEST_F(SpoolFolderTest, ManyThreadsAppendAndDeliver) {
    open();
    constexpr int kWriters = 8;
    constexpr int kEach = 150;
    std::mutex mutex;
    std::map<std::string, std::string> accepted;
    std::set<std::string> delivered;
    std::atomic<bool> writing = true;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < kWriters; ++writer) {
        threads.emplace_back([&, writer] {
            for (int i = 0; i < kEach; ++i) {
                const std::string body(
                    static_cast<std::size_t>(100 + (writer * 7919 + i * 104729) % 9000),
                    static_cast<char>('a' + writer)
                );
                const auto id = append(*spool_, envelope_for("a@example.org"), body);
                ASSERT_TRUE(id);
                const std::scoped_lock lock(mutex);
                EXPECT_TRUE(accepted.emplace(*id, body).second);
            }
        });
    }
    std::vector<std::thread> deliverers;
    for (int i = 0; i < 2; ++i) {
        deliverers.emplace_back([&] {
            while (true) {
                const bool last = !writing;
                const auto entry = spool_->take_due(now() + hours(1));
                if (!entry) {
                    if (last) {
                        return;
                    }
                    std::this_thread::yield();
                    continue;
                }
                const std::string& id = entry->envelope.queue_id;
                const auto body = spool_->message(id);
                EXPECT_TRUE(body) << body.error().message;
                EXPECT_TRUE(finish(*spool_, id, outcome_for(*entry, RecipientState::Delivered)));
                const std::scoped_lock lock(mutex);
                EXPECT_TRUE(delivered.insert(id).second) << id << " was handed out twice";
            }
        });
    }
    std::thread observer([&] {
        while (writing) {
            (void)spool_->counters();
            (void)spool_->list(5);
            (void)spool_->next_due();
            (void)spool_->reserve_id();
        }
    });
    for (std::thread& thread : threads) {
        thread.join();
    }
    writing = false;
    for (std::thread& thread : deliverers) {
        thread.join();
    }
    observer.join();
    EXPECT_EQ(delivered.size(), static_cast<std::size_t>(kWriters * kEach));
    EXPECT_EQ(spool_->counters().acks_before_durable_total, 0U);
    EXPECT_GT(spool_->counters().recycled_total, 0U);
    reopen();
    EXPECT_EQ(spool_->counters().queued, 0U);
    EXPECT_TRUE(spool_->damage().empty());
}

}  // namespace
}  // namespace sekisho::store::testing

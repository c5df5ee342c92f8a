// The operator's orders on many messages, the selector, and what is given back untried.
#include "base/result.h"
#include "base/time.h"
#include "queue/queue_id.h"
#include "queue/spool.h"
#include "store/spool_log.h"
#include "store/spool_testing.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::store::testing {
namespace {

using queue::Order;
using std::chrono::hours;

class SpoolActTest : public ::testing::Test {
  protected:
    SpoolActTest() { spool = open_or_throw(options_for(disk)); }
    void reopen() {
        spool.reset();
        spool = open_or_throw(options_for(disk));
    }
    std::string put(const std::string& account, const std::string& recipient, Time at = kStart) {
        queue::Envelope envelope = envelope_for(recipient);
        envelope.account = account;
        envelope.accepted = at;
        return append(*spool, std::move(envelope), "Subject: x\r\n").value();
    }
    std::vector<std::string> find(const queue::Filter& filter) {
        std::vector<std::string> ids;
        for (const queue::Entry& entry : spool->find(filter)) {
            ids.push_back(entry.envelope.queue_id);
        }
        return ids;
    }

    std::shared_ptr<Disk> disk = std::make_shared<Disk>();
    std::unique_ptr<queue::Spool> spool;
};

TEST_F(SpoolActTest, ManyAreHeldReleasedAndDroppedAndStaySoOverReopening) {
    std::vector<std::string> ids;
    for (int i = 0; i < 300; ++i) {
        ids.push_back(put(i % 3 == 0 ? "a" : "b", "x@example.org"));
    }
    queue::Filter of_a;
    of_a.account = "a";
    of_a.limit = 1000;
    Order order;
    order.action = Order::Action::Hold;
    order.reason = "misused";
    const std::uint64_t commits = spool->counters().commits_total;
    for (const Status& done : spool->act(order, find(of_a))) {
        EXPECT_TRUE(done);
    }
    EXPECT_LT(spool->counters().commits_total - commits, 100U) << "they share commits";
    EXPECT_EQ(spool->counters().held, 100U);
    reopen();
    EXPECT_EQ(spool->counters().held, 100U);
    EXPECT_EQ(spool->show(ids[0])->hold_reason, "misused");

    of_a.held = true;
    order.action = Order::Action::Release;
    order.at = kStart;
    EXPECT_EQ(spool->act(order, find(of_a)).size(), 100U);
    EXPECT_EQ(spool->counters().held, 0U);
    order.action = Order::Action::Drop;
    of_a.held.reset();
    EXPECT_EQ(spool->act(order, find(of_a)).size(), 100U);
    reopen();
    EXPECT_EQ(spool->counters().queued, 200U);
}

// RFC 4865: whoever holds and releases a message doesn't change when its sender wants it to go.
TEST_F(SpoolActTest, WhatIsReleasedStillWaitsForItsOwnTime) {
    const auto put_for = [this](std::optional<Time> release, std::optional<Time> not_before) {
        queue::Envelope envelope = envelope_for("x@example.org");
        envelope.accepted = kStart;
        envelope.release = release;
        envelope.not_before = not_before;
        return append(*spool, std::move(envelope), "Subject: x\r\n").value();
    };
    const std::string later = put_for(kStart + hours(5), kStart + hours(1));
    const std::string soon = put_for(kStart + hours(1), kStart + hours(9));
    const std::string now = put_for({}, kStart + hours(9));
    EXPECT_EQ(spool->show(now)->due, kStart + hours(9));
    for (const std::string& id : {later, soon, now}) {
        EXPECT_TRUE(spool->hold(id, "suspected"));
    }
    reopen();
    for (const std::string& id : {later, soon, now}) {
        EXPECT_TRUE(spool->release(id, kStart + hours(2)));
    }
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(spool->show(later)->due, kStart + hours(5));
        EXPECT_EQ(spool->show(soon)->due, kStart + hours(2)) << "its own time is over";
        EXPECT_EQ(spool->show(now)->due, kStart + hours(2));
        EXPECT_FALSE(spool->show(later)->held);
        reopen();
    }
    EXPECT_TRUE(spool->retry_now(later, kStart + hours(2)));
    EXPECT_EQ(spool->show(later)->due, kStart + hours(2)) << "an operator may send it at once";
}

TEST_F(SpoolActTest, EachIdHasItsOwnStatus) {
    const std::string first = put("a", "x@example.org");
    const std::string gone = put("a", "x@example.org");
    EXPECT_TRUE(spool->drop(gone));
    Order order;
    order.action = Order::Action::Release;
    const std::string no_id = "u!";
    const std::vector<Status> done = spool->act(order, {first, gone, no_id});
    ASSERT_EQ(done.size(), 3U);
    EXPECT_EQ(done[0].error().code, Errc::Conflict) << "it is not held";
    EXPECT_EQ(done[1].error().code, Errc::NotFound);
    EXPECT_EQ(done[2].error().code, Errc::NotFound);
    EXPECT_TRUE(spool->act(order, {}).empty());
}

TEST_F(SpoolActTest, AReroutedMessageKeepsItsStateAndBytes) {
    const std::string id = put("a", "x@example.org");
    queue::Outcome later;
    later.recipients = {
        {.address = "x@example.org", .state = queue::RecipientState::Pending, .reply = "451 later"}
    };
    later.next_try = kStart + hours(2);
    ASSERT_TRUE(spool->take_due(kStart));
    ASSERT_TRUE(finish(*spool, id, later));
    Order order;
    order.action = Order::Action::Reroute;
    order.route = "relay.example:2525";
    order.at = kStart;
    EXPECT_TRUE(spool->act(order, {id}).front());
    EXPECT_EQ(spool->act(order, {"zzzzzzzzzz"}).front().error().code, Errc::NotFound);
    for (int round = 0; round < 2; ++round) {
        const auto entry = spool->show(id);
        ASSERT_TRUE(entry);
        EXPECT_EQ(entry->envelope.route, "relay.example:2525");
        EXPECT_EQ(entry->due, kStart);
        EXPECT_EQ(entry->attempts, 1);
        EXPECT_EQ(entry->envelope.recipients[0].last_reply, "451 later");
        EXPECT_EQ(spool->message(id), "Subject: x\r\n");
        reopen();
    }
    // In delivery, and held in the same moment: the newer word counts.
    ASSERT_TRUE(spool->take_due(kStart));
    order.route = "other.example:25";
    EXPECT_TRUE(spool->act(order, {id}).front());
    EXPECT_TRUE(spool->hold(id, "wait"));
    EXPECT_TRUE(finish(*spool, id, later));
    reopen();
    EXPECT_EQ(spool->show(id)->envelope.route, "other.example:25");
    EXPECT_TRUE(spool->show(id)->held);
    EXPECT_EQ(spool->show(id)->attempts, 2);
}

TEST_F(SpoolActTest, ADiskThatFailsTellsEachOrder) {
    const std::string first = put("a", "x@example.org");
    const std::string second = put("a", "x@example.org");
    disk->fault = [](Op op, std::uint64_t) {
        return op == Op::Write ? std::optional(Error{Errc::Unavailable, "the disk failed"})
                               : std::nullopt;
    };
    Order order;
    order.action = Order::Action::Drop;
    for (const Status& done : spool->act(order, {first, second})) {
        EXPECT_EQ(done.error().code, Errc::Unavailable);
    }
    disk->fault = nullptr;
    EXPECT_EQ(spool->counters().queued, 2U);
}

TEST_F(SpoolActTest, TheSelectorChoosesByEveryMember) {
    const std::string a = put("a", "x@example.org", kStart - hours(5));
    const std::string b = put("b", "y@Other.Example", kStart);
    queue::Filter filter;
    filter.domain = "other.example";
    EXPECT_THAT(find(filter), ::testing::ElementsAre(b));
    filter = {};
    filter.accepted_before = kStart;
    EXPECT_THAT(find(filter), ::testing::ElementsAre(a));
    filter = {};
    filter.ids = {b, "zzzzzzzzzz"};
    EXPECT_THAT(find(filter), ::testing::ElementsAre(b));
    filter.account = "a";
    EXPECT_THAT(find(filter), ::testing::IsEmpty());
    filter = {};
    filter.limit = 1;
    EXPECT_THAT(find(filter), ::testing::ElementsAre(a));
    filter.after = a;
    EXPECT_THAT(find(filter), ::testing::ElementsAre(b));
    filter.after = b;
    EXPECT_THAT(find(filter), ::testing::IsEmpty());
    int seen = 0;
    spool->visit({}, [&seen](const queue::Entry&) { return ++seen < 1; });
    EXPECT_EQ(seen, 1);
}

TEST_F(SpoolActTest, WhatIsGivenBackIsDueLaterAndWasNotTried) {
    const std::string id = put("a", "x@example.org");
    ASSERT_TRUE(spool->take_due(kStart));
    spool->give_back(id, kStart + hours(1));
    EXPECT_FALSE(spool->take_due(kStart));
    EXPECT_EQ(spool->next_due(), kStart + hours(1));
    EXPECT_EQ(spool->show(id)->attempts, 0);
    EXPECT_EQ(finish(*spool, id, {}).error().code, Errc::Conflict) << "the try is over";
    spool->give_back(id, kStart);
    EXPECT_FALSE(spool->take_due(kStart)) << "it wasn't in delivery";
    EXPECT_EQ(spool->take_due(kStart + hours(1))->envelope.queue_id, id);
    reopen();
    EXPECT_EQ(spool->next_due(), kStart) << "nothing of it was written";
}

}  // namespace
}  // namespace sekisho::store::testing

#include "cli/queue_stats.h"

#include "base/time.h"
#include "cli/context.h"
#include "queue/spool.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr Time kNow = Time{Duration{4'000'000'000'000}};  // to come
using std::chrono::hours;

queue::Entry entry(
    const std::string& account, const std::vector<std::string>& to, int age, const char* reply
) {
    queue::Entry entry;
    entry.envelope.account = account;
    entry.envelope.accepted = kNow - hours(age);
    entry.envelope.size = 100;
    entry.due = kNow + hours(age);
    for (const std::string& address : to) {
        entry.envelope.recipients.push_back({.address = address, .last_reply = reply});
    }
    return entry;
}

TEST(QueueStats, CountsByDestinationAndAccount) {
    QueueStats stats;
    stats.add(entry("a", {"1@One.example", "2@one.example", "3@two.example"}, 2, "452 4.2.2 full"));
    stats.add(entry("a", {"1@one.example"}, 5, "451 4.4.1 no answer"));
    queue::Entry held = entry("b", {"1@one.example"}, 1, "");
    held.held = true;
    stats.add(held);
    queue::Entry partly = entry("", {"1@three.example"}, 1, "");
    partly.envelope.recipients[0].state = queue::RecipientState::Delivered;
    stats.add(partly);

    const Json json = stats.json(10);
    EXPECT_EQ(json["messages"], 4);
    EXPECT_EQ(json["bytes"], 400);
    EXPECT_EQ(json["held"], 1);
    ASSERT_EQ(json["destinations"].size(), 2U) << "three.example waits for nothing";
    const Json& one = json["destinations"][0];
    EXPECT_EQ(one["domain"], "one.example");
    EXPECT_EQ(one["messages"], 3);
    EXPECT_EQ(one["recipients"], 4);
    EXPECT_EQ(one["held"], 1);
    EXPECT_EQ(one["planned"], 2);
    EXPECT_EQ(one["deferred"], 0);
    EXPECT_EQ(one["oldest"], rfc3339(kNow - hours(5)));
    EXPECT_EQ(one["next_try"], rfc3339(kNow + hours(2)));
    EXPECT_EQ(one["why"], "451 4.4.1 no answer") << "of the oldest";
    EXPECT_EQ(one["cause"], "The recipient's mail server does not answer.");
    EXPECT_EQ(json["accounts"][0]["account"], "a");
    EXPECT_EQ(json["accounts"][0]["messages"], 2);
    EXPECT_EQ(json["accounts_total"], 3);
    EXPECT_EQ(stats.json(1)["destinations"].size(), 1U);
}

TEST(QueueStats, SaysWhatEachMessageWaitsFor) {
    QueueStats stats;
    const auto add = [&](auto change) {
        queue::Entry one = entry("a", {"1@one.example"}, 1, "");
        one.due = Time{};
        change(one);
        stats.add(one, [](const queue::Envelope& envelope, const std::string& domain) {
            return domain == "one.example" && envelope.account == "stopped";
        });
    };
    add([](queue::Entry&) {});
    add([](queue::Entry& one) { one.held = one.in_delivery = true; });
    add([](queue::Entry& one) { one.in_delivery = true; });
    add([](queue::Entry& one) { one.attempts = 2; });
    add([](queue::Entry& one) { one.due = now() + hours(1); });
    add([](queue::Entry& one) { one.envelope.account = "stopped"; });
    const Json json = stats.json(1);
    for (const char* reason : {"held", "suspended", "in_delivery", "deferred", "planned", "due"}) {
        EXPECT_EQ(json["destinations"][0][reason], 1) << reason;
    }
}

}  // namespace
}  // namespace sekisho::cli

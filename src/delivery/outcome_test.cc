#include "delivery/outcome.h"

#include "base/time.h"
#include "replies/table.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <vector>

namespace sekisho::delivery {
namespace {

using queue::RecipientState;
using smtp::Stage;

Tried tried(Stage stage, int code, bool local = false) {
    Tried result;
    result.stage = stage;
    result.reply = smtp::reply(code, "", "text");
    result.local = local;
    return result;
}

TEST(Outcome, Decisions) {
    using enum Decision;
    struct Row {
        Stage stage;
        int code;
        bool local;
        Decision with_more_hosts, at_the_last;
    };
    for (const Row& row : std::vector<Row>{
             {Stage::EndOfData, 250, false, Delivered, Delivered},
             {Stage::Connect, 451, true, NextHost, Defer},
             {Stage::Greeting, 421, false, NextHost, Defer},
             {Stage::Greeting, 554, false, NextHost, Defer},
             {Stage::Greeting, 521, false, NextHost, Bounce},
             {Stage::Greeting, 451, true, NextHost, Defer},
             {Stage::Hello, 550, false, NextHost, Bounce},
             {Stage::Hello, 550, true, NextHost, Defer},
             {Stage::Hello, 450, false, NextHost, Defer},
             {Stage::StartTls, 454, false, NextHost, Defer},
             {Stage::Mail, 550, false, Bounce, Bounce},
             {Stage::Mail, 450, false, NextHost, Defer},
             {Stage::Mail, 550, true, NextHost, Bounce},
             {Stage::Rcpt, 550, false, Bounce, Bounce},
             {Stage::Rcpt, 450, false, NextHost, Defer},
             {Stage::Data, 554, false, Bounce, Bounce},
             {Stage::Data, 451, true, NextHost, Defer},
             {Stage::EndOfData, 554, false, Bounce, Bounce},
             {Stage::EndOfData, 451, false, Defer, Defer},
             {Stage::EndOfData, 451, true, Defer, Defer},
         }) {
        const Tried one = tried(row.stage, row.code, row.local);
        EXPECT_EQ(decide(one, false), row.with_more_hosts) << name(row.stage) << " " << row.code;
        EXPECT_EQ(decide(one, true), row.at_the_last) << name(row.stage) << " " << row.code;
    }
}

TEST(Outcome, ARuleMayOverruleTheClassOfAServersReply) {
    using enum Decision;
    Tried refused = tried(Stage::Rcpt, 550);
    refused.meaning.kind.treat = replies::Treat::Later;
    EXPECT_EQ(decide(refused, false), NextHost);
    EXPECT_EQ(decide(refused, true), Defer);
    Tried put_off = tried(Stage::Rcpt, 450);
    put_off.meaning.kind.treat = replies::Treat::Return;
    EXPECT_EQ(decide(put_off, false), Bounce);
    const Settled settled = settle(put_off, Time{}, Time{} + Duration{1});
    EXPECT_EQ(settled.state, RecipientState::Bounced);
    EXPECT_EQ(settled.status, "5.0.0") << "it was 450, and we give up";
    Tried greeting = tried(Stage::Greeting, 421);
    greeting.meaning.kind.treat = replies::Treat::Return;
    EXPECT_EQ(decide(greeting, false), NextHost);
    EXPECT_EQ(decide(greeting, true), Bounce);
    Tried ours = tried(Stage::Connect, 451, true);
    ours.meaning.kind.treat = replies::Treat::Return;
    EXPECT_EQ(decide(ours, true), Defer) << "rules are for what others say";
}

TEST(Outcome, RepliesAreClassifiedWithWhoSaidThem) {
    Tried one = tried(Stage::Rcpt, 550);
    one.reply = smtp::reply(550, "5.4.1", "Recipient address rejected: Access denied");
    classify(one);
    EXPECT_NE(one.meaning.kind.name, "mailbox-unknown");
    one.meaning = {};
    one.remote_name = "x.mail.protection.outlook.com";
    classify(one);
    EXPECT_EQ(one.meaning.rule, "outlook-no-such-mailbox");
    EXPECT_TRUE(one.meaning.kind.recipient_gone);
    Tried good = tried(Stage::EndOfData, 250);
    classify(good);
    EXPECT_EQ(good.meaning.rule, "");
}

TEST(Outcome, TheWaitIsBoundedWithSomeJitter) {
    const Duration hour{3'600'000};
    const Duration minute{60'000};
    replies::Kind kind;
    EXPECT_EQ(bounded_wait(hour, kind, 1, 7), hour);
    kind.wait_max = 10 * minute;
    EXPECT_EQ(bounded_wait(hour, kind, 6, 0), 10 * minute);
    EXPECT_EQ(bounded_wait(hour, kind, 6, ~std::uint64_t{0}), 12 * minute);
    EXPECT_EQ(bounded_wait(hour, kind, 7, 0), hour) << "it isn't what we took it for";
    EXPECT_EQ(bounded_wait(5 * minute, kind, 1, 0), 5 * minute);
    kind = {};
    kind.wait_min = 2 * hour;
    EXPECT_EQ(bounded_wait(hour, kind, 9, 0), 2 * hour);
}

TEST(Outcome, SettledStates) {
    const Time now = from_ms(1'000'000);
    const Time later = from_ms(1'000'001);
    const Settled delivered = settle(tried(Stage::EndOfData, 250), now, later);
    EXPECT_EQ(delivered.state, RecipientState::Delivered);
    EXPECT_EQ(delivered.status, "2.0.0");
    const Settled refused = settle(tried(Stage::Rcpt, 550), now, later);
    EXPECT_EQ(refused.state, RecipientState::Bounced);
    EXPECT_EQ(refused.status, "5.0.0");
    EXPECT_EQ(refused.reply, "550 text");
    EXPECT_FALSE(refused.expired);
    const Settled deferred = settle(tried(Stage::Rcpt, 450), now, later);
    EXPECT_EQ(deferred.state, RecipientState::Pending);
    const Settled expired = settle(tried(Stage::Rcpt, 450), later, later);
    EXPECT_EQ(expired.state, RecipientState::Bounced);
    EXPECT_EQ(expired.status, "4.4.7");
    EXPECT_TRUE(expired.expired);
    EXPECT_EQ(settle(tried(Stage::EndOfData, 250), later, now).state, RecipientState::Delivered);
}

}  // namespace
}  // namespace sekisho::delivery

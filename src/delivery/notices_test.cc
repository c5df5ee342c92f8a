#include "delivery/notices.h"

#include "base/time.h"
#include "delivery/outcome.h"
#include "queue/spool.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <chrono>
#include <cstddef>
#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace sekisho::delivery {
namespace {

const Time kNow = from_ms(1'795'531'759'000);

FinishedRecipient finished(const std::string& notify, int code, bool last_here = false) {
    FinishedRecipient result;
    result.recipient.address = "to@other.example";
    result.recipient.notify = notify;
    result.tried.stage = code < 400 ? smtp::Stage::EndOfData : smtp::Stage::Rcpt;
    result.tried.reply = smtp::reply(code, code < 400 ? "2.0.0" : "5.1.1", "said so");
    result.tried.remote_name = "mx.other.example";
    result.settled = settle(result.tried, kNow, kNow + std::chrono::hours(1));
    result.final_delivery = last_here;
    return result;
}

std::string notice(
    const FinishedRecipient& one,
    const std::string& sender = "a@example.net",
    const std::optional<queue::DeliverBy>& by = std::nullopt
) {
    queue::Envelope envelope;
    envelope.queue_id = "0123456789";
    envelope.reverse_path = sender;
    envelope.envid = "QQ314159";
    envelope.deliver_by = by;
    NoticeOptions options;
    options.hostname = "mail.example.net";
    options.from = "postmaster@mail.example.net";
    const auto made =
        make_notice(envelope, {one}, "Subject: orig\r\n\r\nbody\r\n", options, "unique", kNow);
    if (!made) {
        return "none";
    }
    EXPECT_EQ(made->envelope.reverse_path, "");
    EXPECT_EQ(made->envelope.recipients.size(), 1U);
    EXPECT_EQ(made->envelope.recipients.front().address, sender);
    EXPECT_EQ(made->envelope.size, made->message.size());
    EXPECT_NE(made->envelope.message_id, "");
    return made->message;
}

std::string action(const std::string& message) {
    const std::size_t at = message.find("\r\nAction: ");
    return at == std::string::npos
               ? message
               : message.substr(at + 10, message.find("\r\n", at + 2) - at - 10);
}

// RFC 8689 §5
TEST(Notices, AboutAMessageThatNeedsTlsNeedItToo) {
    queue::Envelope envelope;
    envelope.queue_id = "0123456789";
    envelope.reverse_path = "a@example.net";
    envelope.ret = "FULL";
    NoticeOptions options;
    options.hostname = "mail.example.net";
    options.from = "postmaster@mail.example.net";
    for (const bool require_tls : {false, true}) {
        envelope.require_tls = require_tls;
        const auto made = make_notice(
            envelope, {finished("", 550)}, "Subject: s\r\n\r\nsecret\r\n", options, "u", kNow
        );
        ASSERT_TRUE(made);
        EXPECT_EQ(made->envelope.require_tls, require_tls);
        EXPECT_EQ(made->message.contains("secret"), !require_tls) << "RET=HDRS";
        EXPECT_TRUE(made->message.contains("Subject: s"));
    }
}

TEST(Notices, BehindARewrittenSenderStandsAnother) {
    queue::Envelope envelope;
    envelope.queue_id = "0123456789";
    envelope.reverse_path = "SRS0=x@example.net";
    NoticeOptions options;
    options.hostname = "mail.example.net";
    options.from = "postmaster@mail.example.net";
    options.original_sender = [](const std::string& sender) {
        return sender == "SRS0=x@example.net" ? std::string("a@b.example") : sender;
    };
    const auto made =
        make_notice(envelope, {finished("", 550)}, "S: o\r\n\r\nb\r\n", options, "unique", kNow);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->envelope.recipients.front().address, "a@b.example");
    EXPECT_TRUE(
        made->message.contains("To: <a@b.example>") || made->message.contains("To: a@b.example")
    );
}

TEST(Notices, WhoIsTold) {
    EXPECT_EQ(action(notice(finished("", 550))), "failed");
    EXPECT_EQ(action(notice(finished("FAILURE,DELAY", 550))), "failed");
    EXPECT_EQ(notice(finished("NEVER", 550)), "none");
    EXPECT_EQ(notice(finished("SUCCESS", 550)), "none");
    EXPECT_EQ(notice(finished("", 550), ""), "none") << "null reverse-path";
    EXPECT_EQ(notice(finished("", 450)), "none") << "still pending";
    EXPECT_EQ(notice(finished("", 250)), "none");
    EXPECT_EQ(notice(finished("FAILURE", 250)), "none");
    EXPECT_EQ(action(notice(finished("SUCCESS,FAILURE", 250, true))), "delivered");
    EXPECT_EQ(action(notice(finished("SUCCESS", 250))), "relayed");
    FinishedRecipient passed = finished("SUCCESS", 250);
    passed.tried.dsn_passed_on = true;
    EXPECT_EQ(notice(passed), "none");
}

// RFC 2852 §4.1.4.
TEST(Notices, WhoSetATimeIsToldWhenNobodyElseKeepsIt) {
    const auto told = [](const std::string& notify, bool passed_on, bool trace, bool last = false) {
        FinishedRecipient one = finished(notify, 250, last);
        one.tried.by_passed_on = passed_on;
        one.tried.dsn_passed_on = true;
        const queue::DeliverBy by{
            .deadline = kNow, .mode = queue::DeliverBy::Mode::Notify, .trace = trace
        };
        return action(notice(one, "a@example.net", by));
    };
    EXPECT_EQ(told("", false, false), "relayed");
    EXPECT_EQ(told("FAILURE", false, false), "relayed");
    EXPECT_EQ(told("NEVER", false, true), "none");
    EXPECT_EQ(told("", true, false), "none");
    EXPECT_EQ(told("", true, true), "relayed") << "each hop, with a trace";
    EXPECT_EQ(told("", false, true, true), "none") << "delivered here";
}

TEST(Notices, ALateOneIsToldUnlessNotifyForbidsIt) {
    const auto late = [](const std::string& notify) {
        FinishedRecipient one = finished(notify, 450);
        one.late_until = kNow + std::chrono::hours(100);
        return one;
    };
    const std::string text = notice(late(""));
    EXPECT_EQ(action(text), "delayed");
    EXPECT_NE(text.find("Will-Retry-Until:"), std::string::npos) << text;
    EXPECT_EQ(action(notice(late("FAILURE,DELAY"))), "delayed");
    EXPECT_EQ(notice(late("FAILURE")), "none");
    EXPECT_EQ(notice(late("NEVER")), "none");
    EXPECT_EQ(notice(late(""), ""), "none");
    FinishedRecipient returned = finished("", 550);
    returned.late_until = kNow;
    EXPECT_EQ(action(notice(returned)), "failed");
}

TEST(Notices, WhenAMessageIsLate) {
    using std::chrono::hours;
    const LateOptions options{.delay = hours(4), .expire = hours(120)};
    queue::Entry entry;
    entry.envelope.reverse_path = "a@example.net";
    entry.envelope.accepted = kNow;
    entry.expires = kNow + hours(120);
    EXPECT_EQ(late_at(entry, options), kNow + hours(4));
    EXPECT_FALSE(late_at(entry, {.expire = hours(120)})) << "never";
    // Held back for 10 hours by its sender.
    entry.expires = kNow + hours(130);
    EXPECT_EQ(late_at(entry, options), kNow + hours(14));
    entry.envelope.deliver_by =
        queue::DeliverBy{.deadline = kNow + hours(1), .mode = queue::DeliverBy::Mode::Notify};
    EXPECT_EQ(late_at(entry, options), kNow + hours(1));
    EXPECT_EQ(late_at(entry, {}), kNow + hours(1)) << "asked for by the sender";
    entry.envelope.deliver_by->mode = queue::DeliverBy::Mode::Return;
    entry.expires = kNow + hours(1);
    EXPECT_EQ(late_at(entry, options), kNow + hours(4));
    entry.delay_told = true;
    EXPECT_FALSE(late_at(entry, options)) << "once";
    entry.delay_told = false;
    entry.envelope.reverse_path.clear();
    EXPECT_FALSE(late_at(entry, options));
}

TEST(Notices, WhatIsTold) {
    const std::string text = notice(finished("", 550));
    for (const char* part :
         {"Reporting-MTA: dns; mail.example.net",
          "Final-Recipient: rfc822; to@other.example",
          "Status: 5.1.1",
          "Remote-MTA: dns; mx.other.example",
          "said so",
          "Subject: orig",
          "Original-Envelope-Id: QQ314159"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
}

}  // namespace
}  // namespace sekisho::delivery

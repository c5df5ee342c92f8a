// The deliverer end to end on loopback: real sockets, scripted peers, a spool in memory.
#include "delivery/deliverer.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/deliverer_fixture.h"
#include "delivery/test_support.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "queue/spool.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

TEST_F(DelivererTest, DeliversByMxWithTls) {
    Script script;
    script.ehlo = "250-mx.test\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 ENHANCEDSTATUSCODES";
    script.tls = server_tls;
    const auto server = serve(script);
    route_to();
    start();
    const auto item = tried(send({"a@other.example", "b@Other.Example"}));
    EXPECT_TRUE(item.finished);
    EXPECT_EQ(reply_of(item, 1), "250 2.0.0 taken as 1");
    const auto mails = server->mails();
    ASSERT_EQ(mails.size(), 1U) << "one transaction for both";
    EXPECT_TRUE(mails[0].tls);
    EXPECT_EQ(mails[0].data, "Subject: hello\r\n\r\n..dot\r\nbody\r\n");
    const std::string event = journal.last("a@other.example");
    EXPECT_TRUE(event.starts_with("delivered: 250 2.0.0 taken as 1 (mx.other.example[127.0.0.1]:"))
        << event;
    EXPECT_NE(event.find("TLSv1.3 "), std::string::npos) << event;
    EXPECT_EQ(deliverer->counters().tls_total, 1U);
    EXPECT_EQ(deliverer->counters().delivered_total, 2U);
    EXPECT_EQ(nlohmann::json::parse(deliverer->status_json())["delivered_total"], 2);
}

TEST_F(DelivererTest, ABrokenTlsGoesOnInPlain) {
    Script script;
    script.ehlo = "250-mx.test\r\n250 STARTTLS";
    const auto server = serve(script);
    route_to();
    start();
    using Break = Script::BreakTls;
    const std::vector<Break> ways{Break::TalkPlain, Break::TalkPlainLater, Break::Close};
    for (std::size_t i = 0; i < ways.size(); ++i) {
        script.break_tls = ways[i];
        server->set(script);
        const auto item = tried(send({"a@other.example"}));
        EXPECT_TRUE(item.finished) << reply_of(item);
        ASSERT_EQ(server->mails().size(), i + 1);
        EXPECT_FALSE(server->mails().back().tls);
        EXPECT_EQ(server->connections(), 2 * (static_cast<int>(i) + 1));
        EXPECT_EQ(deliverer->counters().tls_failed_total, i + 1);
        EXPECT_NE(journal.last("a@other.example").find("no TLS"), std::string::npos);
    }
}

TEST_F(DelivererTest, RecipientsGetTheirOwnOutcomes) {
    Script script;
    script.answers["RCPT TO:<gone@"] = "550 5.1.1 no such user";
    script.answers["RCPT TO:<full@"] = "452 4.2.2 mailbox full";
    const auto server = serve(script);
    route_to();
    start();
    const auto item =
        tried(send({"good@other.example", "gone@other.example", "full@other.example"}));
    EXPECT_FALSE(item.finished);
    EXPECT_EQ(state_of(item, 0), RecipientState::Delivered);
    EXPECT_EQ(state_of(item, 1), RecipientState::Bounced);
    EXPECT_EQ(state_of(item, 2), RecipientState::Pending);
    EXPECT_EQ(reply_of(item, 2), "452 4.2.2 mailbox full");
    EXPECT_GT(item.entry.due, now() + std::chrono::minutes(5));
    EXPECT_TRUE(journal.last("full@other.example").starts_with("deferred: 452 4.2.2"));
    // The sender is one of ours: the notification ends in the Maildir.
    ASSERT_TRUE(eventually([&] { return inbox().size() == 1; }));
    const std::string notice = inbox()[0];
    EXPECT_TRUE(notice.starts_with("Return-Path: <>\n")) << notice;
    EXPECT_NE(notice.find("gone@other.example"), std::string::npos);
    EXPECT_EQ(notice.find("Final-Recipient: rfc822; full@"), std::string::npos);
    // Durable before the outcome was recorded.
    const auto order = spool.order();
    EXPECT_LT(std::ranges::find(order, "append Q2"), std::ranges::find(order, "finish Q1"));
    // The second try is about the one that is left.
    script.answers.erase("RCPT TO:<full@");
    server->set(script);
    std::ignore = spool.retry_now("Q1", now());
    const auto again = tried("Q1", 2);
    EXPECT_TRUE(again.finished);
    ASSERT_EQ(server->mails().size(), 2U);
    const auto commands = server->mails()[1].commands;
    EXPECT_EQ(
        std::ranges::count_if(commands, [](const auto& c) { return c.starts_with("RCPT"); }), 1
    );
}

TEST_F(DelivererTest, TheNextHostIsTriedWhenTheFirstFails) {
    const auto first = serve({.greeting = "554 5.3.2 go away"}, "127.0.0.2");
    Script tempfail;
    tempfail.answers["RCPT"] = "450 4.7.1 greylisted";
    const auto second = serve(tempfail, "127.0.0.3");
    const auto third = serve({}, "127.0.0.4");
    resolver.add(
        "other.example",
        {{10, "a.example"}, {20, "b.example"}, {30, "c.example"}, {5, "dead.example"}}
    );
    resolver.add_host("dead.example", {"127.0.0.9"});
    resolver.add_host("a.example", {"127.0.0.2"});
    resolver.add_host("b.example", {"127.0.0.3"});
    resolver.add_host("c.example", {"::9", "127.0.0.4"});
    start();
    const auto item = tried(send({"a@other.example"}));
    EXPECT_TRUE(item.finished) << reply_of(item);
    EXPECT_EQ(first->connections(), 1);
    EXPECT_EQ(second->connections(), 1);
    EXPECT_EQ(third->mails().size(), 1U);
    EXPECT_NE(journal.last("a@other.example").find("c.example[127.0.0.4]"), std::string::npos);
}

TEST_F(DelivererTest, AConnectionLostAfterTheDataIsNotTriedElsewhere) {
    Script script;
    script.after_data = "close";
    const auto first = serve(script, "127.0.0.2");
    const auto second = serve({}, "127.0.0.3");
    resolver.add("other.example", {{10, "a.example"}, {20, "b.example"}});
    resolver.add_host("a.example", {"127.0.0.2"});
    resolver.add_host("b.example", {"127.0.0.3"});
    start();
    const auto item = tried(send({"a@other.example"}));
    EXPECT_FALSE(item.finished);
    EXPECT_TRUE(reply_of(item).find(" 4.4.2 ") != std::string::npos) << reply_of(item);
    EXPECT_EQ(second->connections(), 0);
}

TEST_F(DelivererTest, WhatDnsSaysDecides) {
    options.route.port = net::test::free_port();
    resolver.add("null.example", {{0, ""}});
    resolver.add("mute.example", {{10, "noaddress.example"}});
    resolver.add("loop.example", {{10, "mail.example.net"}});
    resolver.mx_of.insert_or_assign("broken.example", fail(Errc::Unavailable, "SERVFAIL"));
    resolver.add("half.example", {{10, "broken-host.example"}});
    resolver.addresses_of.insert_or_assign(
        "broken-host.example", fail(Errc::Unavailable, "SERVFAIL")
    );
    resolver.add_host("implicit.example", {"127.0.0.1"});
    start();
    struct Row {
        const char* domain;
        RecipientState state;
        const char* status;
    };
    for (const Row& row : std::vector<Row>{
             {"null.example", RecipientState::Bounced, "556 5.1.10 "},
             {"absent.example", RecipientState::Bounced, "550 5.1.2 "},
             {"mute.example", RecipientState::Bounced, "550 5.4.4 "},
             {"loop.example", RecipientState::Bounced, "554 5.4.6 "},
             {"broken.example", RecipientState::Pending, "451 4.4.3 "},
             {"half.example", RecipientState::Pending, "451 4.4.3 "},
             {"implicit.example", RecipientState::Pending, "451 4.4.1 "},
         }) {
        const auto item = tried(send({std::string("a@") + row.domain}, ""));
        EXPECT_EQ(state_of(item), row.state) << row.domain;
        EXPECT_TRUE(reply_of(item).starts_with(row.status)) << row.domain << ": " << reply_of(item);
    }
    EXPECT_EQ(deliverer->counters().notices_total, 0U) << "the reverse-path was null";
}

TEST_F(DelivererTest, TheLastTryAtExpiryReturnsTheMessage) {
    Script script;
    script.answers["RCPT"] = "450 4.2.1 not now";
    const auto server = serve(script);
    route_to();
    spool.expire = Duration{0};
    start();
    const auto item = tried(send({"a@other.example"}));
    EXPECT_TRUE(item.finished);
    EXPECT_EQ(state_of(item), RecipientState::Bounced);
    EXPECT_TRUE(journal.last("a@other.example").starts_with("expired: 450 4.2.1"));
    EXPECT_EQ(deliverer->counters().expired_total, 1U);
    EXPECT_EQ(deliverer->counters().bounced_total, 0U) << "nobody refused it";
    ASSERT_TRUE(eventually([&] { return inbox().size() == 1; }));
    EXPECT_NE(inbox()[0].find("Status: 5.4.7"), std::string::npos) << inbox()[0];
}

TEST_F(DelivererTest, NotificationsAreSigned) {
    const auto key = dkim::PrivateKey::make(dkim::Algorithm::Ed25519Sha256);
    ASSERT_TRUE(key);
    auto keys = std::make_shared<dkim::Signer>();
    keys->add("mail.example.net", "example.net", {"e2026a", *key});
    signer.set(keys);
    Script script;
    script.answers["RCPT"] = "550 5.1.1 no";
    const auto server = serve(script);
    route_to();
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    ASSERT_TRUE(eventually([&] { return inbox().size() == 1; }));
    const std::string notice = inbox()[0];
    const auto header = message::Header::scan(notice);
    dkim::Verifier verifier(header, now());
    EXPECT_EQ(verifier.queries(), std::vector<std::string>{"e2026a._domainkey.example.net"});
    verifier.body(std::string_view(notice).substr(header.body_offset()));
    const auto verdicts =
        verifier.finish({{"e2026a._domainkey.example.net", std::vector<std::string>{key->record()}}}
        );
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].status, dkim::Outcome::Pass) << verdicts[0].reason << "\n" << notice;
}

TEST_F(DelivererTest, NoNotificationForThoseWhoDoNotWantOne) {
    Script script;
    script.answers["RCPT"] = "550 5.1.1 no";
    const auto server = serve(script);
    route_to();
    start();
    EXPECT_TRUE(tried(send({"a@other.example"}, "taro@example.net", "NEVER")).finished);
    EXPECT_TRUE(tried(send({"a@other.example"}, "")).finished);
    EXPECT_EQ(deliverer->counters().notices_total, 0U);
    EXPECT_EQ(spool.item("Q3").message, "");
}

TEST_F(DelivererTest, WithoutItsNotificationABounceIsNotFinished) {
    Script script;
    script.answers["RCPT"] = "550 5.1.1 no";
    const auto server = serve(script);
    route_to();
    // Before the start, so that the first append after it is the notification's.
    const std::string id = send({"a@other.example"});
    spool.refuse_appends(1);
    start();
    const auto item = tried(id);
    EXPECT_FALSE(item.finished);
    EXPECT_EQ(state_of(item), RecipientState::Pending);
    EXPECT_TRUE(journal.last("a@other.example").starts_with("deferred: 550"));
    std::ignore = spool.retry_now(id, now());
    EXPECT_TRUE(tried(id, 2).finished);
    EXPECT_TRUE(eventually([&] { return inbox().size() == 1; }));
}

TEST_F(DelivererTest, LocalMailGoesToMaildir) {
    start();
    const auto item = tried(send(
        {"taro@example.net",
         "alias@example.net",
         "nobody@example.net",
         "store-down@example.net",
         "postmaster"},
        ""
    ));
    EXPECT_EQ(state_of(item, 0), RecipientState::Delivered);
    EXPECT_EQ(state_of(item, 1), RecipientState::Delivered);
    EXPECT_EQ(reply_of(item, 2), "550 5.1.1 There is no mailbox nobody@example.net");
    EXPECT_EQ(state_of(item, 3), RecipientState::Pending);
    EXPECT_TRUE(reply_of(item, 3).starts_with("451 4.3.0 "));
    EXPECT_EQ(state_of(item, 4), RecipientState::Delivered);
    const auto mails = inbox();
    ASSERT_EQ(mails.size(), 3U);
    for (const std::string& mail : mails) {
        EXPECT_TRUE(mail.starts_with("Return-Path: <>\nDelivered-To: ")) << mail;
        EXPECT_TRUE(mail.ends_with("Subject: hello\n\n.dot\nbody\n")) << mail;
    }
}

TEST_F(DelivererTest, LocalMailGoesToLmtp) {
    Script script;
    script.ehlo = "250-lmtp.test\r\n250 PIPELINING";
    script.after_data = "250 2.1.5 <taro@example.net> saved\r\n452 4.2.2 <hanako@example.net> full";
    const auto server = serve(script);
    options.local = Options::Local::Lmtp;
    options.lmtp = server->at().text();
    start();
    const auto item = tried(send({"taro@example.net", "hanako@example.net"}));
    EXPECT_EQ(state_of(item, 0), RecipientState::Delivered);
    EXPECT_EQ(state_of(item, 1), RecipientState::Pending);
    EXPECT_EQ(server->mails()[0].commands[0], "LHLO mail.example.net");
}

TEST_F(DelivererTest, ASmarthostTakesEverythingElse) {
    const auto server = serve({});
    options.route.smarthost = server->at().text();
    start();
    EXPECT_TRUE(tried(send({"a@one.example", "b@two.example"})).finished);
    EXPECT_EQ(server->mails().size(), 2U) << "a transaction for each domain";
}

TEST_F(DelivererTest, AMessageInACircleIsReturned) {
    start();
    queue::Envelope envelope;
    queue::Recipient to;
    to.address = "taro@example.net";
    envelope.recipients.push_back(to);
    std::string message;
    for (std::size_t i = 0; i <= kReceivedMax; ++i) {
        message += "Received: by somewhere\r\n";
    }
    std::string id;
    spool.append(envelope, message + "\r\n", [&](Result<std::string> given) { id = *given; });
    const auto item = tried(id);
    EXPECT_TRUE(reply_of(item).starts_with("554 5.4.6 ")) << reply_of(item);
    EXPECT_TRUE(inbox().empty());
}

TEST_F(DelivererTest, ManyMessagesWithinTheLimits) {
    const auto server = serve({});
    route_to();
    options.concurrency = 4;
    options.concurrency_per_destination = 3;
    start();
    constexpr int count = 200;
    for (int i = 0; i < count; ++i) {
        send({"a" + std::to_string(i) + "@other.example"}, "");
    }
    EXPECT_TRUE(eventually([&] { return server->mails().size() == count; }));
    EXPECT_TRUE(eventually([&] { return deliverer->counters().in_delivery == 0; }));
    EXPECT_EQ(deliverer->counters().delivered_total, static_cast<std::uint64_t>(count));
}

TEST_F(DelivererTest, StoppingPutsBackWhoWaitsAndLosesNothing) {
    const auto server = serve({.greeting = ""});
    route_to();
    options.concurrency_per_destination = 1;
    start();
    const std::string stuck = send({"a@other.example"}, "");
    EXPECT_TRUE(eventually([&] { return server->connections() == 1; }));
    const std::string waiting = send({"c@other.example"}, "");
    EXPECT_TRUE(eventually([&] { return deliverer->counters().in_delivery == 2; }));
    deliverer->stop(Duration{10});
    EXPECT_TRUE(eventually([&] { return deliverer->counters().in_delivery == 1; }));
    deliverer.reset();
    EXPECT_FALSE(spool.item(stuck).finished);
    const auto item = spool.item(waiting);
    EXPECT_FALSE(item.finished);
    EXPECT_LE(item.entry.due, now()) << "tried first after the next start";
    EXPECT_EQ(journal.last("c@other.example"), "") << "it wasn't tried";
}

}  // namespace
}  // namespace sekisho::delivery

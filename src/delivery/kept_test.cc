// Connections between messages, and smtp-sink with its faults.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/deliverer.h"
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

TEST_F(DelivererTest, AConnectionIsKeptForTheNextMessage) {
    Script script;
    script.ehlo = "250-mx.test\r\n250 STARTTLS";
    script.tls = server_tls;
    const auto server = serve(script);
    route_to();
    // The same best host, and another one behind it that is never asked.
    resolver.add("also.example", {{5, "mx.other.example"}, {10, "backup.example"}});
    options.connection_messages_max = 3;
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    EXPECT_TRUE(tried(send({"b@also.example"})).finished);
    EXPECT_EQ(server->connections(), 1) << "domains with the same best hosts share";
    EXPECT_NE(journal.last("b@also.example").find("TLSv1.3"), std::string::npos);
    script.answers["RCPT"] = "550 5.1.1 no";
    server->set(script);
    EXPECT_TRUE(tried(send({"c@other.example"}, "")).finished);
    EXPECT_EQ(server->connections(), 1) << "a refused recipient is no reason to go";
    script.answers.clear();
    server->set(script);
    EXPECT_TRUE(tried(send({"d@other.example"})).finished);
    EXPECT_EQ(server->connections(), 2) << "it had carried three";
    ASSERT_EQ(server->mails().size(), 3U);
    EXPECT_TRUE(server->mails()[1].commands[0].starts_with("MAIL FROM:")) << "no second EHLO";
    EXPECT_EQ(deliverer->counters().attempts_total, 2U);
    EXPECT_EQ(deliverer->counters().reused_total, 2U);
    const auto status = nlohmann::json::parse(deliverer->status_json());
    ASSERT_EQ(status["destinations"].size(), 1U) << status;
    EXPECT_EQ(status["destinations"][0]["place"], "mx.other.example");
    EXPECT_EQ(status["destinations"][0]["kept"], 1);
}

TEST_F(DelivererTest, AConnectionClosedMeanwhileIsNoFailure) {
    Script script;
    script.mails_per_connection = 1;
    const auto server = serve(script);
    route_to();
    start();
    int connections = 0;
    for (const char* words : {"", "421 4.4.2 you were idle"}) {
        script.last_words = words;
        server->set(script);
        for (const char* to : {"a@other.example", "b@other.example"}) {
            const auto item = tried(send({to}));
            EXPECT_TRUE(item.finished) << words << reply_of(item);
            EXPECT_EQ(server->connections(), ++connections);
        }
    }
    EXPECT_EQ(deliverer->counters().deferred_total, 0U);
    EXPECT_EQ(deliverer->counters().reused_total, 0U);
    // After the data it is one: the message may have been taken.
    script.mails_per_connection = 0;
    script.after_data = "250 ok";
    server->set(script);
    EXPECT_TRUE(tried(send({"c@other.example"})).finished);
    script.after_data = "close";
    server->set(script);
    const auto item = tried(send({"d@other.example"}));
    EXPECT_FALSE(item.finished);
    EXPECT_NE(reply_of(item).find("4.4.2"), std::string::npos) << reply_of(item);
}

TEST_F(DelivererTest, IdleConnectionsEndByThemselves) {
    const auto server = serve({});
    route_to();
    options.connection_idle = Duration{50};
    start();
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    EXPECT_TRUE(eventually([&] {
        return nlohmann::json::parse(deliverer->status_json())["destinations"].empty();
    }));
    EXPECT_TRUE(tried(send({"a@other.example"})).finished);
    EXPECT_EQ(server->connections(), 2);
}

TEST_F(DelivererTest, WhatOneHostLacksAnotherMayHave) {
    Script can;
    can.ehlo = "250-mx.test\r\n250-8BITMIME\r\n250 SMTPUTF8";
    const auto first = serve({}, "127.0.0.2");
    const auto second = serve(can, "127.0.0.3");
    resolver.add("other.example", {{10, "a.example"}, {20, "b.example"}});
    resolver.add("lacking.example", {{10, "b.example"}, {20, "a.example"}});
    resolver.add("only.example", {{10, "a.example"}});
    resolver.add_host("a.example", {"127.0.0.2"});
    resolver.add_host("b.example", {"127.0.0.3"});
    start();
    const std::string name = "\xe3\x83\xa1@";
    EXPECT_TRUE(tried(send({name + "other.example"})).finished);
    EXPECT_EQ(second->mails().size(), 1U);
    const auto returned = tried(send({name + "only.example"}, ""));
    EXPECT_EQ(state_of(returned), RecipientState::Bounced);
    EXPECT_TRUE(reply_of(returned).starts_with("550 5.6.7 ")) << reply_of(returned);
    can.answers["RCPT"] = "450 4.2.1 not now";
    second->set(can);
    const auto waits = tried(send({name + "lacking.example"}, ""));
    EXPECT_EQ(state_of(waits), RecipientState::Pending) << "it is taken another time";
    EXPECT_EQ(reply_of(waits), "450 4.2.1 not now");
}

TEST_F(DelivererTest, TalksToSmtpSink) {
    if (!net::test::has_program("smtp-sink")) {
        GTEST_SKIP() << "smtp-sink isn't installed";
    }
    options.route.port = net::test::free_port();
    const std::string at = "127.0.0.1:" + std::to_string(options.route.port);
    const net::test::Process sink(
        {"/usr/sbin/smtp-sink", "-u", "nobody", "-d", folder / "sink-", at, "10"}, folder / "log"
    );
    ASSERT_EQ(net::test::run("chmod 777 " + folder.path()).status, 0);
    ASSERT_TRUE(eventually([&] { return net::test::answers(options.route.port); }))
        << folder.read("log");
    route_to();
    start();
    const auto item = tried(send({"a@other.example", "b@other.example"}));
    EXPECT_TRUE(item.finished) << reply_of(item);
}

// A peer with faults, and what they do to a kept connection: the first message is for it to be
// kept, the fault hits the second.
TEST_F(DelivererTest, TalksToAnSmtpSinkWithFaults) {
    if (!net::test::has_program("smtp-sink")) {
        GTEST_SKIP() << "smtp-sink isn't installed";
    }
    struct Row {
        std::vector<std::string> fault;
        RecipientState state;
        std::string reply;
    };
    options.route.port = net::test::free_port();
    const std::string at = "127.0.0.1:" + std::to_string(options.route.port);
    route_to();
    start();
    for (const Row& row : std::vector<Row>{
             {{}, RecipientState::Delivered, "250 2."},
             {{"-p"}, RecipientState::Delivered, "250 2."},
             {{"-e"}, RecipientState::Delivered, "250 2."},
             {{"-f", "RCPT"}, RecipientState::Bounced, "500 5."},
             {{"-r", "RCPT"}, RecipientState::Pending, "450 4."},
             {{"-f", "."}, RecipientState::Bounced, "500 5."},
             {{"-r", "."}, RecipientState::Pending, "450 4."},
             {{"-q", "MAIL"}, RecipientState::Pending, "451 4.4.2"},
             {{"-q", "DATA"}, RecipientState::Pending, "451 4.4.2"},
             {{"-Q", "RCPT"}, RecipientState::Pending, "421 4."},
         }) {
        std::vector<std::string> command{"/usr/sbin/smtp-sink", "-u", "nobody"};
        command.insert(command.end(), row.fault.begin(), row.fault.end());
        command.insert(command.end(), {at, "10"});
        const net::test::Process sink(command, folder / "log");
        ASSERT_TRUE(eventually([&] { return net::test::answers(options.route.port); }))
            << folder.read("log");
        const std::string shown = row.fault.empty() ? "none" : row.fault.back();
        for (int i = 0; i < 2; ++i) {
            const auto item = tried(send({"a@other.example", "b@other.example"}, ""));
            EXPECT_EQ(state_of(item), row.state) << shown << ": " << reply_of(item);
            EXPECT_TRUE(reply_of(item).starts_with(row.reply)) << shown << ": " << reply_of(item);
        }
    }
    EXPECT_GT(deliverer->counters().reused_total, 3U);
}

}  // namespace
}  // namespace sekisho::delivery

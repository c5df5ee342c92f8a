#include "base/bytes.h"
#include "event/event.h"
#include "mail/test_world.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sekisho::mail {
namespace {

using test::Client;
using test::eventually;
using Exchange = test::MailTest;

std::shared_ptr<const policy::Policy> loopback_is_a_client(policy::Stage stage) {
    policy::Source source;
    source.classes = {{"subscribers", "", {*Prefix::parse("127.0.0.0/8")}, "t:1"}};
    source.rules = {
        {"op25b", "subscribers", "*", policy::Action::Refuse, stage, "", "t:2"},
    };
    return policy::Policy::compile(source).value();
}

TEST_F(Exchange, TakesMailForOurDomainsOnly) {
    start();
    auto client = ready("exchange");
    EXPECT_EQ(client->say("EHLO mx.other.example").find("AUTH"), std::string::npos);
    client->say("MAIL FROM:<a@other.example>");
    EXPECT_EQ(client->say("RCPT TO:<b@third.example>"), "550 5.7.1 Relaying denied");
    EXPECT_EQ(
        client->say("RCPT TO:<nobody@example.net>"),
        "550 5.1.1 <nobody@example.net>: no such user here"
    );
    EXPECT_TRUE(client->say("RCPT TO:<Taro@Example.NET>").starts_with("250 "));
    client->say("DATA");
    EXPECT_TRUE(
        client->say("Message-ID: <1@other.example>\r\n\r\nhello\r\n.").starts_with("250 2.0.0")
    );
    const auto kept = spool.kept();
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept[0].envelope.message_id, "<1@other.example>");
    EXPECT_EQ(kept[0].envelope.account, "");
    EXPECT_EQ(kept[0].envelope.recipients.at(0).address, "Taro@example.net");
    EXPECT_TRUE(kept[0].bytes.starts_with("Received: from mx.other.example"));
    EXPECT_EQ(kept[0].bytes.find("\r\nDate:"), std::string::npos) << "nothing is added on 25";
    const auto refused = journal.of(event::Kind::Refused);
    ASSERT_EQ(refused.size(), 2U);
    EXPECT_EQ(refused[0].rule, "relay");
    EXPECT_EQ(refused[0].recipient, "b@third.example");
    EXPECT_EQ(refused[0].sender, "a@other.example");
    EXPECT_EQ(refused[1].rule, "unknown-user");
}

TEST_F(Exchange, PostmasterIsAlwaysThere) {
    start();
    auto client = ready("exchange");
    client->say("MAIL FROM:<>");
    EXPECT_TRUE(client->say("RCPT TO:<postmaster>").starts_with("250 "));
    EXPECT_TRUE(client->say("RCPT TO:<Abuse@example.net>").starts_with("250 "));
    client->say("DATA");
    EXPECT_TRUE(client->say("Subject: x\r\n\r\nx\r\n.").starts_with("250 "));
    const auto kept = spool.kept();
    ASSERT_EQ(kept.size(), 1U);
    for (const auto& recipient : kept[0].envelope.recipients) {
        EXPECT_EQ(recipient.address, "support@example.net");
    }
}

TEST_F(Exchange, AMailProgramIsToldTheWay) {
    policy = loopback_is_a_client(policy::Stage::Enforce);
    config.settings.outgoing_host = "smtp.example.net";
    start();
    auto client = ready("exchange");
    const std::string login = client->say(plain("taro@example.net", "x"));
    EXPECT_TRUE(
        login.starts_with("503 5.5.1 No authentication here: Port 25 is for mail servers. "
                          "Mail programs send through smtp.example.net port ")
    ) << login;
    client->say("MAIL FROM:<taro@example.net>");
    const std::string told = client->say("RCPT TO:<b@other.example>");
    EXPECT_TRUE(
        told.starts_with("550 5.7.1 Port 25 is for mail servers. Mail programs send through "
                         "smtp.example.net port 587 with "
                         "authentication; see https://guide.example.net/25?ref=")
    ) << told;
    EXPECT_EQ(client->say("RCPT TO:<taro@example.net>"), told) << "one reference for a session";
    const auto refused = journal.of(event::Kind::Refused);
    ASSERT_EQ(refused.size(), 3U);
    EXPECT_EQ(refused[0].rule, "misplaced");
    EXPECT_EQ(refused[0].reference, refused[1].reference);
    EXPECT_TRUE(login.contains("/25?ref=" + refused[0].reference));
    EXPECT_FALSE(refused[1].reference.empty());
    EXPECT_NE(told.find(refused[1].reference), std::string::npos);
    EXPECT_EQ(refused[1].rule, "op25b");
    EXPECT_EQ(nlohmann::json::parse(server->status_json())["misplaced_clients"], 2);
}

TEST_F(Exchange, AnObservedRuleRefusesNobody) {
    policy = loopback_is_a_client(policy::Stage::Observe);
    start();
    auto client = ready("exchange");
    client->say("MAIL FROM:<a@other.example>");
    EXPECT_TRUE(client->say("RCPT TO:<taro@example.net>").starts_with("250 "));
    // From the next connection on the enforced rule holds.
    ASSERT_TRUE(server->reload(config, loopback_is_a_client(policy::Stage::Enforce), nullptr));
    auto next = ready("exchange");
    next->say("MAIL FROM:<a@other.example>");
    EXPECT_TRUE(next->say("RCPT TO:<taro@example.net>").starts_with("550 5.7.1"));
}

TEST_F(Exchange, AKnownLineIsToldTheWay) {
    line::Session session;
    session.id = "1";
    session.nas = "bras";
    session.line = "line-7";
    session.prefixes = {*Prefix::parse("127.0.0.1")};
    session.start = session.seen = now() - std::chrono::hours(1);
    ASSERT_TRUE(lines.put(session));
    start();
    auto client = ready("exchange");
    client->say("MAIL FROM:<a@other.example>");
    EXPECT_TRUE(client->say("RCPT TO:<taro@example.net>").starts_with("550 5.7.1 Port 25"));
    const auto refused = journal.of(event::Kind::Refused);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].line, "line-7");
    EXPECT_EQ(refused[0].rule, "line");
}

TEST_F(Exchange, EarlyTalker) {
    greeting_wait = Duration{300};
    start();
    auto client = this->client("exchange");
    client->write("EHLO spam\r\nMAIL FROM:<a@b>\r\n");
    EXPECT_TRUE(client->reply().starts_with("554 5.5.1"));
    EXPECT_EQ(client->reply(), "<closed>");
    EXPECT_TRUE(ready("exchange")->say("NOOP").starts_with("250"));
    EXPECT_EQ(nlohmann::json::parse(server->status_json())["connections"]["early_talkers"], 1);
}

TEST_F(Exchange, LoopsAndSmuggling) {
    start();
    auto client = ready("exchange");
    const auto data = [&](const std::string& message) {
        client->say("MAIL FROM:<a@other.example>");
        client->say("RCPT TO:<taro@example.net>");
        client->say("DATA");
        return client->say(message + "\r\n.");
    };
    std::string hops;
    for (int i = 0; i < 51; ++i) {
        hops += "Received: by x; now\r\n";
    }
    EXPECT_TRUE(data(hops + "\r\nx").starts_with("554 5.4.6"));
    EXPECT_TRUE(data("Subject: x\r\n\r\nx\n.\r\nMAIL FROM:<b@c>").starts_with("550 5.6.11"));
    EXPECT_TRUE(client->say("NOOP").starts_with("250 "));
    EXPECT_TRUE(spool.kept().empty());
}

TEST_F(Exchange, ConnectionLimits) {
    config.mail.connections_per_address_max = 2;
    start();
    auto first = ready("exchange");
    auto second = ready("exchange");
    auto third = this->client("exchange");
    EXPECT_EQ(third->reply(), "421 4.7.0 mail.example.net Too many connections from 127.0.0.1/32");
    EXPECT_EQ(third->reply(), "<closed>");
    first->close();
    EXPECT_TRUE(eventually([&] {
        return nlohmann::json::parse(server->status_json())["connections"]["open"] == 1;
    }));
    EXPECT_TRUE(ready("exchange")->say("NOOP").starts_with("250"));
}

TEST_F(Exchange, CommandTimeout) {
    config.mail.command_timeout = Duration{100};
    start();
    auto client = ready("exchange");
    EXPECT_TRUE(client->reply().starts_with("421 4.4.2"));
    EXPECT_EQ(client->reply(), "<closed>");
}

TEST_F(Exchange, StoppingTellsClients) {
    start();
    auto idle = ready("exchange");
    auto sending = ready("exchange");
    sending->say("MAIL FROM:<a@other.example>");
    sending->say("RCPT TO:<taro@example.net>");
    sending->say("DATA");
    auto committing = ready("exchange");
    committing->say("MAIL FROM:<a@other.example>");
    committing->say("RCPT TO:<taro@example.net>");
    committing->say("DATA");
    spool.hold_back = true;
    committing->write("Subject: x\r\n\r\nx\r\n.\r\n");
    ASSERT_TRUE(eventually([&] { return spool.holds(); }));
    std::thread stopper([&] { server->stop(std::chrono::seconds(20)); });
    EXPECT_TRUE(idle->reply().starts_with("421 4.3.2"));
    EXPECT_TRUE(sending->reply().starts_with("421 4.3.2"));
    spool.let_go();
    EXPECT_TRUE(committing->reply().starts_with("250 2.0.0")) << "what is durable is acknowledged";
    EXPECT_TRUE(committing->reply().starts_with("421 4.3.2"));
    idle->close();
    sending->close();
    committing->close();
    stopper.join();
    EXPECT_EQ(spool.kept().size(), 1U);
}

TEST_F(Exchange, PortFallback) {
    start();
    const std::uint16_t taken = at("exchange").port;
    auto first = std::move(server);
    config.mail.exchange = {loopback(taken)};
    config.mail.submission.clear();
    config.mail.submissions.clear();
    const auto refused = Server::start(deps());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(std::to_string(taken)), std::string::npos);
    config.mail.port_fallback = {std::to_string(taken) + "=0"};
    start();
    EXPECT_NE(at("exchange").port, taken);
    EXPECT_EQ(server->listeners().at(0).wanted.port, taken);
    EXPECT_TRUE(ready("exchange")->say("NOOP").starts_with("250"));
    server.reset();
    first.reset();
}

TEST_F(Exchange, NothingToListenOn) {
    config.mail.submission.clear();
    config.mail.submissions.clear();
    config.mail.exchange.clear();
    EXPECT_FALSE(Server::start(deps()));
}

}  // namespace
}  // namespace sekisho::mail

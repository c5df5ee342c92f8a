// Who is behind a connection: PROXY headers, XCLIENT, ALPN; and patience under load.
#include "base/ip.h"
#include "event/event.h"
#include "limit/gcra.h"
#include "limit/spec.h"
#include "mail/test_world.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

namespace sekisho::mail {
namespace {

using test::Client;
using test::eventually;
using Proxies = test::MailTest;

const Prefix kLoopback = Prefix::parse("127.0.0.0/8").value();

TEST_F(Proxies, TheAddressOfTheHeaderIsTheClients) {
    config.mail.proxy_from = {kLoopback};
    config.mail.connections_per_address_max = 1;
    start();
    auto client = this->client("exchange");
    client->write("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n");
    EXPECT_TRUE(client->reply().starts_with("220 "));
    client->say("EHLO far.example");
    client->say("MAIL FROM:<a@far.example>");
    EXPECT_TRUE(client->say("RCPT TO:<nobody@elsewhere.example>").starts_with("550 5.7.1"));
    const auto refused = journal.of(event::Kind::Refused);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].address, "192.0.2.7");
    // The limit on connections counts the clients, not the balancer.
    auto second = this->client("exchange");
    second->write("PROXY TCP4 192.0.2.7 198.51.100.1 40001 25\r\n");
    EXPECT_TRUE(second->reply().starts_with("421 4.7.0"));
    auto other = this->client("exchange");
    other->write("PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n");
    EXPECT_TRUE(other->reply().starts_with("220 "));
}

TEST_F(Proxies, WithoutAGoodHeaderTheConnectionIsClosed) {
    config.mail.proxy_from = {kLoopback};
    start();
    for (const char* first : {"EHLO not.a.proxy.example\r\n", "PROXY TCP4 1.2.3.4\r\nEHLO x\r\n"}) {
        auto client = this->client("exchange");
        client->write(first);
        EXPECT_EQ(client->reply(), "<closed>") << first;
    }
    const auto status = nlohmann::json::parse(server->status_json());
    EXPECT_EQ(status["connections"]["proxies_refused"], 2);
}

TEST_F(Proxies, OthersMayNotUseTheHeader) {
    config.mail.proxy_from = {Prefix::parse("192.0.2.0/24").value()};
    start();
    auto client = this->client("submission");
    EXPECT_TRUE(client->reply().starts_with("220 "));
    EXPECT_TRUE(client->say("PROXY TCP4 192.0.2.7 198.51.100.1 40000 25").starts_with("500 "));
}

TEST_F(Proxies, TheHeaderComesBeforeTls) {
    config.mail.proxy_from = {kLoopback};
    start();
    Client client(*loops, at("submissions"));
    client.write("PROXY TCP4 192.0.2.7 198.51.100.1 40000 465\r\n");
    ASSERT_TRUE(client.tls());
    EXPECT_TRUE(client.reply().starts_with("220 "));
    client.say("EHLO pc");
    EXPECT_TRUE(client.say(plain("taro@example.net", "correct horse")).starts_with("235 "));
    ASSERT_EQ(journal.of(event::Kind::LoginAccepted).size(), 1U);
    EXPECT_EQ(journal.of(event::Kind::LoginAccepted)[0].address, "192.0.2.7");
}

TEST_F(Proxies, XClientNamesTheClient) {
    config.mail.xclient_from = {kLoopback};
    config.mail.connections_per_address_max = 1;
    start();
    auto client = ready("submissions");
    EXPECT_NE(client->say("EHLO proxy").find("XCLIENT NAME ADDR PORT"), std::string::npos);
    EXPECT_TRUE(client->say("XCLIENT ADDR=IPV6:2001:db8::7 PORT=40000").starts_with("220 "));
    client->say("EHLO pc");
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("530 "))
        << "the login was of the proxy's own session";
    EXPECT_TRUE(client->say(plain("taro@example.net", "correct horse")).starts_with("235 "));
    EXPECT_EQ(journal.of(event::Kind::LoginAccepted).back().address, "2001:db8::7");
    auto second = this->client("submission");
    EXPECT_TRUE(second->reply().starts_with("220 ")) << "the proxy's own place is free again";
    second->say("EHLO proxy");
    EXPECT_TRUE(second->say("XCLIENT ADDR=IPV6:2001:db8::8").starts_with("421 4.7.0"))
        << "the same /64";
    EXPECT_EQ(second->reply(), "<closed>");
}

TEST_F(Proxies, LimitsOfConnectionsCountWhomTheProxyNames) {
    limit::Spec connections;
    connections.name = "connections";
    connections.by = {limit::By::Address};
    connections.counts = limit::Counts::Connections;
    connections.service = limit::Service::Both;
    connections.how = limit::Rate{.count = 1};
    config.limit = {connections};
    config.mail.xclient_from = {kLoopback};
    start();
    const auto named = [this](const std::string& address) {
        auto client = ready("exchange");
        return client->say("XCLIENT ADDR=" + address);
    };
    EXPECT_TRUE(named("192.0.2.7").starts_with("220 "));
    EXPECT_TRUE(named("192.0.2.8").starts_with("220 ")) << "the proxy's own are not counted";
    const std::string said = named("192.0.2.7");
    EXPECT_TRUE(said.starts_with("421 4.7.0 mail.example.net Limit connections reached: 1 of 1 used"
    )) << said;
    // The same for PROXY, where nobody else is known.
    config.mail.xclient_from.clear();
    config.mail.proxy_from = {kLoopback};
    server.reset();
    start();
    for (const char* answer : {"220 ", "421 4.7.0 "}) {
        auto client = this->client("exchange");
        client->write("PROXY TCP4 192.0.2.9 198.51.100.1 40000 25\r\n");
        EXPECT_TRUE(client->reply().starts_with(answer));
    }
}

TEST_F(Proxies, XClientIsNotForOthers) {
    start();
    auto client = ready("exchange");
    EXPECT_EQ(client->say("EHLO proxy").find("XCLIENT"), std::string::npos);
    EXPECT_TRUE(client->say("XCLIENT ADDR=192.0.2.7").starts_with("500 5.5.1"));
}

TEST_F(Proxies, AClientThatNamesNoProtocolIsToldSoOnTheSharedPort) {
    config.mail.submissions_alpn = {loopback()};
    start();
    Client client(*loops, at("submissions-alpn"));
    ASSERT_TRUE(client.tls());
    EXPECT_TRUE(client.reply().starts_with("HTTP/1.1 307 "));
    const auto status = nlohmann::json::parse(server->status_json());
    EXPECT_EQ(status["connections"]["browsers"], 1);
}

TEST_F(Proxies, NearlyFullThereIsLittlePatience) {
    config.mail.connections_max = 2;
    config.mail.stress_at = 100;
    start();
    auto calm = ready("exchange");
    EXPECT_TRUE(calm->say("NONSENSE").starts_with("500 "));
    EXPECT_TRUE(calm->say("NOOP").starts_with("250 "));
    auto hurried = ready("exchange");
    EXPECT_TRUE(hurried->say("NONSENSE").starts_with("500 "));
    EXPECT_TRUE(hurried->reply().starts_with("421 4.7.0"));
}

// What a client says after the PROXY header in one piece is there before the greeting.
TEST_F(Proxies, WhoSpeaksBeforeTheGreetingIsRefusedOnSubmissionToo) {
    config.mail.proxy_from = {kLoopback};
    start();
    const std::string header = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 587\r\n";
    auto early = this->client("submission");
    early->write(header + "EHLO pc\r\n");
    EXPECT_TRUE(early->reply().starts_with("554 5.5.1"));
    EXPECT_EQ(early->reply(), "<closed>");
    auto patient = this->client("submission");
    patient->write(header);
    EXPECT_TRUE(patient->reply().starts_with("220 "));
    EXPECT_TRUE(patient->say("EHLO pc").starts_with("250-"));
    EXPECT_EQ(nlohmann::json::parse(server->status_json())["connections"]["early_talkers"], 1);
}

TEST_F(Proxies, UnderStressWaitsAreShort) {
    config.mail.connections_max = 3;
    config.mail.stress_at = 60;
    stress_command_timeout = stress_data_timeout = Duration{2'000};
    start();
    auto calm = ready("exchange");
    EXPECT_TRUE(calm->say("NOOP").starts_with("250 "));  // its wait began before the others came
    auto hurried = ready("exchange");
    EXPECT_TRUE(hurried->reply().starts_with("421 4.4.2"));
    EXPECT_EQ(hurried->reply(), "<closed>");
    EXPECT_TRUE(eventually([&] {
        return nlohmann::json::parse(server->status_json())["connections"]["open"] == 1;
    }));
    auto sender = ready("submissions");
    sender->say("MAIL FROM:<taro@example.net>");
    sender->say("RCPT TO:<b@other.example>");
    EXPECT_TRUE(sender->say("DATA").starts_with("354 "));
    EXPECT_TRUE(sender->reply().starts_with("421 4.4.2"));
    EXPECT_TRUE(calm->say("NOOP").starts_with("250 ")) << "below the mark there is time";
}

TEST_F(Proxies, AFullServerSaysSo) {
    config.mail.connections_max = 1;
    start();
    auto first = this->client("submission");
    EXPECT_TRUE(first->reply().starts_with("220 "));
    for (const char* port : {"submission", "exchange"}) {
        auto second = this->client(port);
        EXPECT_TRUE(second->reply().starts_with("421 4.7.0 ")) << port;
        EXPECT_EQ(second->reply(), "<closed>");
    }
    EXPECT_EQ(nlohmann::json::parse(server->status_json())["connections"]["refused"], 2);
}

// Chunks of one octet: each is answered, and none gives the message more time.
TEST_F(Proxies, AMessageThatDripsInChunksIsEnded) {
    config.mail.data_rate_min = 1'000'000;
    data_timeout = Duration{300};
    start();
    auto client = ready("submissions");
    client->say("MAIL FROM:<taro@example.net>");
    client->say("RCPT TO:<b@other.example>");
    std::string said = "250 ";
    for (int i = 0; i < 2000 && said.starts_with("250 "); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        client->write("BDAT 1\r\nx");
        said = client->reply();
    }
    EXPECT_TRUE(said.starts_with("421 4.4.2")) << said;
}

TEST_F(Proxies, AMessageInChunksHasItsTimeFromItsBeginning) {
    config.mail.data_rate_min = 1'000'000;
    data_timeout = Duration{3'000};
    start();
    auto client = ready("submissions");
    // A second message isn't charged for the first, nor for the pause before it.
    for (int message = 0; message < 3; ++message) {
        client->say("MAIL FROM:<taro@example.net>");
        client->say("RCPT TO:<b@other.example>");
        client->write("BDAT 13\r\nSubject: x\r\n\r");
        EXPECT_EQ(client->reply(), "250 2.0.0 12 octets so far");
        std::this_thread::sleep_for(std::chrono::milliseconds(1200));
        client->write("BDAT 1 LAST\r\n\n");
        const std::string said = client->reply();
        EXPECT_TRUE(said.starts_with("250 2.0.0 Ok: queued")) << said;
    }
}

TEST_F(Proxies, WhoGuessesRecipientsIsClosed) {
    config.mail.unknown_recipients_max = 3;
    start();
    auto client = ready("exchange");
    client->say("MAIL FROM:<a@far.example>");
    EXPECT_TRUE(client->say("RCPT TO:<a@example.net>").starts_with("550 5.1.1"));
    EXPECT_TRUE(client->say("RCPT TO:<taro@example.net>").starts_with("250 "));
    EXPECT_TRUE(client->say("RCPT TO:<x@elsewhere.example>").starts_with("550 5.7.1"));
    client->say("RSET");
    client->say("MAIL FROM:<a@far.example>");
    EXPECT_TRUE(client->say("RCPT TO:<c@example.net>").starts_with("550 5.1.1"));
    EXPECT_TRUE(client->reply().starts_with("421 4.7.0 mail.example.net Too many unknown"));
    EXPECT_EQ(client->reply(), "<closed>");
    EXPECT_EQ(journal.of(event::Kind::Refused).size(), 3U);
}

TEST_F(Proxies, AMessageThatDripsIsEnded) {
    config.mail.data_rate_min = 1'000'000;
    data_timeout = Duration{300};
    start();
    auto client = ready("submissions");
    client->say("MAIL FROM:<taro@example.net>");
    client->say("RCPT TO:<b@other.example>");
    EXPECT_TRUE(client->say("DATA").starts_with("354 "));
    // Each octet comes well within the time-out of a read; the message as a whole does not.
    for (int i = 0; i < 2000 && !client->waiting(); ++i) {
        client->write("x");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(client->reply().starts_with("421 4.4.2"));
}

}  // namespace
}  // namespace sekisho::mail

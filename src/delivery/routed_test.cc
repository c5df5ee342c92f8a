// Mail by the routes of the operator: who logs in where, and what is spoken.
#include "delivery/deliverer_fixture.h"
#include "delivery/routes/rule.h"
#include "delivery/tls/policy.h"
#include "queue/spool.h"

#include <chrono>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::delivery {
namespace {

class RoutedTest : public DelivererTest {
  protected:
    RouteRule& route(const std::string& name, const std::string& via) {
        RouteRule rule;
        rule.name = name;
        rule.domains = {"*"};
        rule.via = {via};
        options.route.routes.push_back(std::move(rule));
        return options.route.routes.back();
    }
    RouteRule& login(const std::string& via, TlsLevel level) {
        RouteRule& rule = route("relay", via);
        rule.login = "taro";
        rule.tls = TlsRule{.domain = "*", .level = level, .mx = {}};
        options.passwords["relay"] = "secret";
        return rule;
    }
};

const std::string kOffer = "250-mx.test\r\n250-PIPELINING\r\n250-AUTH PLAIN";
const std::string kPlain = "AUTH PLAIN AHRhcm8Ac2VjcmV0";

TEST_F(RoutedTest, LogsInUnderTlsOnceAConnection) {
    Script script;
    script.ehlo = kOffer + "\r\n250 STARTTLS";
    script.tls = server_tls;
    script.answers = {{"AUTH", "235 2.7.0 welcome"}};
    const auto server = serve(script);
    login(server->at().text(), TlsLevel::Required);
    start();
    EXPECT_TRUE(tried(send({"a@one.example"})).finished);
    EXPECT_TRUE(tried(send({"a@two.example"})).finished);
    ASSERT_EQ(server->mails().size(), 2U);
    EXPECT_TRUE(server->mails()[0].tls);
    EXPECT_EQ(server->mails()[0].commands.at(3), kPlain);
    EXPECT_EQ(server->connections(), 1);
}

TEST_F(RoutedTest, NoRouteGoesOverTheLoginOfAnother) {
    Script script;
    script.ehlo = kOffer + "\r\n250 STARTTLS";
    script.tls = server_tls;
    script.answers = {{"AUTH", "535 5.7.8 wrong"}, {kPlain, "235 2.7.0 welcome"}};
    const auto server = serve(script);
    RouteRule& rule = login(server->at().text(), TlsLevel::Required);
    RouteRule other = rule;
    other.name = "other";
    rule.domains = {"one.example"};
    options.route.routes.push_back(other);
    options.passwords["other"] = "plum";
    start();
    EXPECT_TRUE(tried(send({"a@one.example"})).finished);
    EXPECT_EQ(reply_of(tried(send({"a@two.example"}))), "535 5.7.8 wrong");
    EXPECT_EQ(server->connections(), 2);
}

TEST_F(RoutedTest, ARefusedLoginReturnsNothing) {
    Script script;
    script.ehlo = kOffer + "\r\n250 STARTTLS";
    script.tls = server_tls;
    script.answers = {{"AUTH", "535 5.7.8 wrong"}};
    const auto server = serve(script);
    login(server->at().text(), TlsLevel::Required);
    start();
    const auto item = tried(send({"a@one.example"}));
    EXPECT_EQ(state_of(item), RecipientState::Pending);
    EXPECT_EQ(reply_of(item), "535 5.7.8 wrong");
    EXPECT_TRUE(server->mails().empty());
}

TEST_F(RoutedTest, NoPasswordGoesOutInPlain) {
    Script script;
    script.ehlo = kOffer + "\r\n250 DSN";
    script.answers = {{"AUTH", "235 2.7.0 welcome"}};
    const auto server = serve(script);
    RouteRule& rule = login(server->at().text(), TlsLevel::Opportunistic);
    RouteRule said = rule;
    said.name = "said";
    said.domains = {"said.example"};
    said.login_without_tls = true;
    options.passwords["said"] = "secret";
    rule.domains = {"one.example"};
    options.route.routes.push_back(said);
    start();
    EXPECT_TRUE(reply_of(tried(send({"a@one.example"}))).starts_with("450 4.7.0 There is no TLS"));
    EXPECT_TRUE(tried(send({"a@said.example"})).finished);
    ASSERT_EQ(server->mails().size(), 1U);
    EXPECT_EQ(server->mails()[0].commands.at(1), kPlain);
}

TEST_F(RoutedTest, WithoutItsPasswordARouteWaits) {
    const auto server = serve({});
    login(server->at().text(), TlsLevel::Required).password_file = "/etc/relay";
    options.passwords.clear();
    start();
    EXPECT_TRUE(reply_of(tried(send({"a@one.example"}))).contains("/etc/relay"));
    EXPECT_EQ(server->connections(), 0);
}

TEST_F(RoutedTest, TheNextServerWhenTheFirstFails) {
    Script down;
    down.greeting = "421 4.3.2 closed";
    const auto first = serve(down, "127.0.0.1");
    options.route.port = 25;  // else the next one would stand at the same port
    const auto second = serve({}, "127.0.0.2");
    route("two", first->at().text()).via.push_back(second->at().text());
    start();
    EXPECT_TRUE(tried(send({"a@one.example"})).finished);
    EXPECT_EQ(first->connections(), 1);
    EXPECT_EQ(second->mails().size(), 1U);
}

TEST_F(RoutedTest, LmtpForOneOfOurDomains) {
    Script script;
    script.ehlo = "250-lmtp.test\r\n250 PIPELINING";
    script.after_data = "250 2.1.5 saved";
    const auto server = serve(script);
    RouteRule& rule = route("inside", server->at().text());
    rule.domains = {"example.net"};
    rule.protocol = RouteRule::Protocol::Lmtp;
    start();
    EXPECT_TRUE(tried(send({"nobody@example.net"})).finished);
    ASSERT_EQ(server->mails().size(), 1U);
    EXPECT_EQ(server->mails()[0].commands[0], "LHLO mail.example.net");
}

TEST_F(RoutedTest, ATimeOfDeliveryIsHandedOn) {
    Script script;
    script.ehlo = "250-mx.test\r\n250 DELIVERBY";
    const auto server = serve(script);
    route("all", server->at().text());
    start();
    queue::Envelope envelope;
    envelope.reverse_path = "taro@example.net";
    queue::Recipient to;
    to.address = "a@one.example";
    envelope.recipients.push_back(to);
    envelope.deliver_by = queue::DeliverBy{
        .deadline = now() + std::chrono::hours(1),
        .mode = queue::DeliverBy::Mode::Return,
        .trace = false
    };
    std::string id;
    spool.append(envelope, kMessage, [&](Result<std::string> given) { id = *given; });
    EXPECT_TRUE(tried(id).finished);
    ASSERT_EQ(server->mails().size(), 1U);
    const std::string mail = server->mails()[0].commands.at(1);
    EXPECT_TRUE(mail.contains(" BY=3") && mail.ends_with(";R")) << mail;
}

}  // namespace
}  // namespace sekisho::delivery

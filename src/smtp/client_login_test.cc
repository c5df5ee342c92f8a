#include "base/bytes.h"
#include "smtp/client_session.h"

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::smtp {
namespace {

using Session = ClientSession;
using Step = Session::Login::Step;

// Plays the server; what the session does comes out as text.
struct Peer {
    explicit Peer(ClientOptions options) : session(std::move(options)) {
        OutgoingMessage message;
        message.recipients.push_back({"a@x", "", ""});
        message.bytes = std::make_shared<const std::string>("Subject: x\r\n\r\n");
        session.deliver(std::move(message));
    }
    std::string run() {
        std::string out;
        while (true) {
            auto action = session.next();
            if (auto* send = std::get_if<Session::Send>(&action)) {
                out += send->bytes;
            } else if (auto* login = std::get_if<Session::Login>(&action)) {
                const bool first = login->step == Step::Begin;
                const bool last = login->step == Step::Success;
                return out + (first  ? "<Begin>"
                              : last ? "<Success>"
                                     : "<" + login->challenge + ">");
            } else if (std::holds_alternative<Session::StartTls>(action)) {
                return out + "<StartTls>";
            } else if (auto* done = std::get_if<Session::Finished>(&action)) {
                const RecipientOutcome& one = done->outcome.recipients.front();
                out += "<" + one.reply.text() + " @" + std::string(name(one.stage)) + ">";
            } else {
                return out;
            }
        }
    }
    std::string say(std::string_view bytes) {
        session.receive(bytes);
        return run();
    }
    Session session;
};

ClientOptions under_tls() {
    return {.hostname = "me", .tls_running = true, .login = true};
}

Peer at_login(ClientOptions options = under_tls()) {
    Peer peer(std::move(options));
    peer.say("220 mx\r\n");
    EXPECT_EQ(peer.say("250-mx\r\n250-AUTH PLAIN LOGIN\r\n250 DSN\r\n"), "<Begin>");
    return peer;
}

TEST(ClientLoginTest, BeforeTheMessageAndWithAnInitialResponse) {
    Peer peer = at_login();
    EXPECT_EQ(peer.session.offered().mechanisms, (std::vector<std::string>{"PLAIN", "LOGIN"}));
    peer.session.login_begun("PLAIN", "abc");
    EXPECT_EQ(peer.run(), "AUTH PLAIN YWJj\r\n");
    EXPECT_EQ(peer.say("235 2.7.0 welcome\r\n"), "<Success>");
    peer.session.login_believed(true);
    EXPECT_EQ(peer.run(), "MAIL FROM:<>\r\n");
}

TEST(ClientLoginTest, ChallengesGoBackAndForth) {
    Peer peer = at_login();
    peer.session.login_begun("LOGIN", std::nullopt);
    EXPECT_EQ(peer.run(), "AUTH LOGIN\r\n");
    EXPECT_EQ(peer.say("334 VXNlcm5hbWU6\r\n"), "<Username:>");
    peer.session.login_answer("taro");
    EXPECT_EQ(peer.run(), base64("taro") + "\r\n");
    EXPECT_EQ(peer.say("334 \r\n"), "<>");
    peer.session.login_answer("");
    EXPECT_EQ(peer.run(), "\r\n");
    EXPECT_EQ(peer.say("535 5.7.8 no\r\n"), "<535 5.7.8 no @AUTH>")
        << "of the configuration, so nobody's mail is returned for it: outcome.h";
}

TEST(ClientLoginTest, ALongInitialResponseWaits) {
    Peer peer = at_login();
    const std::string token(600, 't');
    peer.session.login_begun("PLAIN", token);
    EXPECT_EQ(peer.run(), "AUTH PLAIN\r\n");
    EXPECT_EQ(peer.say("334 \r\n"), base64(token) + "\r\n");
    Peer empty = at_login();
    empty.session.login_begun("PLAIN", "");
    EXPECT_EQ(empty.run(), "AUTH PLAIN =\r\n");
}

TEST(ClientLoginTest, NothingIsSentWithoutTls) {
    ClientOptions options{.hostname = "me", .login = true};
    Peer peer(options);
    peer.say("220 mx\r\n");
    EXPECT_TRUE(peer.say("250-mx\r\n250 AUTH PLAIN\r\n").starts_with("<450 4.7.0 There is no TLS"));
    options.login_in_plain = true;
    at_login(options);
    // What was offered in plain doesn't count under TLS.
    Peer secured({.hostname = "me", .login = true});
    secured.say("220 mx\r\n");
    EXPECT_EQ(secured.say("250-mx\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"), "STARTTLS\r\n");
    EXPECT_EQ(secured.say("220 go\r\n"), "<StartTls>");
    secured.session.tls_started(true);
    EXPECT_EQ(secured.run(), "EHLO me\r\n");
    EXPECT_TRUE(secured.say("250 mx\r\n").starts_with("<450 4.7.0 The server does not offer AUTH"));
}

TEST(ClientLoginTest, WhatGoesWrong) {
    Peer none = at_login();
    none.session.login_begun("", std::nullopt);
    EXPECT_EQ(
        none.run(),
        "<450 4.7.0 The server offers no mechanism of AUTH that we know: PLAIN LOGIN @AUTH>"
    );
    Peer cancelled = at_login();
    cancelled.session.login_begun("PLAIN", "x");
    cancelled.run();
    EXPECT_EQ(cancelled.say("334 eA==\r\n"), "<x>");
    cancelled.session.login_answer(std::nullopt, "no more");
    EXPECT_EQ(cancelled.run(), "*\r\n");
    EXPECT_EQ(cancelled.say("235 come in\r\n"), "<454 4.7.0 Login: no more @AUTH>");
    Peer garbled = at_login();
    garbled.session.login_begun("PLAIN", "x");
    garbled.run();
    EXPECT_EQ(garbled.say("334 ???\r\n"), "*\r\n");
    Peer unproven = at_login();
    unproven.session.login_begun("PLAIN", "x");
    unproven.run();
    unproven.say("235 ok\r\n");
    unproven.session.login_believed(false);
    EXPECT_TRUE(unproven.run().starts_with("<454 4.7.0 The server let us in without"));
    Peer talker = at_login();
    EXPECT_TRUE(talker.say("250 hm\r\n").starts_with("<451 4.5.0 Unexpected reply"));
    Peer lost = at_login();
    lost.session.lost("reset");
    EXPECT_EQ(lost.run(), "<451 4.4.2 Connection lost: reset @AUTH>");
}

}  // namespace
}  // namespace sekisho::smtp

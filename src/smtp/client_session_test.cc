#include "smtp/client_session.h"

#include "smtp/reply.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::smtp {
namespace {

using Session = ClientSession;

// Plays the server: says what it is told, collects what the client does.
class Peer {
  public:
    explicit Peer(ClientOptions options = {.hostname = "me.example"}, std::size_t step = 0)
        : session(std::move(options)), step_(step) {}

    // Everything the client sends until it waits; other actions as "<StartTls>", ...
    std::string run() {
        std::string out;
        while (true) {
            auto action = session.next();
            if (auto* send = std::get_if<Session::Send>(&action)) {
                out += send->bytes;
            } else if (std::holds_alternative<Session::StartTls>(action)) {
                return out + "<StartTls>";
            } else if (std::holds_alternative<Session::Ready>(action)) {
                return out + "<Ready>";
            } else if (auto* done = std::get_if<Session::Finished>(&action)) {
                out += "<Finished>";
                outcomes.push_back(std::move(done->outcome));
            } else if (std::holds_alternative<Session::Close>(action)) {
                return out + "<Close>";
            } else {
                return out;
            }
        }
    }
    std::string say(std::string_view bytes) {
        if (step_ == 0) {
            session.receive(bytes);
        } else {
            for (std::size_t at = 0; at < bytes.size(); at += step_) {
                session.receive(bytes.substr(at, step_));
            }
        }
        return run();
    }
    // "5.1.1@RCPT" per recipient of the last message.
    std::string last() const {
        std::string out;
        for (const RecipientOutcome& one : outcomes.back().recipients) {
            out += (out.empty() ? "" : " ") + one.address + "=" + std::to_string(one.reply.code) +
                   "/" + one.reply.enhanced + "@" + std::string(name(one.stage)) +
                   (one.local ? "!" : "");
        }
        return out;
    }

    Session session;
    std::vector<MessageOutcome> outcomes;

  private:
    std::size_t step_;
};

OutgoingMessage mail(std::vector<std::string> to, std::string bytes = "Subject: x\r\n\r\n.hi\r\n") {
    OutgoingMessage out;
    out.reverse_path = "u@me.example";
    for (std::string& address : to) {
        out.recipients.push_back({std::move(address), "", ""});
    }
    out.bytes = std::make_shared<const std::string>(std::move(bytes));
    return out;
}

const std::string kFull =
    "250-mx\r\n250-PIPELINING\r\n250-SIZE 10000\r\n250-8BITMIME\r\n250-DSN\r\n250-CHUNKING\r\n250 "
    "SMTPUTF8\r\n";

TEST(ClientSessionTest, OneAtATimeWithoutPipelining) {
    Peer peer;
    peer.session.deliver(mail({"a@x", "b@x"}));
    EXPECT_EQ(peer.run(), "");
    EXPECT_EQ(peer.say("220 mx ESMTP\r\n"), "EHLO me.example\r\n");
    EXPECT_EQ(peer.say("250 mx\r\n"), "MAIL FROM:<u@me.example>\r\n");
    EXPECT_EQ(peer.say("250 2.1.0 Ok\r\n"), "RCPT TO:<a@x>\r\n");
    EXPECT_EQ(peer.say("250 2.1.5 Ok\r\n"), "RCPT TO:<b@x>\r\n");
    EXPECT_EQ(peer.say("550 5.1.1 No\r\n"), "DATA\r\n");
    EXPECT_EQ(peer.say("354 Go\r\n"), "Subject: x\r\n\r\n..hi\r\n.\r\n");
    EXPECT_EQ(peer.say("250 2.0.0 queued as 7\r\n"), "<Finished><Ready>");
    EXPECT_EQ(peer.last(), "a@x=250/2.0.0@end of data b@x=550/5.1.1@RCPT");
    peer.session.quit();
    EXPECT_EQ(peer.run(), "QUIT\r\n");
    EXPECT_EQ(peer.say("221 Bye\r\n"), "<Close>");
}

TEST(ClientSessionTest, PipelinedInOneGroupWithItsParameters) {
    for (const std::size_t step : {0U, 1U, 3U}) {
        Peer peer({.hostname = "me.example"}, step);
        peer.say("220 mx\r\n");
        EXPECT_EQ(peer.say(kFull), "<Ready>");
        EXPECT_EQ(peer.session.offered().size_max, 10000U);
        OutgoingMessage message = mail({"a@x", "b@x"}, "\xe3\x83\xa1\r\n");
        message.ret = "HDRS";
        message.envid = "Q1";
        message.recipients[0].notify = "NEVER";
        message.recipients[1].orcpt = "rfc822;b@y";
        peer.session.deliver(message);
        EXPECT_EQ(
            peer.run(),
            "MAIL FROM:<u@me.example> SIZE=5 BODY=8BITMIME RET=HDRS ENVID=Q1\r\n"
            "RCPT TO:<a@x> NOTIFY=NEVER\r\nRCPT TO:<b@x> ORCPT=rfc822;b@y\r\nDATA\r\n"
        );
        EXPECT_EQ(
            peer.say("250 Ok\r\n450 4.2.0 later\r\n250 Ok\r\n354 Go\r\n"), "\xe3\x83\xa1\r\n.\r\n"
        );
        EXPECT_EQ(peer.say("250 2.0.0 Ok\r\n"), "<Finished><Ready>");
        EXPECT_EQ(peer.last(), "a@x=450/4.2.0@RCPT b@x=250/2.0.0@end of data");
    }
}

TEST(ClientSessionTest, AllRecipientsRefusedButDataTaken) {
    // RFC 2920 §3.1
    Peer peer;
    peer.say("220 mx\r\n");
    peer.say(kFull);
    peer.session.deliver(mail({"a@x"}));
    peer.run();
    EXPECT_EQ(peer.say("250 Ok\r\n550 5.1.1 no\r\n354 Go\r\n"), ".\r\n");
    EXPECT_EQ(peer.say("554 5.5.1 No recipients\r\n"), "<Finished><Ready>");
    EXPECT_EQ(peer.last(), "a@x=550/5.1.1@RCPT");
    peer.session.deliver(mail({"a@x"}));
    peer.run();
    EXPECT_EQ(peer.say("250 Ok\r\n550 5.1.1 no\r\n503 5.5.1 no\r\n"), "RSET\r\n<Finished>");
    EXPECT_EQ(peer.say("250 Ok\r\n"), "<Ready>");
}

TEST(ClientSessionTest, MailRefused) {
    Peer plain;
    plain.say("220 mx\r\n");
    plain.say("250 mx\r\n");
    plain.session.deliver(mail({"a@x", "b@x"}));
    plain.run();
    EXPECT_EQ(plain.say("451 4.7.1 later\r\n"), "RSET\r\n<Finished>");
    EXPECT_EQ(plain.last(), "a@x=451/4.7.1@MAIL b@x=451/4.7.1@MAIL");
    // A message given while RSET is under way waits for its reply.
    plain.session.deliver(mail({"c@x"}));
    EXPECT_EQ(plain.run(), "");
    EXPECT_EQ(plain.say("250 Ok\r\n"), "MAIL FROM:<u@me.example>\r\n");

    Peer piped;
    piped.say("220 mx\r\n");
    piped.say(kFull);
    piped.session.deliver(mail({"a@x"}));
    piped.run();
    EXPECT_EQ(piped.say("550 5.7.1 no\r\n503 no\r\n503 no\r\n"), "RSET\r\n<Finished>");
    EXPECT_EQ(piped.last(), "a@x=550/5.7.1@MAIL");
}

TEST(ClientSessionTest, HelloFallsBack) {
    Peer peer;
    peer.say("220 old\r\n");
    EXPECT_EQ(peer.say("502 what\r\n"), "HELO me.example\r\n");
    EXPECT_EQ(peer.say("250 old\r\n"), "<Ready>");
    EXPECT_FALSE(peer.session.offered().pipelining);
    Peer refused;
    refused.session.deliver(mail({"a@x"}));
    refused.say("220 mx\r\n");
    refused.say("550 5.7.1 no\r\n");
    EXPECT_EQ(refused.say("550 5.7.1 go away\r\n"), "<Finished><Close>");
    EXPECT_EQ(refused.last(), "a@x=550/5.7.1@EHLO");
    Peer busy;
    busy.session.deliver(mail({"a@x"}));
    busy.say("220 mx\r\n");
    EXPECT_EQ(busy.say("450 4.3.2 busy\r\n"), "<Finished><Close>");
}

TEST(ClientSessionTest, GreetingRefusal) {
    Peer peer;
    peer.session.deliver(mail({"a@x"}));
    EXPECT_EQ(peer.say("554-5.7.1 not you\r\n554 5.7.1 see page\r\n"), "<Finished><Close>");
    EXPECT_EQ(peer.last(), "a@x=554/5.7.1@greeting");
    ASSERT_TRUE(peer.session.failure());
    EXPECT_EQ(peer.session.failure()->text(), "554 5.7.1 not you see page");
    // A message given to a dead session ends at once, in the same way.
    peer.session.deliver(mail({"b@x"}));
    EXPECT_EQ(peer.run(), "<Finished><Close>");
    EXPECT_EQ(peer.last(), "b@x=554/5.7.1@greeting!");
}

TEST(ClientSessionTest, StartTlsAndEhloAnew) {
    Peer peer;
    peer.say("220 mx\r\n");
    EXPECT_EQ(peer.say("250-mx\r\n250-SIZE\r\n250 starttls\r\n"), "STARTTLS\r\n");
    EXPECT_EQ(peer.say("220 go\r\n"), "<StartTls>");
    peer.session.tls_started(true);
    EXPECT_TRUE(peer.session.tls());
    EXPECT_EQ(peer.run(), "EHLO me.example\r\n");
    EXPECT_FALSE(peer.session.offered().size) << "what was said in plain doesn't count";
    EXPECT_EQ(peer.say("250-mx\r\n250 STARTTLS\r\n"), "<Ready>");
}

TEST(ClientSessionTest, StartTlsFailures) {
    const auto to_tls = [](Peer& peer) {
        peer.session.deliver(mail({"a@x"}));
        peer.say("220 mx\r\n");
        return peer.say("250-mx\r\n250 STARTTLS\r\n");
    };
    Peer refused;
    to_tls(refused);
    EXPECT_EQ(refused.say("454 4.7.0 no\r\n"), "MAIL FROM:<u@me.example>\r\n");

    Peer required({.hostname = "me", .tls = ClientOptions::Tls::Required});
    to_tls(required);
    EXPECT_EQ(required.say("454 4.7.0 no\r\n"), "<Finished><Close>");
    EXPECT_EQ(required.last(), "a@x=450/4.7.10@STARTTLS!");

    Peer missing({.hostname = "me", .tls = ClientOptions::Tls::Required});
    missing.session.deliver(mail({"a@x"}));
    missing.say("220 mx\r\n");
    EXPECT_EQ(missing.say("250 mx\r\n"), "<Finished><Close>");
    EXPECT_EQ(missing.last(), "a@x=450/4.7.10@STARTTLS!");

    Peer handshake;
    to_tls(handshake);
    handshake.say("220 go\r\n");
    handshake.session.tls_started(false, "no shared cipher");
    EXPECT_EQ(handshake.run(), "<Finished><Close>");
    EXPECT_EQ(handshake.last(), "a@x=454/4.7.5@STARTTLS!");

    for (const char* injected : {"220 go\r\n250 injected\r\n", "220 go\r\n250"}) {
        Peer injection;
        to_tls(injection);
        if (injection.say(injected) == "<StartTls>") {
            injection.session.tls_started(true);
        }
        EXPECT_EQ(
            injection.outcomes.empty() ? injection.run() : "<Finished><Close>", "<Finished><Close>"
        );
        EXPECT_EQ(injection.outcomes.at(0).recipients.at(0).stage, Stage::StartTls);
    }

    Peer never({.hostname = "me.example", .tls = ClientOptions::Tls::Never});
    EXPECT_EQ(to_tls(never), "MAIL FROM:<u@me.example>\r\n");
}

TEST(ClientSessionTest, SmtpUtf8) {
    const auto try_with = [](std::string offers, OutgoingMessage message) {
        Peer peer;
        peer.say("220 mx\r\n");
        peer.say(offers);
        peer.session.deliver(std::move(message));
        std::string out = peer.run();
        return out.substr(0, out.find("\r\n")) + (peer.outcomes.empty() ? "" : peer.last());
    };
    OutgoingMessage utf8 = mail({"\xe3\x83\xa1@x"});
    utf8.smtputf8 = true;
    EXPECT_EQ(try_with("250 mx\r\n", utf8), "<Finished><Ready>\xe3\x83\xa1@x=550/5.6.7@MAIL!");
    EXPECT_TRUE(try_with(kFull, utf8).ends_with("SMTPUTF8"));
    // Accepted with SMTPUTF8, but nothing in it needs it (RFC 6531 §1.2): it can go anywhere.
    OutgoingMessage plain = mail({"a@x"}, "Subject: x\r\n\r\n\xe3\x83\xa1\r\n");
    plain.smtputf8 = true;
    EXPECT_EQ(
        try_with("250-mx\r\n250 8BITMIME\r\n", plain), "MAIL FROM:<u@me.example> BODY=8BITMIME"
    );
    OutgoingMessage header = mail({"a@x"}, "Subject: \xe3\x83\xa1\r\n\r\nx\r\n");
    header.smtputf8 = true;
    EXPECT_EQ(try_with("250 mx\r\n", header), "<Finished><Ready>a@x=550/5.6.7@MAIL!");
}

// RFC 6152 §3
TEST(ClientSessionTest, EightBitsGoToThoseWhoTakeThem) {
    const auto try_with = [](bool anyway) {
        Peer peer({.hostname = "me.example", .eight_bit_anyway = anyway});
        peer.say("220 mx\r\n");
        peer.say("250 mx\r\n");
        peer.session.deliver(mail({"a@x"}, "A: b\r\n\r\n\xe3\x83\xa1\r\n"));
        std::string out = peer.run();
        return out.substr(0, out.find("\r\n")) + (peer.outcomes.empty() ? "" : peer.last());
    };
    EXPECT_EQ(try_with(false), "<Finished><Ready>a@x=550/5.6.3@MAIL!");
    EXPECT_EQ(try_with(true), "MAIL FROM:<u@me.example>");
}

// RFC 3030 §3, RFC 8689 §4.2.1, RFC 6710 §4.2
TEST(ClientSessionTest, WishesOfTheMessage) {
    const auto try_with = [](const std::string& offers, OutgoingMessage message, bool tls = false) {
        Peer peer({.hostname = "me.example", .tls_running = tls});
        peer.say("220 mx\r\n");
        peer.say(offers);
        peer.session.deliver(std::move(message));
        std::string out = peer.run();
        return out.substr(0, out.find("\r\n")) + (peer.outcomes.empty() ? "" : peer.last());
    };
    OutgoingMessage binary = mail({"a@x"}, "A: b\r\n\r\n\n.\n");
    binary.body_binary = true;
    const std::string refused = "<Finished><Ready>a@x=550/";
    EXPECT_EQ(try_with("250-mx\r\n250 CHUNKING\r\n", binary), refused + "5.6.3@MAIL!");
    EXPECT_EQ(try_with("250-mx\r\n250 BINARYMIME\r\n", binary), refused + "5.6.3@MAIL!");
    EXPECT_EQ(
        try_with("250-mx\r\n250-BINARYMIME\r\n250 CHUNKING\r\n", binary),
        "MAIL FROM:<u@me.example> BODY=BINARYMIME"
    );
    OutgoingMessage secret = mail({"a@x"});
    secret.require_tls = true;
    EXPECT_EQ(try_with("250-mx\r\n250 REQUIRETLS\r\n", secret), refused + "5.7.30@MAIL!");
    EXPECT_EQ(try_with("250 mx\r\n", secret, true), refused + "5.7.30@MAIL!");
    EXPECT_EQ(
        try_with("250-mx\r\n250 REQUIRETLS\r\n", secret, true),
        "MAIL FROM:<u@me.example> REQUIRETLS"
    );
    // RFC 8689 §5: a notification isn't kept from who doesn't know of it.
    secret.reverse_path.clear();
    EXPECT_EQ(try_with("250 mx\r\n", secret), "MAIL FROM:<>");
    EXPECT_EQ(try_with("250-mx\r\n250 REQUIRETLS\r\n", secret), "MAIL FROM:<>");
    EXPECT_EQ(try_with("250-mx\r\n250 REQUIRETLS\r\n", secret, true), "MAIL FROM:<> REQUIRETLS");
    OutgoingMessage urgent = mail({"a@x"});
    urgent.priority = -3;
    EXPECT_EQ(try_with("250 mx\r\n", urgent), "MAIL FROM:<u@me.example>");
    EXPECT_EQ(
        try_with("250-mx\r\n250 MT-PRIORITY\r\n", urgent), "MAIL FROM:<u@me.example> MT-PRIORITY=-3"
    );
}

// RFC 2852 §4
TEST(ClientSessionTest, WhatIsToBeReturnedInTimeGoesToWhoCanDoThat) {
    const auto try_with = [](const std::string& offer, std::int64_t seconds, bool must_return) {
        Peer peer({.hostname = "me.example"});
        peer.say("220 mx\r\n");
        peer.say("250-mx\r\n250 " + offer + "\r\n");
        OutgoingMessage message = mail({"a@x"});
        message.deliver_by = {.seconds = seconds, .must_return = must_return, .trace = true};
        peer.session.deliver(std::move(message));
        std::string out = peer.run();
        return out.substr(0, out.find("\r\n")) + (peer.outcomes.empty() ? "" : peer.last());
    };
    const std::string refused = "<Finished><Ready>a@x=550/";
    EXPECT_EQ(try_with("DELIVERBY", 90, true), "MAIL FROM:<u@me.example> BY=90;RT");
    EXPECT_EQ(try_with("DELIVERBY 90", 90, true), "MAIL FROM:<u@me.example> BY=90;RT");
    EXPECT_EQ(try_with("DELIVERBY 91", 90, true), refused + "5.4.7@MAIL!");
    EXPECT_EQ(try_with("DELIVERBY", 0, true), refused + "5.4.7@MAIL!");
    EXPECT_EQ(try_with("DSN", 90, true), refused + "5.3.3@MAIL!");
    EXPECT_EQ(try_with("DELIVERBY 600", 90, false), "MAIL FROM:<u@me.example> BY=90;NT");
    EXPECT_EQ(try_with("DELIVERBY", -5, false), "MAIL FROM:<u@me.example> BY=-5;NT");
    EXPECT_EQ(try_with("DSN", 90, false), "MAIL FROM:<u@me.example>");
}

TEST(ClientSessionTest, BinaryBodiesGoAsTheyAre) {
    Peer peer;
    peer.say("220 mx\r\n");
    peer.say("250-mx\r\n250-BINARYMIME\r\n250 CHUNKING\r\n");
    OutgoingMessage binary = mail({"a@x"}, "A: b\r\n\r\n\n.\r.");
    binary.body_binary = true;
    peer.session.deliver(std::move(binary));
    EXPECT_EQ(peer.run(), "MAIL FROM:<u@me.example> BODY=BINARYMIME\r\n");
    EXPECT_EQ(peer.say("250 ok\r\n"), "RCPT TO:<a@x>\r\n");
    EXPECT_EQ(peer.say("250 ok\r\n"), "BDAT 12 LAST\r\nA: b\r\n\r\n\n.\r.");
}

TEST(ClientSessionTest, WhatTheServerCantTakeIsNotTried) {
    Peer peer;
    peer.say("220 mx\r\n");
    peer.say("250-mx\r\n250 SIZE 10\r\n");
    peer.session.deliver(mail({"a@x"}));
    EXPECT_EQ(peer.run(), "<Finished><Ready>");
    EXPECT_EQ(peer.last(), "a@x=552/5.3.4@MAIL!");
    peer.session.deliver(mail({"a@x>\r\nRCPT TO:<b@x"}));
    EXPECT_EQ(peer.run(), "<Finished><Ready>");
    EXPECT_EQ(peer.outcomes.back().recipients[0].reply.enhanced, "5.1.3");
}

TEST(ClientSessionTest, TooManyRecipientsIsTemporary) {
    // RFC 5321 §4.5.3.1.10
    Peer peer;
    peer.say("220 mx\r\n");
    peer.say(kFull);
    peer.session.deliver(mail({"a@x", "b@x"}));
    peer.run();
    peer.say("250 Ok\r\n250 Ok\r\n552 too many\r\n354 Go\r\n");
    peer.say("250 Ok\r\n");
    EXPECT_EQ(peer.last(), "a@x=250/@end of data b@x=452/4.5.3@RCPT");
}

TEST(ClientSessionTest, ConnectionLostAtEachStage) {
    struct Row {
        std::vector<std::string> said;
        const char* stage;
    };
    for (const Row& row : std::vector<Row>{
             {{}, "greeting"},
             {{"220 mx\r\n"}, "EHLO"},
             {{"220 mx\r\n", "250 mx\r\n"}, "MAIL"},
             {{"220 mx\r\n", "250 mx\r\n", "250 Ok\r\n"}, "RCPT"},
             {{"220 mx\r\n", "250 mx\r\n", "250 Ok\r\n", "250 Ok\r\n"}, "DATA"},
             {{"220 mx\r\n", "250 mx\r\n", "250 Ok\r\n", "250 Ok\r\n", "354 Go\r\n"}, "end of data"
             },
         }) {
        Peer peer;
        peer.session.deliver(mail({"a@x"}));
        peer.run();
        for (const std::string& said : row.said) {
            peer.say(said);
        }
        peer.session.lost("reset");
        EXPECT_EQ(peer.run(), "<Finished><Close>");
        EXPECT_EQ(peer.last(), std::string("a@x=451/4.4.2@") + row.stage + "!");
        EXPECT_GT(peer.session.reply_timeout().count(), 0);
    }
}

TEST(ClientSessionTest, ClosingAndNonsenseReplies) {
    Peer closing;
    closing.say("220 mx\r\n");
    closing.say(kFull);
    closing.session.deliver(mail({"a@x", "b@x"}));
    closing.run();
    EXPECT_EQ(closing.say("250 Ok\r\n250 Ok\r\n421 4.3.2 stopping\r\n"), "<Finished><Close>");
    EXPECT_EQ(closing.last(), "a@x=421/4.3.2@RCPT b@x=421/4.3.2@RCPT");
    Peer nonsense;
    nonsense.session.deliver(mail({"a@x"}));
    EXPECT_EQ(nonsense.say("SSH-2.0-OpenSSH\r\n"), "<Finished><Close>");
    EXPECT_EQ(nonsense.last(), "a@x=451/4.5.0@greeting!");
    Peer unasked;
    unasked.say("220 mx\r\n");
    unasked.say("250 mx\r\n");
    EXPECT_EQ(unasked.say("250 what\r\n"), "<Close>");
    Peer odd;
    odd.say("220 mx\r\n");
    odd.say(kFull);
    odd.session.deliver(mail({"a@x"}));
    odd.run();
    EXPECT_EQ(odd.say("250 Ok\r\n250 Ok\r\n250 what\r\n"), "<Finished><Close>");
    EXPECT_EQ(odd.last(), "a@x=451/4.5.0@DATA!");
}

TEST(ClientSessionTest, RefusedInTheMiddleOfTheData) {
    Peer peer;
    peer.say("220 mx\r\n");
    peer.say("250 mx\r\n");
    peer.session.deliver(mail({"a@x"}, std::string(300000, 'x') + "\r\n"));
    peer.run();
    peer.say("250 Ok\r\n");
    peer.say("250 Ok\r\n");
    peer.session.receive("354 Go\r\n");
    ASSERT_TRUE(std::holds_alternative<Session::Send>(peer.session.next()));
    peer.session.receive("552 5.3.4 too big\r\n");
    EXPECT_EQ(peer.run(), "<Finished><Close>");
    EXPECT_EQ(peer.last(), "a@x=552/5.3.4@end of data");
}

TEST(ClientSessionTest, Chunking) {
    Peer peer({.hostname = "me.example", .prefer_chunking = true});
    peer.say("220 mx\r\n");
    peer.say(kFull);
    const std::string big = std::string(70000, '.') + "\r\n";
    peer.session.deliver(mail({"a@x", "b@x"}, ".\r\n"));
    EXPECT_TRUE(peer.run().ends_with("RCPT TO:<b@x>\r\n"));
    EXPECT_EQ(peer.say("250 Ok\r\n250 Ok\r\n550 5.1.1 no\r\n"), "BDAT 3 LAST\r\n.\r\n");
    EXPECT_EQ(peer.say("250 2.0.0 Ok\r\n"), "<Finished><Ready>");
    EXPECT_EQ(peer.last(), "a@x=250/2.0.0@end of data b@x=550/5.1.1@RCPT");
    OutgoingMessage message = mail({"a@x"}, std::string(9000, '.') + "\r\n");
    peer.session.deliver(message);
    peer.run();
    EXPECT_EQ(peer.say("250 Ok\r\n250 Ok\r\n"), "BDAT 9002 LAST\r\n" + *message.bytes);
    peer.say("250 Ok\r\n");
    peer.session.deliver(mail({"a@x"}));
    peer.run();
    EXPECT_EQ(peer.say("250 Ok\r\n550 5.1.1 no\r\n"), "RSET\r\n<Finished>");
    peer.say("250 Ok\r\n");
    peer.session.deliver(mail({"a@x"}));
    peer.run();
    peer.say("250 Ok\r\n250 Ok\r\n");
    EXPECT_EQ(peer.say("554 5.7.1 no\r\n"), "RSET\r\n<Finished>") << "RFC 3030 §2";
    EXPECT_EQ(peer.last(), "a@x=554/5.7.1@end of data");
}

// RFC 2033 §4.2, with the shape of its example.
TEST(ClientSessionTest, LmtpAnswersForEachRecipient) {
    Peer peer({.hostname = "me.example", .lmtp = true});
    EXPECT_EQ(peer.say("220 mail LMTP\r\n"), "LHLO me.example\r\n");
    peer.say("250-mail\r\n250-PIPELINING\r\n250 SIZE\r\n");
    peer.session.deliver(mail({"chris@x", "doug@x", "kim@x"}));
    peer.run();
    peer.say("250 Ok\r\n250 Ok\r\n550 5.1.1 no doug\r\n250 Ok\r\n354 Go\r\n");
    EXPECT_EQ(peer.say("250 2.1.5 Ok\r\n"), "");
    EXPECT_EQ(peer.say("452 4.2.2 kim is full\r\n"), "<Finished><Ready>");
    EXPECT_EQ(
        peer.last(),
        "chris@x=250/2.1.5@end of data doug@x=550/5.1.1@RCPT kim@x=452/4.2.2@end of data"
    );
    Peer half({.hostname = "me.example", .lmtp = true});
    half.say("220 mail LMTP\r\n");
    half.say("250-mail\r\n250 PIPELINING\r\n");
    half.session.deliver(mail({"a@x", "b@x"}));
    half.run();
    half.say("250 Ok\r\n250 Ok\r\n250 Ok\r\n354 Go\r\n");
    half.say("250 2.1.5 Ok\r\n");
    half.session.lost("reset");
    half.run();
    EXPECT_EQ(half.last(), "a@x=250/2.1.5@end of data b@x=451/4.4.2@end of data!");
    Peer no_hello({.hostname = "me.example", .lmtp = true});
    no_hello.say("220 mail\r\n");
    EXPECT_EQ(no_hello.say("500 what\r\n"), "<Close>") << "LMTP has no HELO";
}

TEST(ClientSessionTest, QuitWantedEarlyComesAfterTheMessage) {
    Peer peer;
    peer.session.deliver(mail({"a@x"}));
    peer.session.quit();
    peer.say("220 mx\r\n");
    peer.say(kFull);
    peer.say("250 Ok\r\n250 Ok\r\n354 Go\r\n");
    EXPECT_EQ(peer.say("250 Ok\r\n"), "QUIT\r\n<Finished>");
    EXPECT_EQ(peer.say("221 Bye\r\n"), "<Close>");
}

}  // namespace
}  // namespace sekisho::smtp

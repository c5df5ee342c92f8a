// Submitted mail that is malformed, or that others couldn't take.
#include "mail/rules.h"
#include "mail/test_world.h"
#include "message/header.h"
#include "message/mime.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::mail {
namespace {

class Mending : public test::MailTest {
  protected:
    std::string submit(const std::string& message, const std::string& parameters = "") {
        if (!server) {
            start();
        }
        auto client = ready("submissions");
        client->say("MAIL FROM:<taro@example.net>" + parameters);
        client->say("RCPT TO:<b@other.example>");
        client->say("DATA");
        return client->say(message + "\r\n.");
    }
    std::string last() { return spool.kept().empty() ? "" : spool.kept().back().bytes; }
};

TEST_F(Mending, LongLinesAreEncodedAnew) {
    const std::string line(5000, 'x');
    const std::string said = submit("Subject: s\r\n\r\n" + line);
    ASSERT_TRUE(said.starts_with("250 ")) << said;
    EXPECT_TRUE(last().contains("\r\nContent-Transfer-Encoding: quoted-printable\r\n"));
    EXPECT_EQ(message::decoded(message::Header::scan(last()), last()), line + "\r\n");
    EXPECT_EQ(spool.kept().back().envelope.size, last().size());
    const std::string refused =
        submit("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n" + line);
    EXPECT_TRUE(refused.starts_with("550 5.6.0 Message refused: a line is longer than 998 octets"))
        << refused;
    EXPECT_TRUE(refused.contains("it is signed or encrypted"));
    EXPECT_EQ(spool.kept().size(), 1U);
}

TEST_F(Mending, WithoutItTheyAreRefusedAsBefore) {
    config.mail.reencode = false;
    EXPECT_TRUE(submit("Subject: s\r\n\r\n" + std::string(5000, 'x'))
                    .starts_with("550 5.6.0 Message refused: a line is longer than 1000 octets"));
    EXPECT_TRUE(submit("Subject: 山田\r\n\r\nx").starts_with("250 "));
    EXPECT_TRUE(last().contains("Subject: 山田\r\n"));
}

TEST_F(Mending, TheHeaderIsAsciiUnlessTheClientSaysOtherwise) {
    ASSERT_TRUE(
        submit("From: 山田 <taro@example.net>\r\nSubject: 山田\r\n\r\n山").starts_with("250 ")
    );
    EXPECT_TRUE(last().contains("From: =?UTF-8?B?5bGx55Sw?= <taro@example.net>\r\n")) << last();
    EXPECT_TRUE(last().contains("Subject: =?UTF-8?B?5bGx55Sw?=\r\n"));
    EXPECT_TRUE(last().ends_with("\r\n\r\n山\r\n")) << "the body is nobody's business";
    ASSERT_TRUE(submit("Subject: 山田\r\n\r\nx", " SMTPUTF8").starts_with("250 "));
    EXPECT_TRUE(last().contains("Subject: 山田\r\n"));
    const std::string refused = submit("To: 山@other.example\r\n\r\nx");
    EXPECT_TRUE(refused.starts_with("550 5.6.7 Message refused: the field To")) << refused;
}

// What people's scripts send: no header, no empty line, no domain.
TEST_F(Mending, WhatIsOnlySloppyIsTaken) {
    for (const char* message :
         {"just text",
          "Subject: backup done\r\nno empty line",
          "To: root\r\nSubject: cron\r\n\r\nx",
          "To:\r\nCc: \r\n\r\nx",
          "To: undisclosed-recipients:;\r\n\r\nx",
          "To: \"Yamada, Taro\" <b@other.example>,\r\n c@other.example\r\n\r\nx",
          "Date: now\r\nMessage-ID: none\r\nSender: (((\r\n\r\nx"}) {
        const std::string said = submit(message);
        EXPECT_TRUE(said.starts_with("250 ")) << message << ": " << said;
    }
    EXPECT_FALSE(last().contains("now"));
    EXPECT_FALSE(last().contains("none"));
    EXPECT_FALSE(last().contains("Sender"));
    EXPECT_TRUE(last().contains("Message-ID: " + spool.kept().back().envelope.message_id));
    EXPECT_TRUE(spool.kept().at(2).bytes.contains("To: root@example.net\r\n"));
}

TEST_F(Mending, WhatIsMalformedIsRefusedWithTheReason) {
    const std::string line =
        submit("Subject: s\r\nthis is none\r\nFrom: taro@example.net\r\n\r\nx");
    EXPECT_TRUE(
        line.starts_with("550 5.6.0 The header has a line that is no field: \"this is none\"")
    ) << line;
    for (const char* field : {"To: <<>>", "Cc: a b c", "Reply-To: nobody at nowhere"}) {
        const std::string said = submit(std::string(field) + "\r\n\r\nx");
        const std::string name = std::string(field).substr(0, std::string(field).find(':'));
        EXPECT_TRUE(said.starts_with("550 5.6.0 The field " + name + " has no address")) << said;
    }
    EXPECT_TRUE(spool.kept().empty());
}

}  // namespace
}  // namespace sekisho::mail

#include "smtp/command.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::smtp {
namespace {

CommandRules with_auth() {
    CommandRules rules;
    rules.auth = true;
    return rules;
}

Command good(std::string_view line, const CommandRules& rules = {}) {
    const auto command = parse_command(line, rules);
    EXPECT_TRUE(command) << line << ": " << command.error().text();
    return command.value_or(Command{});
}

std::string bad(std::string_view line, const CommandRules& rules = {}) {
    const auto command = parse_command(line, rules);
    EXPECT_FALSE(command) << line;
    return command ? "" : std::to_string(command.error().code) + " " + command.error().enhanced;
}

TEST(CommandTest, VerbsInAnyCase) {
    EXPECT_EQ(good("ehlo host").verb, Verb::Ehlo);
    EXPECT_EQ(good("HeLo host ").argument, "host");
    EXPECT_EQ(good("EHLO [192.0.2.1]").argument, "[192.0.2.1]");
    EXPECT_EQ(good("data").verb, Verb::Data);
    EXPECT_EQ(good("QUIT  ").verb, Verb::Quit);
    EXPECT_EQ(good("rset").verb, Verb::Rset);
    EXPECT_EQ(good("NOOP whatever it says").argument, "whatever it says");
    EXPECT_EQ(good("HELP").verb, Verb::Help);
    EXPECT_EQ(good("VRFY smith").argument, "smith");
    EXPECT_EQ(good("StartTLS").verb, Verb::StartTls);
}

TEST(CommandTest, NamesAreTheVerbs) {
    for (const char* word :
         {"HELO",
          "EHLO",
          "MAIL",
          "RCPT",
          "DATA",
          "BDAT",
          "RSET",
          "NOOP",
          "QUIT",
          "VRFY",
          "EXPN",
          "HELP",
          "STARTTLS",
          "AUTH"}) {
        const auto command = parse_command(std::string(word) + " 0 x", with_auth());
        if (command) {
            EXPECT_EQ(name(command->verb), word);
        }
    }
    EXPECT_EQ(name(Verb::StartTls), "STARTTLS");
}

TEST(CommandTest, MalformedCommandsHaveTheirReply) {
    struct Row {
        std::string line;
        const char* reply;
    };
    const std::vector<Row> table{
        {"", "500 5.5.1"},
        {" ", "500 5.5.1"},
        {"FOO", "500 5.5.1"},
        {"MAILFROM:<a@b>", "500 5.5.1"},
        {"EHLO", "501 5.5.4"},
        {"EHLO a b", "501 5.5.4"},
        {"HELO " + std::string(256, 'a'), "501 5.5.4"},
        {"HELO " + std::string(600, 'a'), "500 5.5.2"},
        {"DATA now", "501 5.5.4"},
        {"RSET now", "501 5.5.4"},
        {"QUIT now", "501 5.5.4"},
        {"STARTTLS now", "501 5.5.4"},
        {"VRFY", "501 5.5.4"},
        {"MAIL", "501 5.5.4"},
        {"MAIL TO:<a@b>", "501 5.5.4"},
        {"MAIL FROM <a@b>", "501 5.5.4"},
        {"MAIL FROM:", "501 5.1.7"},
        {"MAIL FROM:a@b", "501 5.1.7"},
        {"MAIL FROM:<a@b", "501 5.1.7"},
        {"MAIL FROM:<a@b>SIZE=1", "501 5.1.7"},
        {"MAIL FROM:<a>", "501 5.1.7"},
        {"RCPT TO:<>", "501 5.1.3"},
        {"RCPT TO:<a@b c>", "501 5.1.3"},
        {"RCPT FROM:<a@b>", "501 5.5.4"},
        {"RCPT TO:<a@b> FOO", "555 5.5.4"},
        {"MAIL FROM:<a@b> FOO=1", "555 5.5.4"},
        {"MAIL FROM:<a@b> NOTIFY=NEVER", "555 5.5.4"},
        {"MAIL FROM:<a@b> AUTH=<>", "555 5.5.4"},
        {"MAIL FROM:<a@b> -X=1", "501 5.5.4"},
        {"MAIL FROM:<a@b> SIZE", "501 5.5.4"},
        {"MAIL FROM:<a@b> SIZE=", "501 5.5.4"},
        {"MAIL FROM:<a@b> SIZE=x", "501 5.5.4"},
        {"MAIL FROM:<a@b> SIZE=-1", "501 5.5.4"},
        {"MAIL FROM:<a@b> SIZE=99999999999999999999", "501 5.5.4"},
        {"MAIL FROM:<a@b> SIZE=1 SIZE=1", "501 5.5.4"},
        {"MAIL FROM:<a@b> BODY=BINARYMIME", "501 5.5.4"},
        {"MAIL FROM:<a@b> BODY", "501 5.5.4"},
        {"MAIL FROM:<a@b> SMTPUTF8=yes", "501 5.5.4"},
        {"MAIL FROM:<a@b> RET=SOME", "501 5.5.4"},
        {"MAIL FROM:<a@b> ENVID=" + std::string(101, 'x'), "501 5.5.4"},
        {"MAIL FROM:<a@b> ENVID=a+2", "501 5.5.4"},
        {"RCPT TO:<a@b> NOTIFY=NEVER,FAILURE", "501 5.5.4"},
        {"RCPT TO:<a@b> NOTIFY=FAILURE,FAILURE", "501 5.5.4"},
        {"RCPT TO:<a@b> NOTIFY", "501 5.5.4"},
        {"RCPT TO:<a@b> ORCPT=a@b", "501 5.5.4"},
        {"RCPT TO:<a@b> ORCPT=rfc822;", "501 5.5.4"},
        {"RCPT TO:<a@b> ORCPT=;x", "501 5.5.4"},
        {"BDAT", "501 5.5.4"},
        {"BDAT x", "501 5.5.4"},
        {"BDAT 1 FIRST", "501 5.5.4"},
        {"BDAT 99999999999999999999999", "501 5.5.4"},
        {"AUTH", "501 5.5.4"},
        {"AUTH PLAIN a b", "501 5.5.4"},
        {"AUTH PL@IN", "501 5.5.4"},
        {"AUTH " + std::string(21, 'A'), "501 5.5.4"},
        {"MAIL FROM:<\xe3\x83\xa1@b>", "553 5.6.7"},
        {"RCPT TO:<\xe3\x83\xa1@b>", "553 5.6.7"},
        {"MAIL FROM:<\xff@b>", "500 5.5.2"},
        {"NOOP \x01", "500 5.5.2"},
        {"MAIL FROM:<a@b> X=" + std::string(2000, 'x'), "500 5.5.2"},
    };
    for (const Row& row : table) {
        EXPECT_EQ(bad(row.line), row.reply) << row.line;
    }
}

TEST(CommandTest, MailWithEverything) {
    const Command mail = good(
        "MAIL FROM:<u@example.net> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=QQ+2B1 "
        "AUTH=u+40x.example",
        with_auth()
    );
    EXPECT_EQ(mail.address->text(), "u@example.net");
    EXPECT_EQ(mail.mail.size, 1000U);
    EXPECT_EQ(mail.mail.body, Body::EightBit);
    EXPECT_TRUE(mail.mail.smtputf8);
    EXPECT_EQ(mail.mail.ret, "HDRS");
    EXPECT_EQ(mail.mail.envid, "QQ+2B1");
    EXPECT_EQ(mail.mail.auth, "u@x.example");
    EXPECT_EQ(good("MAIL FROM:<> AUTH=<>", with_auth()).mail.auth, "<>");
    EXPECT_FALSE(good("MAIL FROM:<>").address);
    EXPECT_EQ(good("mail from:<a@b> body=7bit").mail.body, Body::SevenBit);
    EXPECT_EQ(bad("MAIL FROM:<a@b> AUTH=x+zz", with_auth()), "501 5.5.4");
    EXPECT_EQ(bad("MAIL FROM:<a@b> AUTH", with_auth()), "501 5.5.4");
}

// RFC 4865 §3
TEST(CommandTest, MailThatIsHeld) {
    CommandRules rules = with_auth();
    EXPECT_EQ(bad("MAIL FROM:<a@b> HOLDFOR=60", rules), "555 5.5.4") << "not offered";
    rules.future_release = true;
    EXPECT_EQ(good("MAIL FROM:<a@b> HOLDFOR=60", rules).mail.hold_for, std::chrono::seconds{60});
    EXPECT_EQ(good("MAIL FROM:<a@b> HOLDFOR=0", rules).mail.hold_for, std::chrono::seconds{0});
    EXPECT_EQ(
        good("MAIL FROM:<a@b> holduntil=2027-04-01T09:00:00+09:00", rules).mail.hold_until,
        parse_rfc3339("2027-04-01T00:00:00Z")
    );
    for (const char* wrong :
         {"HOLDFOR",
          "HOLDFOR=",
          "HOLDFOR=-1",
          "HOLDFOR=1h",
          "HOLDFOR=1234567890",
          "HOLDUNTIL=2027-04-01",
          "HOLDUNTIL=tomorrow",
          "HOLDFOR=5 HOLDUNTIL=2027-04-01T00:00:00Z",
          "HOLDUNTIL=2027-04-01T00:00:00Z HOLDFOR=5",
          "HOLDFOR=5 HOLDFOR=5"}) {
        EXPECT_EQ(bad(std::string("MAIL FROM:<a@b> ") + wrong, rules).substr(0, 9), "501 5.5.4")
            << wrong;
    }
}

// RFC 2852 §4
TEST(CommandTest, MailToBeDeliveredBy) {
    CommandRules rules;
    EXPECT_EQ(bad("MAIL FROM:<a@b> BY=120;R", rules), "555 5.5.4") << "not offered";
    rules.deliver_by = true;
    const auto by = [&](const std::string& value) {
        return good("MAIL FROM:<a@b> BY=" + value, rules).mail.deliver_by.value_or(DeliverBy{});
    };
    EXPECT_EQ(by("120;R").time, std::chrono::seconds{120});
    EXPECT_FALSE(by("120;R").notify || by("120;R").trace);
    EXPECT_TRUE(by("+60;nt").notify && by("+60;nt").trace);
    EXPECT_EQ(by("-5;N").time, std::chrono::seconds{-5});
    EXPECT_EQ(by("0;N").time, std::chrono::seconds{0});
    EXPECT_TRUE(by("999999999;RT").trace);
    for (const char* wrong :
         {"",
          "=",
          "=60",
          "=;R",
          "=60;",
          "=60;X",
          "=60;TR",
          "=60;RTT",
          "=0;R",
          "=-1;R",
          "=6s;R",
          "=1234567890;R",
          "=+-6;R",
          "=60;R BY=60;R"}) {
        EXPECT_EQ(bad(std::string("MAIL FROM:<a@b> BY") + wrong, rules).substr(0, 9), "501 5.5.4")
            << wrong;
    }
}

// RFC 6710 §10.1, RFC 8689 §2, RFC 3030 §3
TEST(CommandTest, MailWithPriorityTlsAndBinaryBodies) {
    CommandRules rules;
    for (const char* unknown : {"MT-PRIORITY=3", "REQUIRETLS"}) {
        EXPECT_EQ(bad(std::string("MAIL FROM:<a@b> ") + unknown, rules), "555 5.5.4");
    }
    EXPECT_EQ(bad("MAIL FROM:<a@b> BODY=BINARYMIME", rules), "501 5.5.4");
    rules.priority = rules.require_tls = rules.binarymime = true;
    for (int priority = -9; priority <= 9; ++priority) {
        const std::string line = "MAIL FROM:<a@b> MT-PRIORITY=" + std::to_string(priority);
        EXPECT_EQ(good(line, rules).mail.priority, priority);
    }
    EXPECT_TRUE(good("MAIL FROM:<a@b> requiretls", rules).mail.require_tls);
    EXPECT_EQ(good("MAIL FROM:<a@b> BODY=binarymime", rules).mail.body, Body::Binary);
    for (const char* wrong :
         {"MT-PRIORITY",
          "MT-PRIORITY=10",
          "MT-PRIORITY=-10",
          "MT-PRIORITY=+1",
          "MT-PRIORITY=-0",
          "MT-PRIORITY=01",
          "MT-PRIORITY=-",
          "REQUIRETLS=yes",
          "REQUIRETLS REQUIRETLS",
          "BODY=BINARY"}) {
        EXPECT_EQ(bad(std::string("MAIL FROM:<a@b> ") + wrong, rules).substr(0, 9), "501 5.5.4")
            << wrong;
    }
}

TEST(CommandTest, SpaceBehindTheColonIsTolerated) {
    EXPECT_EQ(good("MAIL FROM: <a@b>").address->text(), "a@b");
    EXPECT_EQ(good("RCPT TO:  <a@b>  NOTIFY=NEVER").rcpt.notify, "NEVER");
}

// The examples of RFC 3461 §4 and §10.
TEST(CommandTest, RcptWithDsnParameters) {
    const Command rcpt =
        good("RCPT TO:<Bob@Example.COM> NOTIFY=success,Failure,DELAY ORCPT=rfc822;Bob@Example.COM");
    EXPECT_EQ(rcpt.rcpt.notify, "SUCCESS,FAILURE,DELAY");
    EXPECT_EQ(rcpt.rcpt.orcpt, "rfc822;Bob@Example.COM");
    EXPECT_EQ(rcpt.address->text(), "Bob@example.com");
    EXPECT_EQ(good("RCPT TO:<Dana@Ivory.EDU> NOTIFY=NEVER").rcpt.notify, "NEVER");
}

TEST(CommandTest, WhatIsNotOfferedIsUnknown) {
    CommandRules none;
    none.size = none.eightbit = none.smtputf8 = none.dsn = false;
    for (const char* line :
         {"MAIL FROM:<a@b> SIZE=1",
          "MAIL FROM:<a@b> BODY=7BIT",
          "MAIL FROM:<a@b> SMTPUTF8",
          "MAIL FROM:<a@b> RET=FULL",
          "RCPT TO:<a@b> NOTIFY=NEVER"}) {
        EXPECT_EQ(bad(line, none), "555 5.5.4") << line;
    }
}

TEST(CommandTest, Utf8InTheTransaction) {
    EXPECT_FALSE(good("MAIL FROM:<\xe3\x83\xa1@b> SMTPUTF8").address->ascii());
    CommandRules rules;
    rules.utf8_transaction = true;
    EXPECT_FALSE(good("RCPT TO:<\xe3\x83\xa1@b> ORCPT=utf-8;\xe3\x83\xa1@b", rules).address->ascii()
    );
}

TEST(CommandTest, LongSendersAreTaken) {
    const std::string verp = "list-bounces+" + std::string(120, 'v') + "=example.org";
    EXPECT_EQ(good("MAIL FROM:<" + verp + "@lists.example>").address->local, verp);
    EXPECT_EQ(bad("RCPT TO:<" + verp + "@lists.example>"), "501 5.1.3");
}

TEST(CommandTest, Bdat) {
    EXPECT_EQ(good("BDAT 1000").chunk_size, 1000U);
    EXPECT_FALSE(good("BDAT 1000").chunk_last);
    EXPECT_TRUE(good("bdat 0 last").chunk_last);
}

TEST(CommandTest, Auth) {
    EXPECT_EQ(good("AUTH plain").mechanism, "PLAIN");
    EXPECT_FALSE(good("AUTH PLAIN").initial);
    EXPECT_EQ(good("AUTH PLAIN =").initial, "=");
    EXPECT_EQ(good("AUTH SCRAM-SHA-256 biws").initial, "biws");
    EXPECT_EQ(good("AUTH X " + std::string(12000, 'A')).initial->size(), 12000U);
    EXPECT_EQ(bad("AUTH X " + std::string(12400, 'A')), "500 5.5.2");
}

TEST(XtextTest, ThereAndBack) {
    EXPECT_EQ(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d");
    EXPECT_EQ(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d");
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all.push_back(static_cast<char>(i));
    }
    EXPECT_EQ(decode_xtext(encode_xtext(all)), all);
    for (const char* bad_text : {"+", "+2", "+zz", "a=b", "a b", "\x7f"}) {
        EXPECT_FALSE(decode_xtext(bad_text)) << bad_text;
    }
}

}  // namespace
}  // namespace sekisho::smtp

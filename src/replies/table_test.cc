#include "replies/table.h"

#include "base/time.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace sekisho::replies {
namespace {

struct Known {
    const char* kind;
    const char* host;
    const char* reply;
};

std::string kind_of(const Known& known) {
    return Table::built_in()->find({.reply = known.reply, .host = known.host}).kind.name;
}

const char* const kGmail = "gmail-smtp-in.l.google.com";
const char* const kOutlook = "example-net.mail.protection.outlook.com";
const char* const kHotmail = "hotmail-com.olc.protection.outlook.com";
const char* const kYahoo = "mta5.am0.yahoodns.net";

TEST(Replies, OfGmail) {
    const std::vector<Known> all{
        {"mailbox-unknown",
         kGmail,
         "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 "
         "double-checking the recipient's email address for typos"},
        {"mailbox-disabled",
         kGmail,
         "550 5.2.1 The email account that you tried to reach is disabled."},
        {"mailbox-full",
         kGmail,
         "452 4.2.2 The email account that you tried to reach is over quota."},
        {"mailbox-full",
         kGmail,
         "552 5.2.2 The recipient's inbox is out of storage space and inactive."},
        {"rate",
         kGmail,
         "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents "
         "additional messages from being delivered."},
        {"rate",
         kGmail,
         "421 4.7.28 [192.0.2.1] Our system has detected an unusual rate of unsolicited mail "
         "originating from your IP address."},
        {"spam",
         kGmail,
         "550 5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited "
         "mail."},
        {"authentication",
         kGmail,
         "550 5.7.26 Unauthenticated email from example.net is not accepted due to domain's DMARC "
         "policy."},
        {"authentication",
         kGmail,
         "550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail "
         "requires all senders to authenticate with either SPF or DKIM."},
        {"sender-dns",
         kGmail,
         "550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record "
         "setup"},
        {"tls",
         kGmail,
         "450 4.7.29 This email has been rate limited because this message wasn't sent over a TLS "
         "connection."},
        {"too-large", kGmail, "552 5.3.4 Your message exceeded Google's message size limits."},
        {"content",
         kGmail,
         "552 5.7.0 This message was blocked because its content presents a potential security "
         "issue."},
    };
    for (const Known& one : all) {
        EXPECT_EQ(kind_of(one), one.kind) << one.reply;
    }
}

TEST(Replies, OfOutlook) {
    const std::vector<Known> all{
        {"block-list",
         kHotmail,
         "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your "
         "Internet service provider since part of their network is on our block list (S3140)."},
        {"block-list",
         kOutlook,
         "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this "
         "list please visit https://sender.office.com/"},
        {"block-list",
         kOutlook,
         "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP."},
        {"rate",
         kHotmail,
         "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP "
         "reputation."},
        {"rate",
         kOutlook,
         "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77714)"},
        {"mailbox-unknown",
         kHotmail,
         "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."},
        {"mailbox-unknown",
         kOutlook,
         "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"},
        {"mailbox-unknown",
         kOutlook,
         "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"},
        {"authentication",
         kOutlook,
         "550 5.7.509 Access denied, sending domain example.net does not pass DMARC verification "
         "and has a DMARC policy of reject."},
        {"authentication",
         kHotmail,
         "550 5.7.515 Access denied, sending domain example.net doesn't meet the required "
         "authentication level."},
        {"authentication",
         kOutlook,
         "450 4.7.26 Service does not accept messages sent over IPv6 [2001:db8::1] unless they "
         "pass either SPF or DKIM validation (message not signed)"},
        {"rate", kOutlook, "452 4.5.3 Too many recipients (AS780090)"},
    };
    for (const Known& one : all) {
        EXPECT_EQ(kind_of(one), one.kind) << one.reply;
    }
}

TEST(Replies, OfYahooAndApple) {
    const std::vector<Known> all{
        {"rate",
         kYahoo,
         "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume "
         "or user complaints - 4.16.55.1"},
        {"block-list",
         kYahoo,
         "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in "
         "Spamhaus's list"},
        {"greylist",
         kYahoo,
         "451 4.7.1 [GL01] Message from (192.0.2.1) temporarily deferred - 4.16.50"},
        {"mailbox-unknown",
         kYahoo,
         "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]"},
        {"mailbox-unknown", kYahoo, "552 1 Requested mail action aborted, mailbox not found"},
        {"mailbox-disabled",
         kYahoo,
         "554 30 Sorry, your message to x@yahoo.com cannot be delivered. This mailbox is disabled "
         "(554.30)."},
        {"policy", kYahoo, "554 5.7.9 Message not accepted for policy reasons."},
        {"mailbox-full", "mx01.mail.icloud.com", "552 5.2.2 <x@icloud.com>: user is over quota"},
        {"mailbox-unknown",
         "mx01.mail.icloud.com",
         "550 5.1.1 <x@icloud.com>: user lookup success but no user record found"},
        {"policy", "mx01.mail.icloud.com", "554 5.7.1 [CS01] Message rejected due to local policy."
        },
    };
    for (const Known& one : all) {
        EXPECT_EQ(kind_of(one), one.kind) << one.reply;
    }
}

TEST(Replies, OfPostfixEximAndOthers) {
    const char* const mx = "mx.example.net";
    const std::vector<Known> all{
        {"mailbox-unknown",
         mx,
         "550 5.1.1 <x@example.net>: Recipient address rejected: User unknown in local recipient "
         "table"},
        {"greylist",
         mx,
         "450 4.2.0 <x@example.net>: Recipient address rejected: Greylisted, see "
         "http://postgrey.example/help"},
        {"greylist", mx, "451 4.7.1 Greylisting in action, please come back in 00:05:00"},
        {"block-list",
         mx,
         "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; "
         "https://www.spamhaus.org/query/ip/192.0.2.1"},
        {"sender-dns",
         mx,
         "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]"},
        {"sender-dns", mx, "450 4.1.8 <a@b.example>: Sender address rejected: Domain not found"},
        {"sender-dns", mx, "450 4.7.1 <host>: Helo command rejected: Host not found"},
        {"too-large", mx, "552 5.3.4 Message size exceeds fixed limit"},
        {"system", mx, "452 4.3.1 Insufficient system storage"},
        {"relay", mx, "554 5.7.1 <x@example.net>: Relay access denied"},
        {"tls", mx, "530 5.7.0 Must issue a STARTTLS command first"},
        {"rate", mx, "421 4.7.0 mx.example.net Error: too many connections from 192.0.2.1"},
        {"rate", mx, "450 4.7.1 Error: too much mail from 192.0.2.1"},
        {"mailbox-full", mx, "552 5.2.2 <x@example.net> Quota exceeded (mailbox for user is full)"},
        // Exim
        {"relay", mx, "550 relay not permitted"},
        {"mailbox-unknown", mx, "550 Unrouteable address"},
        {"sender-dns", mx, "550 Sender verify failed"},
        {"rate", mx, "421 Too many concurrent SMTP connections; please try again later."},
        {"mailbox-unknown", mx, "550 No Such User Here"},
        {"spam", mx, "550 This message was classified as SPAM and may not be delivered"},
        {"block-list", mx, "550 rejected because 192.0.2.1 is in a black list at dnsbl.example"},
        {"too-large", mx, "552 message size exceeds maximum permitted"},
        // Others
        {"block-list", mx, "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1"},
        {"authentication", mx, "550 Rejected by header based Anti-Spoofing policy"},
        {"mailbox-unknown", "lsean.ezweb.ne.jp", "550 Invalid recipient: <x@ezweb.ne.jp>"},
        {"mailbox-unknown", "mfsmax.docomo.ne.jp", "550 Unknown user x@docomo.ne.jp"},
        {"domain-unknown", mx, "550 5.1.2 Domain not found"},
        {"loop", mx, "554 5.4.6 Too many hops"},
    };
    for (const Known& one : all) {
        EXPECT_EQ(kind_of(one), one.kind) << one.reply;
    }
}

TEST(Replies, WhereNoWordsHelpTheStatusDecides) {
    const std::vector<Known> all{
        {"mailbox-full", "", "452 4.2.2 no"},
        {"mailbox", "", "450 4.2.9 no"},
        {"no-answer", "", "451 4.4.1 connecting to 192.0.2.1:25: Connection refused"},
        {"dns", "", "451 4.4.3 SERVFAIL"},
        {"tls", "", "450 4.7.0 There is no TLS at mx.example.net"},
        {"policy", "", "550 5.7.1 no"},
        {"refused", "", "554 5.0.0 no"},
        {"refused", "", "554 no"},
        {"other", "", "554 5.9.9 no"},
        {"other", "", "250 2.0.0 fine"},
        {"other", "", ""},
    };
    for (const Known& one : all) {
        EXPECT_EQ(kind_of(one), one.kind) << one.reply;
    }
}

TEST(Replies, EveryKindIsReachedAndNamesAreUnique) {
    std::set<std::string> names;
    std::set<std::string> kinds;
    for (const Rule& rule : Table::built_in()->rules()) {
        EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
        kinds.insert(rule.kind);
    }
    for (const auto& [name, kind] : Table::built_in()->kinds()) {
        EXPECT_TRUE(kinds.contains(name)) << name;
    }
}

TEST(Replies, TheOperatorsFileGoesFirstAndChangesKinds) {
    const auto table = Table::parse(
        "[[kind]]\nname = \"greylist\"\nwhy_en = \"They wait.\"\n"
        "[[kind]]\nname = \"ours\"\nwhy_en = \"a\"\ntodo_en = \"b\"\nwhy_ja = \"c\"\ntodo_ja = "
        "\"d\"\n"
        "wait_min = \"1h\"\n"
        "[[reply]]\nname = \"local\"\nkind = \"ours\"\nhosts = [\".Example.net\"]\n"
        "texts = [\"Please * later\"]\ncodes = [\"5\"]\ntreat = \"later\"\nwait_max = \"5m\"\n",
        "r.toml",
        Table::built_in().get()
    );
    ASSERT_TRUE(table) << table.error().message;
    const auto find = [&](const char* reply, const char* host) {
        return (*table)->find({.reply = reply, .host = host});
    };
    const Meaning local = find("550 5.1.1 PLEASE come back LATER", "MX.example.net");
    EXPECT_EQ(local.rule, "local");
    EXPECT_EQ(local.kind.name, "ours");
    EXPECT_EQ(local.kind.treat, Treat::Later);
    EXPECT_EQ(local.kind.wait_min, Duration{3'600'000});
    EXPECT_EQ(local.kind.wait_max, Duration{300'000});
    EXPECT_EQ(find("550 5.1.1 please come later", "example.net").kind.name, "mailbox-unknown");
    EXPECT_EQ(find("450 4.1.1 please come later", "mx.example.net").kind.name, "mailbox-unknown");
    const Kind greylist = find("450 greylisted", "").kind;
    EXPECT_EQ(greylist.why_en, "They wait.");
    EXPECT_EQ(greylist.wait_max, Duration{600'000}) << "what isn't said stays";
}

TEST(Replies, WhatIsWrongIsNamedWithItsLine) {
    const auto wrong = [](const std::string& text) {
        const auto table = Table::parse(text, "r.toml", Table::built_in().get());
        return table ? "" : table.error().message;
    };
    const std::string rule = "[[reply]]\nname = \"a\"\nkind = \"spam\"\n";
    EXPECT_EQ(wrong(rule), "");
    EXPECT_TRUE(wrong("x = 1\n").starts_with("r.toml:1: x: expected [[kind]]"));
    EXPECT_TRUE(wrong("[[reply]\n").starts_with("r.toml:1: "));
    EXPECT_EQ(wrong(rule + "codes = [\"6\"]\n"), "r.toml:4: reply.codes: \"6\" can't be meant");
    EXPECT_TRUE(wrong(rule + "statuses = [\"5.1\"]\n").contains("reply.statuses"));
    EXPECT_TRUE(wrong(rule + "texts = [\"*\"]\n").contains("reply.texts"));
    EXPECT_TRUE(wrong(rule + "texts = []\n").contains("expected a list"));
    EXPECT_TRUE(wrong(rule + "hosts = [\"a b\"]\n").contains("reply.hosts"));
    EXPECT_TRUE(wrong(rule + "treat = \"never\"\n").contains("as-said"));
    EXPECT_TRUE(wrong(rule + "wait_min = \"2d\"\n").contains("up to a day"));
    EXPECT_TRUE(wrong(rule + "colour = \"red\"\n").contains("unknown key"));
    EXPECT_TRUE(wrong("[[reply]]\nname = \"a\"\nkind = \"x\"\n").contains("is not known"));
    EXPECT_TRUE(wrong("[[reply]]\nkind = \"spam\"\n").contains("name is missing"));
    EXPECT_TRUE(wrong("[[kind]]\nname = \"new\"\nwhy_en = \"a\"\n").contains("are needed"));
}

TEST(Replies, WhatAnEventTells) {
    const Question said = said_in(
        "delivery time expired; last: 550 5.1.1 no (x) y (mx.spam.example[192.0.2.1]:25, no TLS)"
    );
    EXPECT_EQ(said.reply, "550 5.1.1 no (x) y");
    EXPECT_EQ(said.host, "mx.spam.example");
    EXPECT_EQ(said_in("550 no (a b[c])").reply, "550 no (a b[c])");
    EXPECT_EQ(said_in("").reply, "");
}

TEST(Replies, StarsStandForAnything) {
    EXPECT_TRUE(has_pattern("you have exceeded your quota", "exceeded*quota"));
    EXPECT_TRUE(has_pattern("exceededquota", "*exceeded*quota*"));
    EXPECT_FALSE(has_pattern("quota exceeded", "exceeded*quota"));
    EXPECT_FALSE(has_pattern("ab", "ab*b"));
}

}  // namespace
}  // namespace sekisho::replies

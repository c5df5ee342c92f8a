#include "message/repair.h"

#include "base/time.h"
#include "message/header.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::message {
namespace {

RepairOptions options() {
    return {
        .now = *parse_rfc3339("2026-11-24T13:53:24Z"),
        .host = "mail.example.net",
        .id_token = "4GqX2nK0.token",
        .account_address = "taro@example.net",
    };
}

std::string repaired(const std::string& message, const std::string& trace = "") {
    const Header header = Header::scan(message);
    return assemble(message, header, trace, plan_repair(header, options()));
}

std::string rewritten(const std::string& fields) {
    RepairOptions rewriting = options();
    rewriting.rewrite_from = true;
    const std::string message =
        fields + "Date: Tue, 24 Nov 2026 13:53:24 +0000\r\nMessage-ID: <1@x>\r\n\r\n";
    const Header header = Header::scan(message);
    const std::string out = assemble(message, header, "", plan_repair(header, rewriting));
    return out.substr(0, out.find("Date:"));
}

TEST(Repair, RewritesFromAndKeepsWhoIsAnswered) {
    EXPECT_EQ(
        rewritten("From: \"Scanner, 2nd \\\"floor\\\"\" <scan@Old.example.org>\r\nSender: x@y.z\r\n"
        ),
        "From: \"Scanner, 2nd \\\"floor\\\"\" <taro@example.net>\r\n"
        "Reply-To: scan@old.example.org\r\n"
    );
    EXPECT_EQ(
        rewritten("From: root@localhost\r\nSubject: x\r\n"),
        "From: taro@example.net\r\nSubject: x\r\n"
    ) << "nobody can answer to localhost";
    EXPECT_EQ(
        rewritten("Reply-To: me@a.example\r\nFrom: =?utf-8?B?5bGx55Sw?= <y@b.example>\r\n"),
        "From: =?utf-8?B?5bGx55Sw?= <taro@example.net>\r\nReply-To: me@a.example\r\n"
    );
    EXPECT_EQ(
        rewritten("From: a@b.example, c@d.example\r\n"),
        "From: taro@example.net\r\nReply-To: a@b.example, c@d.example\r\n"
    );
    EXPECT_EQ(
        rewritten("From: 山田 <y@b.example>\r\n"),
        "From: =?UTF-8?B?5bGx55Sw?= <taro@example.net>\r\nReply-To: y@b.example\r\n"
    );
    EXPECT_EQ(rewritten("From: (((\r\n"), "From: taro@example.net\r\n");
    EXPECT_EQ(rewritten(""), "From: taro@example.net\r\n") << "none was there";
}

TEST(Inspect, ReadsWhatLimitsAndTraceNeed) {
    const std::string message =
        "Received: x\r\nReceived: y\r\nFrom: =?utf-8?B?5bGx55Sw?= <taro@Example.net>,\r\n"
        " hanako@example.org\r\nSender: taro@example.net\r\nTo: a@b.c\r\nTo: d@e.f\r\n"
        "Message-ID: (c) <1.2@pc>\r\nSubject: =?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=\r\n"
        "Date: Tue, 24 Nov 2026 13:53:24 +0000\r\nbcc: z@example.net\r\n\r\nhi\r\n";
    const Inspection found = inspect(Header::scan(message));
    EXPECT_EQ(found.message_id, "<1.2@pc>");
    EXPECT_EQ(found.from, (std::vector<std::string>{"taro@example.net", "hanako@example.org"}));
    EXPECT_TRUE(found.from_well_formed);
    EXPECT_EQ(found.sender, "taro@example.net");
    EXPECT_EQ(found.subject, "こんにちは");
    EXPECT_TRUE(found.has_date);
    EXPECT_TRUE(found.has_bcc);
    EXPECT_EQ(found.received, 2U);
    EXPECT_EQ(found.repeated, (std::vector<std::string>{"To"}));
}

TEST(Inspect, TwoFromFieldsAreSeenAndNotWellFormed) {
    const std::string message = "From: a@b.c\r\nFrom: d@e.f\r\n\r\n";
    const Inspection found = inspect(Header::scan(message));
    EXPECT_EQ(found.from, (std::vector<std::string>{"a@b.c", "d@e.f"}));
    EXPECT_FALSE(found.from_well_formed);
    EXPECT_FALSE(inspect(Header::scan("From: nobody\r\n\r\n")).from_well_formed);
    EXPECT_FALSE(inspect(Header::scan("To: a@b.c\r\n\r\n")).has_from);
}

TEST(Inspect, UnreadableMessageIdsAreNone) {
    for (const std::string& id : std::vector<std::string>{
             "1.2@pc", "<>", "<a b@c>", "<open@x", "<" + std::string(950, 'x') + ">"
         }) {
        const std::string message = "Message-ID: " + id + "\r\n\r\n";
        EXPECT_EQ(inspect(Header::scan(message)).message_id, "") << id;
    }
}

TEST(Repair, AddsOnlyWhatIsMissing) {
    EXPECT_EQ(
        repaired("To: a@b.c\r\n\r\nhi\r\n", "Received: trace\r\n"),
        "Received: trace\r\nDate: Tue, 24 Nov 2026 13:53:24 +0000\r\nFrom: taro@example.net\r\n"
        "Message-ID: <4GqX2nK0.token@mail.example.net>\r\nTo: a@b.c\r\n\r\nhi\r\n"
    );
    const std::string whole =
        "From: taro@example.net\r\nDate: Tue, 24 Nov 2026 13:53:24 +0000\r\nMessage-ID: "
        "<a@b>\r\n\r\nhi\r\n";
    EXPECT_EQ(repaired(whole), whole);
}

TEST(Repair, WritesDateAndMessageIdAnewWhereNoneCanReadThem) {
    const std::string message =
        "From: a@b.c\r\nDate: yesterday\r\nSubject: s\r\nMessage-ID: odd\r\n\r\n";
    EXPECT_EQ(
        repaired(message),
        "Date: Tue, 24 Nov 2026 13:53:24 +0000\r\n"
        "Message-ID: <4GqX2nK0.token@mail.example.net>\r\nFrom: a@b.c\r\nSubject: s\r\n\r\n"
    );
    const std::string of_others = "DKIM-Signature: v=1\r\n" + message;
    EXPECT_EQ(repaired(of_others), of_others) << "what somebody signed stays";
}

TEST(Repair, AddressesAreWrittenAsOthersExpectThem) {
    RepairOptions here = options();
    here.domain = "example.net";
    const auto fields = [&here](const std::string& text) {
        const std::string message =
            text + "Date: Tue, 24 Nov 2026 13:53:24 +0000\r\nMessage-ID: <1@x>\r\n\r\n";
        const Header header = Header::scan(message);
        const std::string out = assemble(message, header, "", plan_repair(header, here));
        return out.substr(0, out.find("Date:"));
    };
    EXPECT_EQ(fields("From: a@b.c\r\nSender: \"A\" <a@B.c>\r\n"), "From: a@b.c\r\n")
        << "it repeats the author";
    EXPECT_EQ(fields("From: a@b.c\r\nSender: (((\r\n"), "From: a@b.c\r\n");
    EXPECT_EQ(
        fields("From: a@b.c, d@e.f\r\nSender: (((\r\n"),
        "Sender: taro@example.net\r\nFrom: a@b.c, d@e.f\r\n"
    );
    EXPECT_EQ(fields("From: a@b.c\r\nCc:\r\nReply-To: \r\n"), "From: a@b.c\r\n");
    EXPECT_EQ(
        fields("From: a@b.c\r\nTo: root, web-master\r\n"),
        "To: root@example.net, web-master@example.net\r\nFrom: a@b.c\r\n"
    );
    EXPECT_EQ(
        fields("From: a@b.c\r\nTo: Undisclosed Recipients\r\n"),
        "To: undisclosed-recipients:;\r\nFrom: a@b.c\r\n"
    );
    EXPECT_EQ(
        fields("From: a@b.c\r\nTo: undisclosed-recipients:;\r\nCc: x@y.z\r\n"),
        "From: a@b.c\r\nTo: undisclosed-recipients:;\r\nCc: x@y.z\r\n"
    );
}

TEST(Repair, SeveralAuthorsGetASender) {
    const std::string message =
        "From: a@b.c, d@e.f\r\nDate: Tue, 24 Nov 2026 13:53:24 +0000\r\nMessage-ID: "
        "<a@b>\r\n\r\nhi";
    EXPECT_EQ(repaired(message), "Sender: taro@example.net\r\n" + message);
    const std::string with = "Sender: a@b.c\r\n" + message;
    EXPECT_EQ(repaired(with), with);
}

TEST(Repair, TakesOutBccWithItsFoldsAndReturnPath) {
    EXPECT_EQ(
        repaired("From: a@b.c\r\nBcc: x@y.z,\r\n w@v.u\r\nDate: Tue, 24 Nov 2026 13:53:24 "
                 "+0000\r\nRESENT-BCC: q@r.s\r\n"
                 "Return-Path: <e@f.g>\r\nMessage-ID: <a@b>\r\n\r\nBcc: stays in the body\r\n"),
        "From: a@b.c\r\nDate: Tue, 24 Nov 2026 13:53:24 +0000\r\nMessage-ID: <a@b>\r\n\r\nBcc: "
        "stays in the body\r\n"
    );
}

TEST(Repair, ABodyNeverRunsIntoTheHeader) {
    const std::string added =
        "Date: Tue, 24 Nov 2026 13:53:24 +0000\r\nFrom: taro@example.net\r\n"
        "Message-ID: <4GqX2nK0.token@mail.example.net>\r\n";
    EXPECT_EQ(repaired("just text\r\nBcc: x\r\n"), added + "\r\njust text\r\nBcc: x\r\n");
    EXPECT_EQ(repaired("To: a@b.c"), added + "To: a@b.c\r\n\r\n");
    EXPECT_EQ(repaired(""), added + "\r\n");
    EXPECT_EQ(repaired("From me Tue Nov 24\r\nTo: a@b.c\r\n\r\nx"), added + "To: a@b.c\r\n\r\nx");
}

TEST(Repair, TheExchangeAddsNothingButItsTrace) {
    const std::string message = "To: a@b.c\r\nBcc: x@y.z\r\n\r\nhi\r\n";
    EXPECT_EQ(
        assemble(message, Header::scan(message), "Received: t\r\n"), "Received: t\r\n" + message
    );
}

TEST(Repair, RemovesFieldsByTheirPlace) {
    const std::string message = "A: 1\r\nB: 2\r\n 3\r\nA: 4\r\n\r\nA: 5\r\n";
    Repaired plan;
    plan.removed = {1, 2};
    EXPECT_EQ(
        assemble(message, Header::scan(message), "Received: t\r\n", plan),
        "Received: t\r\nA: 1\r\n\r\nA: 5\r\n"
    );
}

}  // namespace
}  // namespace sekisho::message

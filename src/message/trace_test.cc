#include "message/trace.h"

#include "base/ip.h"
#include "base/time.h"
#include "message/header.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::message {
namespace {

Reception submission() {
    Reception reception;
    reception.helo = "pc.home.example";
    reception.client = *IpAddress::parse("198.51.100.7");
    reception.reverse_name = "ppp7.dyn.example.net";
    reception.by = "mail.example.net";
    reception.queue_id = "4GqX2nK0";
    reception.tls = true;
    reception.authenticated = true;
    reception.tls_version = "TLSv1.3";
    reception.tls_cipher = "TLS_AES_256_GCM_SHA384";
    reception.recipients = {"hanako@example.org"};
    reception.at = *parse_rfc3339("2026-11-24T13:53:24Z");
    return reception;
}

TEST(Received, SaysWhoFromHowAndWhen) {
    EXPECT_EQ(
        received_field(submission()),
        "Received: from pc.home.example (ppp7.dyn.example.net [198.51.100.7]) (using\r\n"
        " TLSv1.3 with cipher TLS_AES_256_GCM_SHA384) by mail.example.net (Sekisho)\r\n"
        " with ESMTPSA id 4GqX2nK0 for <hanako@example.org>; Tue, 24 Nov 2026 13:53:24\r\n"
        " +0000\r\n"
    );
}

TEST(Received, NoRecipientLearnsOfAnother) {
    Reception reception = submission();
    reception.recipients = {"a@example.org", "b@example.org"};
    const std::string field = received_field(reception);
    EXPECT_EQ(field.find("for <"), std::string::npos);
    EXPECT_EQ(field.find("example.org"), std::string::npos);
}

TEST(Received, HidesTheClientWhenAsked) {
    Reception reception = submission();
    reception.hide_client = true;
    const std::string written = received_field(reception);
    const std::string field = Header::scan(written).fields()[0].value();
    EXPECT_EQ(field.find("198.51.100.7"), std::string::npos);
    EXPECT_EQ(field.find("home"), std::string::npos);
    EXPECT_EQ(field.find("dyn"), std::string::npos);
    EXPECT_NE(field.find("from hidden.invalid"), std::string::npos);
    EXPECT_NE(field.find("id 4GqX2nK0"), std::string::npos);
}

TEST(Received, AGreetingCanForgeNothing) {
    for (const std::string helo :
         {"a b", "x\r\nEvil: yes", "x) by evil (y", "[not an address]", "", "\xe3\x81\x82", "a\\"
         }) {
        Reception reception = submission();
        reception.helo = helo;
        const std::string field = received_field(reception);
        const Header header = Header::scan(field);
        EXPECT_EQ(header.fields().size(), 1U) << helo;
        const std::string value = header.fields()[0].value();
        EXPECT_TRUE(value.starts_with("from [198.51.100.7] (ppp7.dyn.example.net [198.51.100.7])"))
            << value;
        EXPECT_EQ(value.find(" by evil"), std::string::npos);
    }
    Reception reception = submission();
    reception.helo = "[IPv6:2001:db8::1]";
    reception.client = *IpAddress::parse("2001:db8::1");
    reception.reverse_name = "";
    EXPECT_TRUE(received_field(reception).starts_with(
        "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])"
    ));
}

TEST(Received, ProtocolNamesAreTheRegisteredOnes) {
    struct Case {
        bool extended, tls, authenticated, lmtp, utf8;
        const char* name;
    };
    const std::vector<Case> cases{
        {false, false, false, false, false, "SMTP"},
        {true, false, false, false, false, "ESMTP"},
        {true, true, false, false, false, "ESMTPS"},
        {true, false, true, false, false, "ESMTPA"},
        {true, true, true, false, false, "ESMTPSA"},
        {true, true, true, false, true, "UTF8SMTPSA"},
        {true, false, false, false, true, "UTF8SMTP"},
        {true, true, false, true, false, "LMTPS"},
        {true, false, false, true, true, "UTF8LMTP"},
    };
    for (const Case& c : cases) {
        Reception reception;
        reception.extended = c.extended;
        reception.tls = c.tls;
        reception.authenticated = c.authenticated;
        reception.lmtp = c.lmtp;
        reception.smtputf8 = c.utf8;
        EXPECT_EQ(with_protocol(reception), c.name);
    }
}

TEST(Received, LinesStayWithin78) {
    const std::string field = received_field(submission());
    std::size_t start = 0;
    for (std::size_t end = field.find("\r\n"); end != std::string::npos;
         end = field.find("\r\n", start)) {
        EXPECT_LE(end - start, 78U);
        start = end + 2;
    }
}

TEST(ReturnPath, IsWrittenForNullToo) {
    EXPECT_EQ(return_path_field("a@example.net"), "Return-Path: <a@example.net>\r\n");
    EXPECT_EQ(return_path_field(""), "Return-Path: <>\r\n");
}

}  // namespace
}  // namespace sekisho::message

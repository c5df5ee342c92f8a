#include "message/arf.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::message {
namespace {

// The shape of RFC 5965 §B.2.
std::string report(const std::string& original, const std::string& type = "abuse") {
    return "From: <abusedesk@example.com>\r\nTo: <fbl@example.net>\r\nSubject: FW: Earn money\r\n"
           "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report;\r\n"
           "     boundary=\"part1_13d.2e68ed54_boundary\"\r\n\r\n"
           "--part1_13d.2e68ed54_boundary\r\nContent-Type: text/plain; charset=\"US-ASCII\"\r\n\r\n"
           "This is an email abuse report.\r\n\r\n"
           "--part1_13d.2e68ed54_boundary\r\nContent-Type: message/feedback-report\r\n\r\n"
           "Feedback-Type: " +
           type +
           "\r\nUser-Agent: SomeGenerator/1.0\r\nVersion: 1\r\n"
           "Original-Mail-From: <taro@example.net>\r\nOriginal-Rcpt-To: <user@example.com>\r\n"
           "Source-IP: 192.0.2.1\r\n\r\n"
           "--part1_13d.2e68ed54_boundary\r\n" +
           original + "\r\n--part1_13d.2e68ed54_boundary--\r\n";
}

TEST(Arf, ReadsWhoComplainsAboutWhat) {
    const auto complaint = parse_complaint(report(
        "Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n"
        "Received: from mail.example.net by mx.example.com with ESMTP id M63d4137594e46;\r\n"
        "  Thu, 08 Mar 2005 14:00:00 -0400\r\n"
        "Received: from pc (pc [192.0.2.1]) by mail.example.net with ESMTPSA\r\n id 0c4x8k2m1q;\r\n"
        " Thu, 08 Mar 2005 13:59:59 -0400\r\n"
        "Message-ID: <8787KJKJ3K4J3K4J3K4J3.mail@example.net>\r\nSubject: =?utf-8?B?44GE?=\r\n\r\nx"
    ));
    ASSERT_TRUE(complaint) << complaint.error().message;
    EXPECT_EQ(complaint->type, "abuse");
    EXPECT_EQ(complaint->user_agent, "SomeGenerator/1.0");
    EXPECT_EQ(complaint->mail_from, "taro@example.net");
    ASSERT_EQ(complaint->rcpt_to.size(), 1U);
    EXPECT_EQ(complaint->rcpt_to[0], "user@example.com");
    EXPECT_EQ(complaint->source_ip, "192.0.2.1");
    EXPECT_EQ(complaint->message_id, "<8787KJKJ3K4J3K4J3K4J3.mail@example.net>");
    ASSERT_EQ(complaint->queue_ids.size(), 2U);
    EXPECT_EQ(complaint->queue_ids[1], "0c4x8k2m1q");
    EXPECT_EQ(complaint->subject, "い");
}

TEST(Arf, ReadsWhatCouldNotBeAuthenticated) {
    const auto told = parse_complaint(
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: auth-failure\r\nUser-Agent: R/1\r\nVersion: 1\r\n"
        "Auth-Failure: DMARC\r\nReported-Domain: Example.NET\r\nDelivery-Result: reject\r\n"
        "Source-IP: 192.0.2.9\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <1@x>\r\n\r\n--b--\r\n"
    );
    ASSERT_TRUE(told) << told.error().message;
    EXPECT_EQ(told->type, "auth-failure");
    EXPECT_EQ(told->auth_failure, "dmarc");
    EXPECT_EQ(told->reported_domain, "example.net");
    EXPECT_EQ(told->delivery_result, "reject");
    EXPECT_EQ(told->source_ip, "192.0.2.9");
}

TEST(Arf, HeadersAloneAndBase64) {
    const auto headers = parse_complaint(
        report("Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <a@b>\r\n", "Fraud")
    );
    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->type, "fraud");
    EXPECT_EQ(headers->message_id, "<a@b>");
    const auto packed = parse_complaint(
        report("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: base64\r\n\r\n"
               "TWVzc2FnZS1JRDogPGNA\r\nZD4NCg==\r\n")
    );
    ASSERT_TRUE(packed);
    EXPECT_EQ(packed->message_id, "<c@d>");
}

TEST(Arf, OtherMailIsNoComplaint) {
    EXPECT_EQ(
        parse_complaint("Subject: x\r\n\r\nFeedback-Type: abuse\r\n").error().message,
        "it is no multipart/report of report-type feedback-report"
    );
    EXPECT_FALSE(parse_complaint(""));
    EXPECT_EQ(
        parse_complaint("Content-Type: multipart/report; boundary=x; report-type=feedback-report"
                        "\r\n\r\n--x\r\n\r\nhello\r\n--x--\r\n")
            .error()
            .message,
        "it has no message/feedback-report with a Feedback-Type"
    );
}

}  // namespace
}  // namespace sekisho::message

#include "report/failure.h"

#include "base/time.h"
#include "message/arf.h"
#include "report/dmarc.h"
#include "report/letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::report {
namespace {

using testing::HasSubstr;
using testing::Not;

const Time kNow = from_ms(1'795'000'000'000);
constexpr const char* kHeader =
    "Received: from a by b; Fri, 27 Nov 2026 00:00:00 +0000\r\n"
    "From: \"Boss\" <boss@bank.example>\r\nTo: taro@example.net\r\nSubject: secret plans\r\n"
    "Date: Fri, 27 Nov 2026 00:00:00 +0000\r\nMessage-ID: <m1@bank.example>\r\n"
    "DKIM-Signature: v=1; d=bank.example; s=k; i=boss@bank.example; b=abcd\r\n\r\n";

DmarcSeen seen() {
    DmarcSeen out;
    out.policy.domain = out.organization = "bank.example";
    out.ruf = {"mailto:ruf@bank.example"};
    out.row.source = "198.51.100.66";
    out.row.header_from = "bank.example";
    out.row.disposition = "reject";
    out.row.spf.push_back({"forger.example", "", "mfrom", "fail", ""});
    out.row.dkim.push_back({"bank.example", "k", "", "fail", "body hash"});
    out.header = kHeader;
    return out;
}

Letter letter() {
    return failure_letter(
        seen(),
        {"id1@example.net", "key", "mail.example.net"},
        {"ruf@bank.example"},
        {"Example Net", "reports@example.net", "example.net", "mail.example.net"},
        kNow
    );
}

TEST(Failure, TheRecordSaysOfWhichMessages) {
    DmarcRow row;
    EXPECT_TRUE(wants_failure("0", row));
    EXPECT_FALSE(wants_failure("s:d", row)) << "nothing was evaluated";
    row.spf_aligned = true;
    EXPECT_FALSE(wants_failure("0", row));
    EXPECT_TRUE(wants_failure("1", row));
    row.dkim_aligned = true;
    EXPECT_FALSE(wants_failure("0:1", row));
    row.dkim.push_back({"a.example", "k", "", "fail", ""});
    EXPECT_TRUE(wants_failure("0:d", row));
    row.spf.push_back({"a.example", "", "mfrom", "softfail", ""});
    EXPECT_TRUE(wants_failure("s", row));
}

TEST(Failure, IsReadAsOthersAreRead) {
    const Letter made = letter();
    const auto read = message::parse_complaint(made.message);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->type, "auth-failure");
    EXPECT_EQ(read->auth_failure, "dmarc");
    EXPECT_EQ(read->reported_domain, "bank.example");
    EXPECT_EQ(read->delivery_result, "reject");
    EXPECT_EQ(read->source_ip, "198.51.100.66");
    EXPECT_EQ(read->message_id, "<m1@bank.example>");
    EXPECT_TRUE(is_own_letter(made.message_id));
    EXPECT_THAT(made.message, HasSubstr("Identity-Alignment: none\r\n"));
    EXPECT_THAT(made.message, HasSubstr("DKIM-Selector: k\r\n"));
}

TEST(Failure, TellsNobodysNameSubjectOrRecipient) {
    const std::string message = letter().message;
    for (const char* secret : {"Boss", "boss@", "taro", "secret plans", "Received: from a"}) {
        EXPECT_THAT(message, Not(HasSubstr(secret)));
    }
    const std::string once = redacted_header(kHeader, "key");
    EXPECT_THAT(once, HasSubstr("@bank.example>"));
    EXPECT_EQ(redacted_header(kHeader, "key"), once) << "the same author is the same digest";
    EXPECT_NE(redacted_header(kHeader, "other"), once);
}

TEST(Failure, OnlySoManyADay) {
    FailureQuota quota;
    EXPECT_TRUE(quota.take("a.example", 2, kNow));
    EXPECT_TRUE(quota.take("a.example", 2, kNow));
    EXPECT_FALSE(quota.take("a.example", 2, kNow));
    EXPECT_TRUE(quota.take("b.example", 2, kNow));
    EXPECT_TRUE(quota.take("a.example", 2, kNow + std::chrono::hours(24)));
}

}  // namespace
}  // namespace sekisho::report

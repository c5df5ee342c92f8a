#include "mail/alignment.h"

#include "base/time.h"
#include "dmarc/check.h"
#include "message/header.h"
#include "spf/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

Alignment found(spf::Code spf, dmarc::Result dmarc, dmarc::Policy policy, bool dkim = false) {
    Alignment out;
    out.domain = "corp.example.com";
    out.spf.result = spf;
    out.dkim = dkim;
    out.dmarc.result = dmarc;
    out.dmarc.policy = out.dmarc.disposition = policy;
    out.outlook = outlook_of(out);
    return out;
}

TEST(Alignment, WhatBecomesOfTheMail) {
    using dmarc::Policy;
    using spf::Code;
    using R = dmarc::Result;
    EXPECT_EQ(found(Code::Pass, R::Pass, Policy::None).outlook, Outlook::Passes);
    EXPECT_EQ(found(Code::Pass, R::None, Policy::None).outlook, Outlook::Passes);
    EXPECT_EQ(found(Code::Fail, R::Pass, Policy::None, true).outlook, Outlook::Passes);
    EXPECT_EQ(found(Code::None, R::None, Policy::None).outlook, Outlook::Unaligned);
    EXPECT_EQ(found(Code::SoftFail, R::Fail, Policy::None).outlook, Outlook::Unaligned);
    EXPECT_EQ(found(Code::Fail, R::None, Policy::None).outlook, Outlook::Doubtful);
    EXPECT_EQ(found(Code::SoftFail, R::Fail, Policy::Quarantine).outlook, Outlook::Doubtful);
    EXPECT_EQ(found(Code::None, R::Fail, Policy::Reject).outlook, Outlook::Rejected);
    // SPF passes for the envelope, which isn't in alignment with From.
    EXPECT_EQ(found(Code::Pass, R::Fail, Policy::Reject).outlook, Outlook::Rejected);
    EXPECT_EQ(found(Code::TempError, R::None, Policy::None).outlook, Outlook::Unknown);
    EXPECT_EQ(found(Code::Pass, R::TempError, Policy::None).outlook, Outlook::Unknown);
    EXPECT_FALSE(harms(Outlook::Unknown));
    EXPECT_FALSE(harms(Outlook::Unaligned));
    EXPECT_TRUE(harms(Outlook::Doubtful));
}

TEST(Alignment, SaysWhatToUseInstead) {
    Alignment rejected = found(spf::Code::None, dmarc::Result::Fail, dmarc::Policy::Reject);
    EXPECT_THAT(explain_en(rejected, "Example Net"), HasSubstr("p=reject"));
    EXPECT_THAT(explain_en(rejected, "Example Net"), HasSubstr("ask them for its settings"));
    rejected.services.push_back({"smtp.corp.example.com", 465, true});
    EXPECT_THAT(
        explain_en(rejected, "Example Net"), HasSubstr("smtp.corp.example.com, port 465, SSL/TLS")
    );
    EXPECT_THAT(
        explain_ja(rejected, "例ネット"), HasSubstr("smtp.corp.example.com（ポート 465、SSL/TLS）")
    );
    const smtp::Reply reply = unaligned_reply(rejected, "https://guide.example.net");
    EXPECT_EQ(reply.code, 550);
    EXPECT_THAT(reply.text(), HasSubstr("p=reject; send through smtp.corp.example.com port 465"));
    const Alignment passes = found(spf::Code::Pass, dmarc::Result::Pass, dmarc::Policy::None);
    EXPECT_THAT(explain_en(passes, "Example Net"), Not(HasSubstr("instead")));
}

TEST(Alignment, LettersAreWholeMessages) {
    const LetterOptions options{
        "mail.example.net",
        "postmaster@mail.example.net",
        "Example Net",
        "例ネット",
        "help@example.net",
        "https://guide.example.net"
    };
    const Letter letter = code_letter(
        "taro@corp.example.com", "taro", "abcd-efgh", options, "u", from_ms(1'764'000'000'000)
    );
    const auto header = message::Header::scan(letter.message);
    EXPECT_TRUE(header.complete());
    EXPECT_TRUE(header.has_separator());
    EXPECT_EQ(header.count("From"), 1U);
    EXPECT_EQ(letter.message_id, "<sendas.u@mail.example.net>");
    EXPECT_THAT(letter.message, HasSubstr("To: taro@corp.example.com\r\n"));
    EXPECT_THAT(letter.message, HasSubstr("Auto-Submitted: auto-generated\r\n"));
}

}  // namespace
}  // namespace sekisho::mail

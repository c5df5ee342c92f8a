#include "mail/dmarc_seen.h"

#include "base/ip.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "dmarc/record.h"
#include "mail/authenticity.h"
#include "report/dmarc.h"
#include "smtp/address.h"
#include "spf/check.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace sekisho::mail {
namespace {

config::Mail mail(const char* dmarc) {
    config::Mail out;
    out.hostname = "mx.our.example";
    out.dmarc = dmarc;
    return out;
}

Findings found(dmarc::Result result, const char* record) {
    Findings out;
    out.spf_query = spf_query(
        *IpAddress::parse("192.0.2.1"),
        "mta.example.net",
        smtp::Address{"a", "Bulk.example"},
        "mx.our.example",
        Time{}
    );
    out.spf.emplace();
    out.spf->result = spf::Code::Pass;
    out.spf->domain = "bulk.example";
    out.signatures.push_back(
        {dmarc::Status::Other, "fail", "example.net", "s1", "rsa-sha256", "abcd", "body hash"}
    );
    out.signatures.push_back(
        {dmarc::Status::Pass, "pass", "bulk.example", "s2", "rsa-sha256", "efgh", ""}
    );
    out.dmarc.emplace();
    out.dmarc->result = result;
    out.dmarc->author = "news.example.net";
    out.dmarc->policy_domain = "example.net";
    out.dmarc->organization = "example.net";
    out.dmarc->record = dmarc::parse_record(record);
    out.dmarc->policy = out.dmarc->record->policy;
    out.dmarc->testing = out.dmarc->record->testing;
    if (result == dmarc::Result::Fail) {
        out.dmarc->disposition = out.dmarc->policy;
    }
    return out;
}

// "disposition: reason (comment), ..."
std::string judged(const Findings& findings, const char* mode, bool refused = false) {
    const auto seen =
        dmarc_seen(findings, mail(mode), *IpAddress::parse("192.0.2.1"), "our.example", refused);
    if (!seen) {
        return "nothing";
    }
    std::string out = seen->row.disposition;
    for (const report::Override& one : seen->row.reasons) {
        out += ", " + one.type + (one.comment.empty() ? "" : " (" + one.comment + ")");
    }
    return out;
}

constexpr const char* kReject = "v=DMARC1; p=reject; sp=none; aspf=s; rua=mailto:d@example.net";

TEST(DmarcSeen, SaysAllThatARecordNeeds) {
    const auto seen = dmarc_seen(
        found(dmarc::Result::Fail, kReject),
        mail("enforce"),
        *IpAddress::parse("192.0.2.1"),
        "Our.example",
        true
    );
    ASSERT_TRUE(seen);
    EXPECT_EQ(
        seen->policy,
        (report::DmarcPolicy{"example.net", "treewalk", "reject", "none", "none", "r", "s", "", "n"}
        )
    );
    EXPECT_EQ(seen->rua, std::vector<std::string>{"mailto:d@example.net"});
    const report::DmarcRow& row = seen->row;
    EXPECT_EQ(row.source, "192.0.2.1");
    EXPECT_EQ(row.disposition, "reject");
    EXPECT_EQ(row.header_from, "news.example.net");
    EXPECT_EQ(row.envelope_from, "bulk.example");
    EXPECT_EQ(row.envelope_to, "our.example");
    EXPECT_FALSE(row.passed());
    ASSERT_EQ(row.dkim.size(), 2U);
    EXPECT_EQ(row.dkim[0], (report::AuthResult{"bulk.example", "s2", "", "pass", ""}))
        << "what passes comes first";
    EXPECT_EQ(row.dkim[1], (report::AuthResult{"example.net", "s1", "", "fail", "body hash"}));
    ASSERT_EQ(row.spf.size(), 1U);
    EXPECT_EQ(row.spf[0], (report::AuthResult{"bulk.example", "", "mfrom", "pass", ""}));
}

TEST(DmarcSeen, WhatWasDoneAndWhyItIsNotWhatThePolicyAsks) {
    const Findings reject = found(dmarc::Result::Fail, kReject);
    EXPECT_EQ(judged(reject, "enforce", true), "reject");
    EXPECT_EQ(
        judged(reject, "record"), "none, local_policy (policies are recorded here, not enforced)"
    );
    Findings vouched = reject;
    vouched.chain.emplace();
    vouched.chain->result = arc::Result::Pass;
    vouched.chain->sealers.push_back(
        {"list.example", "s", "mx.list.example", "dmarc=pass header.from=news.example.net"}
    );
    config::Mail trusting = mail("enforce");
    trusting.arc_trusted = {"list.example"};
    const auto seen = dmarc_seen(vouched, trusting, *IpAddress::parse("192.0.2.1"), "", false);
    EXPECT_EQ(
        seen->row.reasons.front(),
        (report::Override{"local_policy", "arc=pass as[1].d=list.example as[1].s=s"})
    );
    EXPECT_EQ(
        judged(found(dmarc::Result::Fail, "v=DMARC1; p=quarantine; rua=mailto:a@b.c"), "enforce"),
        "quarantine"
    );
    Findings testing = found(dmarc::Result::Fail, "v=DMARC1; p=quarantine; t=y; rua=mailto:a@b.c");
    testing.dmarc->disposition = dmarc::Policy::None;
    EXPECT_EQ(judged(testing, "enforce"), "none, policy_test_mode");
    EXPECT_EQ(judged(found(dmarc::Result::Pass, kReject), "record"), "pass");
    EXPECT_EQ(
        judged(found(dmarc::Result::Pass, "v=DMARC1; p=none; rua=mailto:a@b.c"), "record"), "none"
    );
    EXPECT_EQ(
        judged(found(dmarc::Result::TempError, kReject), "enforce"),
        "none, other (the message could not be checked for now)"
    );
}

TEST(DmarcSeen, NothingWhereNobodyWantsReports) {
    EXPECT_EQ(judged(found(dmarc::Result::Fail, "v=DMARC1; p=reject"), "record"), "nothing");
    Findings none = found(dmarc::Result::None, kReject);
    none.dmarc->record.reset();
    EXPECT_EQ(judged(none, "record"), "nothing");
    EXPECT_EQ(judged({}, "record"), "nothing");
}

}  // namespace
}  // namespace sekisho::mail

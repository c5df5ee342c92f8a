#include "delivery/tls_seen.h"

#include "delivery/security.h"
#include "delivery/sts_source.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"
#include "net/tlsa.h"
#include "report/tls.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::delivery {
namespace {

using End = TlsSession::End;

// "policy type: failure type (reason)", or "policy type".
class TlsSeenTest : public testing::Test {
  protected:
    TlsSeenTest() {
        domain.name = "other.example";
        session.host = "mx.other.example";
        session.end = End::Secured;
        session.ours = "192.0.2.25";
        session.theirs = "198.51.100.10";
    }
    std::string told() {
        const auto found = tls_seen(domain, security, session);
        if (!found) {
            return "nothing";
        }
        seen = *found;
        std::string out = seen.policy.type;
        if (!seen.failure.type.empty()) {
            out += ": " + seen.failure.type;
            out += seen.failure.reason.empty() ? "" : " (" + seen.failure.reason + ")";
        }
        return out;
    }
    std::string after(End end, std::string words = "") {
        session.end = end;
        (end == End::Secured ? session.fault : session.error) = std::move(words);
        std::string out = told();
        session.fault.clear();
        session.error.clear();
        return out;
    }
    void sts(StsPolicy::Mode mode, const std::string& mx = "*.other.example") {
        StsPolicy policy;
        policy.mode = mode;
        policy.mx = {mx};
        policy.max_age = std::chrono::hours(24);
        domain.sts.policy = domain.facts.sts = policy;
    }

    SecurityDomain domain;
    Security security;
    TlsSession session;
    report::TlsSeen seen;
};

TEST_F(TlsSeenTest, WithoutAPolicy) {
    EXPECT_EQ(told(), "no-policy-found");
    EXPECT_EQ(seen.domain, "other.example");
    EXPECT_EQ(seen.policy.domain, "other.example");
    EXPECT_EQ(after(End::Secured, "self-signed certificate"), "no-policy-found")
        << "nobody asked for more";
    EXPECT_EQ(after(End::Plain), "no-policy-found: starttls-not-supported");
    EXPECT_EQ(seen.failure.mx_host, "mx.other.example");
    EXPECT_EQ(seen.failure.mx_ip, "198.51.100.10");
    EXPECT_EQ(seen.failure.sending_ip, "192.0.2.25");
    EXPECT_EQ(after(End::Broken, "no cipher"), "no-policy-found: validation-failure (no cipher)");
    EXPECT_EQ(after(End::Nothing), "nothing");
    EXPECT_EQ(after(End::Refused), "nothing") << "the operator's own rule";
    EXPECT_EQ(after(End::Broken, "x (self-signed certificate)"), "nothing");
    domain.facts.rule.level = TlsLevel::Opportunistic;
    EXPECT_EQ(after(End::Plain), "nothing");
    domain.facts.rule.level = TlsLevel::None;
    EXPECT_EQ(after(End::Plain), "nothing");
}

TEST_F(TlsSeenTest, MtaStsInTestingTellsWhatEnforcingWouldStop) {
    sts(StsPolicy::Mode::Testing);
    EXPECT_EQ(told(), "sts");
    EXPECT_EQ(
        seen.policy.strings,
        (std::vector<std::string>{
            "version: STSv1", "mode: testing", "mx: *.other.example", "max_age: 86400"
        })
    );
    EXPECT_EQ(seen.policy.mx, std::vector<std::string>{"*.other.example"});
    EXPECT_EQ(
        after(End::Secured, "certificate has expired"),
        "sts: certificate-expired (certificate has expired)"
    );
    EXPECT_EQ(
        after(End::Secured, "hostname mismatch"),
        "sts: certificate-host-mismatch (hostname mismatch)"
    );
    EXPECT_EQ(
        after(End::Secured, "self-signed certificate"),
        "sts: certificate-not-trusted (self-signed certificate)"
    );
    EXPECT_EQ(after(End::Plain), "sts: starttls-not-supported");
    sts(StsPolicy::Mode::Enforce, "elsewhere.example");
    EXPECT_EQ(
        after(End::Refused),
        "sts: validation-failure (the mail host is not among those of the policy)"
    );
    sts(StsPolicy::Mode::None);
    EXPECT_EQ(after(End::Secured, "hostname mismatch"), "no-policy-found");
}

TEST_F(TlsSeenTest, MtaStsPoliciesThatCannotBeHad) {
    domain.sts.problem = "HTTP status 404";
    domain.sts.trouble = StsFinding::Trouble::Fetch;
    EXPECT_EQ(told(), "sts: sts-policy-fetch-error (HTTP status 404)");
    domain.sts.trouble = StsFinding::Trouble::Invalid;
    EXPECT_EQ(told(), "sts: sts-policy-invalid (HTTP status 404)");
    domain.sts.trouble = StsFinding::Trouble::Certificate;
    EXPECT_EQ(told(), "sts: sts-webpki-invalid (HTTP status 404)");
    sts(StsPolicy::Mode::Enforce);
    EXPECT_EQ(told(), "sts") << "the one that is known counts";
}

TEST_F(TlsSeenTest, DaneCountsBeforeMtaSts) {
    sts(StsPolicy::Mode::Enforce, "elsewhere.example");
    security.tlsa = TlsaFinding::Usable;
    security.tlsa_base = "mx.other.example";
    net::Tlsa record;
    record.usage = 3;
    record.selector = 1;
    record.matching = 1;
    record.data = "\x01\xAB";
    security.tlsa_records = {record};
    EXPECT_EQ(told(), "tlsa");
    EXPECT_EQ(seen.policy.domain, "mx.other.example");
    EXPECT_EQ(seen.policy.strings, std::vector<std::string>{"3 1 1 01ab"});
    EXPECT_EQ(
        after(End::Broken, "TLS: failed (no matching DANE TLSA records)"),
        "tlsa: validation-failure (TLS: failed (no matching DANE TLSA records))"
    );
    EXPECT_EQ(after(End::Plain), "tlsa: starttls-not-supported");
    security.tlsa = TlsaFinding::Unusable;
    security.tlsa_records.clear();
    EXPECT_EQ(
        after(End::Secured), "tlsa: tlsa-invalid (none of the TLSA records can be used for mail)"
    );
    security.tlsa = TlsaFinding::Failed;
    security.tlsa_problem = "bogus";
    EXPECT_EQ(after(End::Refused), "tlsa: dnssec-invalid (bogus)");
    security.tlsa = TlsaFinding::Absent;
    domain.facts.rule.level = TlsLevel::Dane;
    security.demand.why = "the rule wants nothing else";
    EXPECT_EQ(after(End::Refused), "tlsa: dane-required (the rule wants nothing else)");
}

}  // namespace
}  // namespace sekisho::delivery

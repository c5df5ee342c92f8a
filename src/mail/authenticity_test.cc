#include "mail/authenticity.h"

#include "base/ip.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "message/header.h"
#include "peer/judge.h"
#include "smtp/address.h"
#include "spf/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

config::Mail mail(const char* spf = "record", const char* dmarc = "record") {
    config::Mail out;
    out.hostname = "mx.our.example";
    out.domains = {"Our.example"};
    out.spf = spf;
    out.dmarc = dmarc;
    return out;
}

Findings found(spf::Code code, std::optional<smtp::Address> sender) {
    Findings out;
    out.spf_query = spf_query(
        *IpAddress::parse("192.0.2.1"), "mta.example.net", sender, "mx.our.example", Time{}
    );
    out.spf.emplace();
    out.spf->result = code;
    out.spf->domain = sender ? out.spf_query->sender_domain : "mta.example.net";
    out.spf->identity = sender ? spf::Identity::MailFrom : spf::Identity::Helo;
    return out;
}

Findings rejected() {
    Findings out = found(spf::Code::Fail, smtp::Address{"a", "example.net"});
    out.spf->explanation = "see https://example.net/spf";
    out.dmarc.emplace();
    out.dmarc->result = dmarc::Result::Fail;
    out.dmarc->author = "mail.example.net";
    out.dmarc->policy_domain = "example.net";
    out.dmarc->policy = out.dmarc->disposition = dmarc::Policy::Reject;
    return out;
}

TEST(Authenticity, FieldsSayWhatWasFound) {
    Findings findings = rejected();
    findings.peer.emplace();
    findings.peer->address = *IpAddress::parse("192.0.2.1");
    findings.peer->confirmed = {"mta.example.net"};
    findings.signatures.push_back(
        {dmarc::Status::Other, "fail", "example.net", "s1", "rsa-sha256", "abcdefgh", "body"}
    );
    const std::string text = fields(findings, mail());
    const auto header = message::Header::scan(text);
    ASSERT_EQ(header.fields().size(), 2U);
    EXPECT_EQ(
        header.fields()[0].value(),
        "mx.our.example; iprev=pass (mta.example.net) policy.iprev=192.0.2.1; spf=fail "
        "smtp.mailfrom=a@example.net; dkim=fail reason=\"body\" header.d=example.net header.s=s1 "
        "header.a=rsa-sha256 header.b=abcdefgh; dmarc=fail (p=reject dis=reject) "
        "header.from=mail.example.net polrec.p=reject polrec.domain=example.net"
    );
    EXPECT_THAT(header.fields()[1].value(), HasSubstr("fail (mx.our.example: domain of a@example"));
    EXPECT_EQ(summary(findings), "spf=fail dkim=fail (example.net) dmarc=fail (p=reject)");
}

TEST(Authenticity, TheNullSenderIsNamedByHelo) {
    const std::string text = fields(found(spf::Code::Pass, std::nullopt), mail());
    EXPECT_THAT(text, HasSubstr("spf=pass smtp.helo=mta.example.net"));
}

TEST(Authenticity, OffSaysNothing) {
    EXPECT_EQ(fields(found(spf::Code::Pass, std::nullopt), mail("off")), "");
    EXPECT_EQ(fields({}, mail()), "");
    EXPECT_EQ(summary({}), "");
}

// A local part may say what it likes: it isn't repeated where filters look for results.
TEST(Authenticity, LocalPartsForgeNoResult) {
    const Findings findings =
        found(spf::Code::None, smtp::Address{"x; dmarc=pass header.from=bank", "example.net"});
    const std::string text = fields(findings, mail());
    EXPECT_THAT(text.substr(0, text.find("Received-SPF")), Not(HasSubstr("dmarc")));
    EXPECT_THAT(text, HasSubstr("smtp.mailfrom=example.net"));
}

TEST(Authenticity, RefusesOnlyWhatIsEnforced) {
    const Findings findings = rejected();
    EXPECT_FALSE(refuse_spf(findings, mail()));
    EXPECT_FALSE(refuse_dmarc(findings, mail(), 1));
    const auto spf = refuse_spf(findings, mail("enforce"));
    ASSERT_TRUE(spf);
    EXPECT_EQ(
        spf->text(),
        "550 5.7.23 SPF: the domain of a@example.net does not designate 192.0.2.1 as permitted "
        "sender; example.net says: see https://example.net/spf"
    );
    const auto dmarc = refuse_dmarc(findings, mail("record", "enforce"), 1);
    ASSERT_TRUE(dmarc);
    EXPECT_EQ(
        dmarc->text(),
        "550 5.7.1 Refused as the DMARC policy of example.net asks: nothing shows that the mail is "
        "from mail.example.net (SPF: fail of example.net; DKIM: none)"
    );
    for (const spf::Code code :
         {spf::Code::SoftFail, spf::Code::Neutral, spf::Code::TempError, spf::Code::PermError}) {
        EXPECT_FALSE(refuse_spf(found(code, std::nullopt), mail("enforce")));
    }
    Findings quarantine = rejected();
    quarantine.dmarc->disposition = dmarc::Policy::Quarantine;
    EXPECT_TRUE(refuse_dmarc(quarantine, mail("record", "enforce"), 2));
    EXPECT_FALSE(refuse_dmarc(quarantine, mail("record", "enforce"), 1));
}

TEST(Authenticity, AChainVouchesOnlyIfEverySealerIsTrusted) {
    Findings findings = rejected();
    findings.dmarc->result = dmarc::Result::Fail;
    arc::Verdict chain;
    chain.result = arc::Result::Pass;
    const std::string found = "mx.list.example; dmarc=pass header.from=mail.example.net; spf=pass";
    chain.sealers = {
        {"list.example", "s", "mx.list.example", found}, {"b.school.example", "s", "", ""}
    };
    findings.chain = chain;
    config::Mail config = mail("record", "enforce");
    EXPECT_TRUE(refuse_dmarc(findings, config, 1));
    config.arc_trusted = {"list.example"};
    EXPECT_TRUE(refuse_dmarc(findings, config, 1)) << "the second could have changed it";
    config.arc_trusted = {"List.Example", "school.example"};
    EXPECT_EQ(vouched_by_chain(findings, config), "list.example");
    EXPECT_FALSE(refuse_dmarc(findings, config, 1));
    EXPECT_TRUE(refuse_dmarc(findings, config, 2)) << "two From fields are refused as before";
    const std::string text = fields(findings, config);
    EXPECT_THAT(text, HasSubstr("arc=pass (i=2) header.oldest-pass=0"));
    EXPECT_THAT(text, HasSubstr("list.example"));
    EXPECT_EQ(
        summary(findings),
        "spf=fail arc=pass (list.example, b.school.example) dmarc=fail (p=reject)"
    );
    for (const char* other : {
             "mx.list.example; dmarc=fail header.from=mail.example.net",
             "mx.list.example; dmarc=pass header.from=other.example",
             "mx.list.example; spf=pass reason=dmarc=pass",
         }) {
        findings.chain->sealers.front().findings = other;
        EXPECT_TRUE(refuse_dmarc(findings, config, 1)) << other;
    }
    findings.chain = chain;
    findings.chain->result = arc::Result::Fail;
    EXPECT_TRUE(refuse_dmarc(findings, config, 1));
}

TEST(Authenticity, DmarcIsAboutFromAndWhatIsVouchedFor) {
    Findings findings = found(spf::Code::Pass, smtp::Address{"a", "日本語.example"});
    EXPECT_EQ(findings.spf_query->sender_domain, "xn--wgv71a119e.example");
    findings.signatures.push_back({dmarc::Status::Pass, "pass", "example.net", "", "", "", ""});
    const std::string message = "From: A <a@日本語.Example>, b@xn--wgv71a119e.example\r\n\r\n";
    const auto input = dmarc_input(message::Header::scan(message), findings);
    EXPECT_EQ(input.author, "xn--wgv71a119e.example");
    ASSERT_EQ(input.identifiers.size(), 2U);
    EXPECT_EQ(input.identifiers[0].status, dmarc::Status::Pass);
    EXPECT_EQ(input.identifiers[0].domain, "xn--wgv71a119e.example");
    EXPECT_EQ(input.identifiers[1].method, dmarc::Method::Dkim);
    const std::string two = "From: a@example.net, b@example.org\r\n\r\n";
    EXPECT_EQ(dmarc_input(message::Header::scan(two), findings).author, "");
    EXPECT_EQ(dmarc_input(message::Header::scan("\r\n"), findings).author, "");
}

}  // namespace
}  // namespace sekisho::mail

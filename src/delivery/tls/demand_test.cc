#include "delivery/tls/demand.h"

#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

using By = Demand::By;
using Kind = Demand::Kind;
using enum TlsaFinding;
using enum TlsLevel;

constexpr const char* kHost = "mx.example.net";

DomainFacts facts(TlsLevel level, bool secure = true) {
    DomainFacts result;
    result.rule.domain = "example.net";
    result.rule.level = level;
    result.hosts_secure = secure;
    return result;
}

DomainFacts with_sts(DomainFacts domain, StsPolicy::Mode mode, const std::string& mx = kHost) {
    domain.sts = StsPolicy{.mode = mode, .mx = {mx}, .max_age = Duration{1}};
    return domain;
}

std::string text(const Demand& demand) {
    std::string result(name(demand.kind));
    if (demand.refused) {
        result = std::to_string(demand.refused->code) + " " + demand.refused->enhanced;
    }
    constexpr const char* by[] = {"default", "config", "dane", "mta-sts", "message"};
    return result + " by " + by[static_cast<int>(demand.by)];
}

std::string of(const DomainFacts& domain, TlsaFinding tlsa, TlsWish wish = {}) {
    const Demand demand = demand_of(domain, wish, kHost, tlsa);
    EXPECT_FALSE(demand.why.empty());
    return text(demand);
}

// The table of README.md.
TEST(TlsDemand, TheOperatorsRuleAndWhatIsPublished) {
    constexpr auto enforce = StsPolicy::Mode::Enforce;
    struct Row {
        TlsLevel level;
        const char *usable, *failed, *unusable, *sts, *nothing;
    };
    const std::vector<Row> rows{
        {None,
         "no TLS by config",
         "no TLS by config",
         "no TLS by config",
         "no TLS by config",
         "no TLS by config"},
        {Opportunistic,
         "TLS if offered by config",
         "TLS if offered by config",
         "TLS if offered by config",
         "TLS if offered by config",
         "TLS if offered by config"},
        {Auto,
         "TLS, verified by DANE by dane",
         "451 4.7.5 by dane",
         "TLS, any certificate by dane",
         "TLS, verified certificate by mta-sts",
         "TLS if offered by default"},
        {Required,
         "TLS, verified by DANE by dane",
         "451 4.7.5 by dane",
         "TLS, any certificate by config",
         "TLS, verified certificate by mta-sts",
         "TLS, any certificate by config"},
        {Verified,
         "TLS, verified by DANE by dane",
         "451 4.7.5 by dane",
         "TLS, verified certificate by config",
         "TLS, verified certificate by mta-sts",
         "TLS, verified certificate by config"},
        {Dane,
         "TLS, verified by DANE by dane",
         "451 4.7.5 by dane",
         "451 4.7.5 by config",
         "451 4.7.5 by config",
         "451 4.7.5 by config"},
    };
    for (const Row& row : rows) {
        const DomainFacts domain = facts(row.level);
        EXPECT_EQ(of(domain, Usable), row.usable) << name(row.level);
        EXPECT_EQ(of(domain, Failed), row.failed) << name(row.level);
        EXPECT_EQ(of(domain, Unusable), row.unusable) << name(row.level);
        EXPECT_EQ(of(with_sts(domain, enforce), Absent), row.sts) << name(row.level);
        EXPECT_EQ(of(domain, Absent), row.nothing) << name(row.level);
    }
}

// RFC 8461 §2, §4.1, §5
TEST(TlsDemand, MtaStsNamesTheHostsAndNeverOverridesDane) {
    using Mode = StsPolicy::Mode;
    const auto other = with_sts(facts(Auto), Mode::Enforce, "*.other.net");
    EXPECT_EQ(of(other, Absent), "451 4.7.5 by mta-sts");
    EXPECT_EQ(of(other, Usable), "TLS, verified by DANE by dane");
    EXPECT_EQ(of(other, Failed), "451 4.7.5 by dane");
    EXPECT_EQ(of(other, Unusable), "451 4.7.5 by mta-sts");
    EXPECT_EQ(of(with_sts(facts(Auto), Mode::Testing), Absent), "TLS if offered by default");
    EXPECT_EQ(of(with_sts(facts(Auto), Mode::None), Absent), "TLS if offered by default");
    EXPECT_EQ(
        of(with_sts(facts(Auto), Mode::Enforce, "*.example.net"), NotAsked),
        "TLS, verified certificate by mta-sts"
    );
}

TEST(TlsDemand, ARulesOwnHostsGoBeforeAll) {
    DomainFacts domain = facts(Verified);
    domain.rule.mx = {"mx1.bank.example"};
    EXPECT_EQ(of(domain, Usable), "451 4.7.5 by config");
    domain.rule.mx = {"*.example.net"};
    EXPECT_EQ(of(domain, Absent), "TLS, verified certificate by config");
}

// RFC 8689 §4.2.1
TEST(TlsDemand, RequireTlsWantsAVouchedName) {
    using Mode = StsPolicy::Mode;
    const TlsWish require{.require = true};
    for (const TlsLevel level : {Auto, Opportunistic, Required, Verified}) {
        EXPECT_EQ(of(facts(level), Usable, require), "TLS, verified by DANE by dane");
        EXPECT_EQ(of(facts(level), Absent, require), "TLS, verified certificate by message");
        EXPECT_EQ(of(facts(level, false), NotAsked, require), "550 5.7.30 by message")
            << name(level) << ": anybody could have named the host";
    }
    EXPECT_EQ(of(facts(Auto), Unusable, require), "TLS, verified certificate by message");
    EXPECT_EQ(of(facts(Auto), Failed, require), "451 4.7.5 by dane");
    EXPECT_EQ(of(facts(None), NotAsked, require), "550 5.7.30 by message");
    const DomainFacts insecure = facts(Auto, false);
    EXPECT_EQ(
        of(with_sts(insecure, Mode::Enforce), NotAsked, require),
        "TLS, verified certificate by mta-sts"
    );
    EXPECT_EQ(
        of(with_sts(insecure, Mode::Testing), NotAsked, require),
        "TLS, verified certificate by message"
    );
    EXPECT_EQ(
        of(with_sts(insecure, Mode::Testing, "other"), NotAsked, require), "550 5.7.30 by message"
    );
    EXPECT_EQ(of(with_sts(insecure, Mode::None), NotAsked, require), "550 5.7.30 by message");
    DomainFacts listed = insecure;
    listed.rule.mx = {kHost};
    EXPECT_EQ(of(listed, NotAsked, require), "TLS, verified certificate by message");
}

// RFC 8689 §3, §4.1, §4.2.2
TEST(TlsDemand, TlsRequiredNoRelaxesWhatIsPublishedNotTheRule) {
    const TlsWish optional{.optional = true};
    const TlsWish both{.require = true, .optional = true};
    EXPECT_EQ(of(facts(Auto), Failed, optional), "TLS if offered by message");
    EXPECT_EQ(
        of(with_sts(facts(Auto), StsPolicy::Mode::Enforce, "other"), Absent, optional),
        "TLS if offered by message"
    );
    EXPECT_EQ(of(facts(Required), Absent, optional), "TLS, any certificate by config");
    EXPECT_EQ(of(facts(Verified), Absent, optional), "TLS, verified certificate by config");
    EXPECT_EQ(of(facts(Dane), Absent, optional), "451 4.7.5 by config");
    EXPECT_EQ(of(facts(Auto), Usable, both), "TLS, verified by DANE by dane");
}

TEST(TlsDemand, AsksOnlyForWhatCounts) {
    const TlsWish none;
    const TlsWish optional{.optional = true};
    const TlsWish require{.require = true};
    EXPECT_TRUE(asks_tlsa(facts(Auto), none, true));
    EXPECT_FALSE(asks_tlsa(facts(Auto), none, false)) << "RFC 7672 §2.2.2: forged addresses";
    EXPECT_FALSE(asks_tlsa(facts(Auto, false), none, true)) << "RFC 7672 §2.2.1: forged hosts";
    EXPECT_FALSE(asks_tlsa(facts(Auto), optional, true));
    EXPECT_FALSE(asks_tlsa(facts(Opportunistic), none, true));
    EXPECT_TRUE(asks_tlsa(facts(Opportunistic), require, true));
    EXPECT_FALSE(asks_tlsa(facts(None), require, true));
    EXPECT_TRUE(asks_sts(facts(Auto).rule, none));
    EXPECT_TRUE(asks_sts(facts(Required).rule, optional));
    EXPECT_FALSE(asks_sts(facts(Auto).rule, optional));
    EXPECT_FALSE(asks_sts(facts(Dane).rule, none));
    EXPECT_FALSE(asks_sts(facts(None).rule, none));
}

}  // namespace
}  // namespace sekisho::delivery

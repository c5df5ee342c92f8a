#include "delivery/security.h"

#include "base/ip.h"
#include "base/result.h"
#include "delivery/route.h"
#include "delivery/test_support.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/policy.h"
#include "net/resolver.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "net/tlsa.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

class SecurityTest : public net::test::NetTest {
  protected:
    SecurityTest() : any(*net::TlsContext::client_opportunistic()) {
        host.name = "mx.other.example";
        host.port = 2525;
    }
    void publish(std::uint8_t usage, bool secure = true) {
        net::Answer<net::Tlsa> answer;
        answer.secure = secure;
        net::Tlsa record;
        record.usage = usage;
        record.selector = 1;
        record.matching = 1;
        record.data.assign(32, 'x');
        answer.records.push_back(record);
        resolver.tlsa_of.insert_or_assign("_2525._tcp.mx.other.example", answer);
    }
    SecurityDomain domain(bool secure = true, bool configured = false) {
        SecurityDomain asked;
        asked.name = "other.example";
        asked.configured = configured;
        return wait(look_up_domain(tools(), loops->executor(1), asked, rules, wish, secure));
    }
    // "TLSA finding: demand", what proves it, and how: "required", "optional" or "plain".
    std::string look(const SecurityDomain& of, bool addresses_secure = true) {
        const Security found = wait(look_up_host(tools(), of, wish, host, addresses_secure));
        std::string text = std::string(name(found.tlsa)) + ": ";
        if (found.demand.refused) {
            return text + found.demand.refused->text();
        }
        EXPECT_TRUE(found.context || !found.required);
        text += found.proof() + (found.proof().empty() ? "" : ", ");
        return text + (found.required ? "required" : found.context ? "optional" : "plain");
    }
    [[nodiscard]] SecurityTools tools() {
        return {.resolver = resolver, .any = any, .verified = verified, .sts = nullptr};
    }
    void rule(TlsLevel level) {
        TlsRule one;
        one.domain = "other.example";
        one.level = level;
        rules = {one};
    }

    test::MapResolver resolver;
    std::shared_ptr<const net::TlsContext> any, verified;
    std::vector<TlsRule> rules;
    TlsWish wish;
    Host host;
};

TEST_F(SecurityTest, TlsaCountsWhereNobodyCouldForgeTheWayToIt) {
    EXPECT_EQ(look(domain()), "none: optional");
    publish(3);
    EXPECT_EQ(look(domain()), "usable: verified by DANE, required");
    EXPECT_EQ(look(domain(false)), "not asked for: optional") << "the MX answer isn't secure";
    EXPECT_EQ(look(domain(), false), "not asked for: optional") << "the addresses aren't";
    EXPECT_EQ(look(domain(false, true)), "usable: verified by DANE, required") << "configured";
    publish(3, false);
    EXPECT_EQ(look(domain()), "none: optional");
    publish(1);
    EXPECT_EQ(look(domain()), "unusable: required");
    resolver.tlsa_of.insert_or_assign(
        "_2525._tcp.mx.other.example", fail(Errc::Unavailable, "DNSSEC")
    );
    EXPECT_EQ(
        look(domain()),
        "look-up failed: 451 4.7.5 The TLSA records of mx.other.example can't be looked up"
    );
    wish.optional = true;
    EXPECT_EQ(look(domain()), "not asked for: optional");
    host.address = *IpAddress::parse("192.0.2.1");
    wish.optional = false;
    EXPECT_EQ(look(domain()), "not asked for: optional") << "an address has no records";
}

// RFC 7672 §2.2.2, §3.2.2.
TEST_F(SecurityTest, BehindACnameTheTargetsRecordsComeFirst) {
    const auto found = [&] {
        return wait(look_up_host(tools(), domain(), wish, host, true, "real.example"));
    };
    EXPECT_EQ(found().tlsa, TlsaFinding::Absent);
    publish(3);
    Security own = found();
    EXPECT_EQ(own.tlsa, TlsaFinding::Usable) << "the name itself is asked when the target has none";
    EXPECT_EQ(own.tls_name, "");
    resolver.tlsa_of.insert_or_assign(
        "_2525._tcp.real.example", resolver.tlsa_of.at("_2525._tcp.mx.other.example")
    );
    Security target = found();
    EXPECT_EQ(target.proof(), "verified by DANE");
    EXPECT_EQ(target.tls_name, "real.example");
    ASSERT_TRUE(target.context && target.context->dane() != nullptr);
    EXPECT_EQ(
        target.context->dane()->names,
        (std::vector<std::string>{"other.example", "mx.other.example"})
    );
    resolver.tlsa_of.insert_or_assign("_2525._tcp.real.example", fail(Errc::Unavailable, "DNSSEC"));
    EXPECT_EQ(found().tlsa, TlsaFinding::Failed) << "or an attacker would choose the name";
}

TEST_F(SecurityTest, WhatIsDemandedAndIsNotThereIsRefused) {
    rule(TlsLevel::Verified);
    EXPECT_EQ(look(domain()), "none: 451 4.7.5 TLS is demanded, and there is none on this side");
    verified = *net::TlsContext::client_verified();
    EXPECT_EQ(look(domain()), "none: verified, required");
    rule(TlsLevel::None);
    EXPECT_EQ(look(domain()), "not asked for: plain");
    any = nullptr;
    rule(TlsLevel::Required);
    EXPECT_EQ(look(domain()), "none: 451 4.7.5 TLS is demanded, and there is none on this side");
    rule(TlsLevel::Auto);
    EXPECT_EQ(look(domain()), "none: plain");
    wish.require = true;
    EXPECT_EQ(look(domain()), "none: verified for REQUIRETLS, required");
}

}  // namespace
}  // namespace sekisho::delivery

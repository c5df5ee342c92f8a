#include "delivery/tls/demand.h"

#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"
#include "smtp/reply.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::delivery {
namespace {

using By = Demand::By;
using Kind = Demand::Kind;

Demand want(Kind kind, By by, std::string why) {
    Demand demand;
    demand.kind = kind;
    demand.by = by;
    demand.why = std::move(why);
    return demand;
}

Demand refuse(By by, int code, const char* enhanced, std::string why) {
    Demand demand = want(Kind::Verified, by, why);
    demand.refused = smtp::reply(code, enhanced, std::move(why));
    return demand;
}

// RFC 8689 §4.2.2: the header speaks about what the destination publishes; what the operator
// demands stays.
bool relaxed(const TlsRule& rule, const TlsWish& wish) {
    return wish.optional && !wish.require &&
           (rule.level == TlsLevel::Auto || rule.level == TlsLevel::Opportunistic);
}

bool heeds_dane(const TlsRule& rule, const TlsWish& wish) {
    if (relaxed(rule, wish) || rule.level == TlsLevel::None) {
        return false;
    }
    return rule.level != TlsLevel::Opportunistic || wish.require;
}

std::string rule_text(const TlsRule& rule) {
    return "the rule \"" + std::string(name(rule.level)) + "\" for \"" + rule.domain + "\"";
}

// What DANE says of the host; nullopt: nothing that settles the matter.
std::optional<Demand> by_dane(const TlsRule& rule, const std::string& host, TlsaFinding tlsa) {
    if (tlsa == TlsaFinding::Failed) {
        return refuse(
            By::Dane, 451, "4.7.5", "The TLSA records of " + host + " can't be looked up"
        );
    }
    if (tlsa == TlsaFinding::Usable) {
        return want(Kind::Dane, By::Dane, host + " has usable TLSA records");
    }
    if (rule.level == TlsLevel::Dane) {
        return refuse(
            By::Config,
            451,
            "4.7.5",
            host + " has no TLSA records that could be used, and " + rule_text(rule) +
                " wants nothing else"
        );
    }
    return std::nullopt;
}

std::optional<Demand> by_sts(const DomainFacts& domain, const std::string& host) {
    if (!domain.sts || domain.sts->mode != StsPolicy::Mode::Enforce) {
        return std::nullopt;
    }
    if (!sts_matches(domain.sts->mx, host)) {
        return refuse(
            By::MtaSts,
            451,
            "4.7.5",
            host + " is not among the hosts of the domain's MTA-STS policy"
        );
    }
    return want(Kind::Verified, By::MtaSts, "the domain's MTA-STS policy says enforce");
}

// RFC 8689 §4.2.1: a certificate proves nothing about a name that anybody could have put into the
// MX answer. A policy in testing vouches for names as one that is enforced.
bool vouched(const DomainFacts& domain, std::string_view host) {
    return domain.hosts_secure || !domain.rule.mx.empty() ||
           (domain.sts && domain.sts->mode != StsPolicy::Mode::None &&
            sts_matches(domain.sts->mx, host));
}

// Without DANE and an enforced MTA-STS policy.
Demand by_rule_or_message(
    const DomainFacts& domain, const TlsWish& wish, std::string_view host, TlsaFinding tlsa
) {
    const TlsRule& rule = domain.rule;
    if (wish.require) {
        if (!vouched(domain, host)) {
            return refuse(
                By::Message,
                550,
                "5.7.30",
                "REQUIRETLS was asked for, and nothing vouches for the name of the mail host: no "
                "DNSSEC, no MTA-STS, no rule"
            );
        }
        return want(Kind::Verified, By::Message, "the message was sent with REQUIRETLS");
    }
    if (rule.level == TlsLevel::Verified) {
        return want(Kind::Verified, By::Config, rule_text(rule));
    }
    if (rule.level == TlsLevel::Required) {
        return want(Kind::Encrypted, By::Config, rule_text(rule));
    }
    if (tlsa == TlsaFinding::Unusable) {
        return want(
            Kind::Encrypted, By::Dane, "the TLSA records say TLS, but nothing that can be verified"
        );
    }
    return want(Kind::Opportunistic, By::Default, "nothing demands more");
}

}  // namespace

std::string_view name(TlsaFinding finding) {
    switch (finding) {
        case TlsaFinding::NotAsked:
            return "not asked for";
        case TlsaFinding::Absent:
            return "none";
        case TlsaFinding::Failed:
            return "look-up failed";
        case TlsaFinding::Unusable:
            return "unusable";
        case TlsaFinding::Usable:
            return "usable";
    }
    return "?";
}

std::string_view name(Demand::Kind kind) {
    switch (kind) {
        case Kind::Plain:
            return "no TLS";
        case Kind::Opportunistic:
            return "TLS if offered";
        case Kind::Encrypted:
            return "TLS, any certificate";
        case Kind::Verified:
            return "TLS, verified certificate";
        case Kind::Dane:
            return "TLS, verified by DANE";
    }
    return "?";
}

bool asks_tlsa(const DomainFacts& domain, const TlsWish& wish, bool addresses_secure) {
    return domain.hosts_secure && addresses_secure && heeds_dane(domain.rule, wish);
}

bool asks_sts(const TlsRule& rule, const TlsWish& wish) {
    return heeds_dane(rule, wish) && rule.level != TlsLevel::Dane;
}

Demand demand_of(
    const DomainFacts& domain, const TlsWish& wish, std::string_view host, TlsaFinding tlsa
) {
    const TlsRule& rule = domain.rule;
    const std::string host_name(host);
    if (!rule.mx.empty() && !sts_matches(rule.mx, host)) {
        return refuse(
            By::Config, 451, "4.7.5", host_name + " is not among the hosts of " + rule_text(rule)
        );
    }
    if (rule.level == TlsLevel::None) {
        if (wish.require) {
            return refuse(
                By::Message,
                550,
                "5.7.30",
                "REQUIRETLS was asked for, and " + rule_text(rule) + " forbids TLS"
            );
        }
        return want(Kind::Plain, By::Config, rule_text(rule));
    }
    if (relaxed(rule, wish)) {
        return want(Kind::Opportunistic, By::Message, "the message says \"TLS-Required: No\"");
    }
    if (!heeds_dane(rule, wish)) {
        return want(Kind::Opportunistic, By::Config, rule_text(rule));
    }
    if (auto demand = by_dane(rule, host_name, tlsa)) {
        return std::move(*demand);
    }
    if (auto demand = by_sts(domain, host_name)) {
        return std::move(*demand);
    }
    return by_rule_or_message(domain, wish, host, tlsa);
}

}  // namespace sekisho::delivery

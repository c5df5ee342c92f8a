#include "delivery/security.h"

#include "base/result.h"
#include "delivery/route.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/policy.h"
#include "net/resolver.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/tlsa.h"
#include "smtp/reply.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

using Kind = Demand::Kind;

struct Records {
    TlsaFinding finding = TlsaFinding::Absent;
    std::vector<net::Tlsa> usable;
    std::string problem;
    std::string base;  // whose they are: the TLSA base domain
};

// RFC 7672 §2.2: the service's port and the host's name make the records' name.
net::Task<Records> look_up_tlsa(net::Resolver& resolver, std::string host, std::uint16_t port) {
    Records records;
    records.base = host;
    std::string name = "_" + std::to_string(port) + "._tcp." + host;
    auto answer = co_await resolver.tlsa(std::move(name));
    if (!answer) {
        records.finding = TlsaFinding::Failed;
        records.problem = answer.error().message;
        co_return records;
    }
    if (!answer->secure || answer->records.empty()) {
        co_return records;
    }
    records.usable = std::move(answer->records);
    std::erase_if(records.usable, [](const net::Tlsa& one) { return !net::usable(one); });
    records.finding = records.usable.empty() ? TlsaFinding::Unusable : TlsaFinding::Usable;
    co_return records;
}

// RFC 7672 §2.2.2: those of the name that CNAMEs led to; where it has none, of the name itself.
// Both were reached by secure answers.
net::Task<Records> look_up_tlsa_of(net::Resolver& resolver, Host host, std::string canonical) {
    if (!canonical.empty()) {
        Records records = co_await look_up_tlsa(resolver, std::move(canonical), host.port);
        if (records.finding != TlsaFinding::Absent) {
            co_return records;
        }
    }
    Records records = co_await look_up_tlsa(resolver, host.name, host.port);
    co_return records;
}

// What was demanded can't be had on this side.
void refuse(Security& security, const std::string& why) {
    security.demand.refused = smtp::reply(451, "4.7.5", why);
    security.demand.why = why;
}

void choose_context(
    Security& security,
    const SecurityTools& tools,
    std::vector<net::Tlsa> records,
    const SecurityDomain& domain,
    const Host& host
) {
    security.required = security.demand.kind > Kind::Opportunistic;
    switch (security.demand.kind) {
        case Kind::Plain:
            return;
        case Kind::Opportunistic:
        case Kind::Encrypted:
            security.context = tools.any;
            break;
        case Kind::Verified:
            security.context = tools.verified;
            break;
        case Kind::Dane: {
            // RFC 7672 §3.2.2: the address's domain is a name of the host too, and so is its name
            // before its CNAMEs. They were found through secure answers, or DANE would not have
            // been asked for.
            auto made = net::TlsContext::client_dane(std::move(records), {domain.name, host.name});
            if (made) {
                security.context = std::move(*made);
            } else {
                refuse(security, made.error().message);
            }
            return;
        }
    }
    if (security.required && !security.context) {
        refuse(security, "TLS is demanded, and there is none on this side");
    }
}

}  // namespace

net::Task<SecurityDomain> look_up_domain(
    SecurityTools tools,
    net::Executor executor,
    SecurityDomain domain,
    std::vector<TlsRule> rules,
    TlsWish wish,
    bool hosts_secure
) {
    domain.facts.rule = tls_rule_for(rules, domain.name);
    domain.facts.hosts_secure = hosts_secure || domain.configured;
    // RFC 8461 §3.4 is about mail that goes by MX.
    if (tools.sts && !domain.configured && asks_sts(domain.facts.rule, wish)) {
        domain.sts = co_await tools.sts->find(std::move(executor), domain.name);
        domain.facts.sts = domain.sts.policy;
    }
    co_return domain;
}

net::Task<Security> look_up_host(
    SecurityTools tools,
    SecurityDomain domain,
    TlsWish wish,
    Host host,
    bool addresses_secure,
    std::string canonical
) {
    Security security;
    Records records;
    // Addresses have no names to ask for.
    if (!host.address && asks_tlsa(domain.facts, wish, addresses_secure)) {
        records = co_await look_up_tlsa_of(tools.resolver, host, std::move(canonical));
        security.tlsa = records.finding;
        security.tlsa_problem = records.problem;
        security.tlsa_records = records.usable;
        security.tlsa_base = records.base;
    }
    security.demand = demand_of(domain.facts, wish, host.name, security.tlsa);
    if (!security.demand.refused) {
        // §3.1: the base domain is the name asked for in TLS.
        if (security.demand.kind == Kind::Dane && records.base != host.name) {
            security.tls_name = records.base;
        }
        choose_context(security, tools, std::move(records.usable), domain, host);
    }
    co_return security;
}

std::string Security::proof() const {
    if (demand.kind == Kind::Dane) {
        return "verified by DANE";
    }
    if (demand.kind != Kind::Verified) {
        return "";
    }
    switch (demand.by) {
        case Demand::By::MtaSts:
            return "verified for MTA-STS";
        case Demand::By::Message:
            return "verified for REQUIRETLS";
        default:
            return "verified";
    }
}

}  // namespace sekisho::delivery

// What a connection to a host must show, looked up: the shell around delivery/tls, which weighs it.
#pragma once

#include "base/time.h"
#include "delivery/route.h"
#include "delivery/sts_source.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/policy.h"
#include "net/resolver.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/tlsa.h"

#include <memory>
#include <string>
#include <vector>

namespace sekisho::delivery {

struct SecurityTools {
    net::Resolver& resolver;
    std::shared_ptr<const net::TlsContext> any;       // opportunistic; null: TLS is never spoken
    std::shared_ptr<const net::TlsContext> verified;  // null: nothing can be verified
    std::shared_ptr<StsSource> sts;                   // null: MTA-STS is not asked for
};

// Whose rule and policies count for a message.
struct SecurityDomain {
    std::string name;  // of the address; of the smarthost where there is one
    DomainFacts facts;
    StsFinding sts;           // if it was asked for
    bool configured = false;  // the hosts stand in our configuration, or in the address
};

// `domain.name` and `configured` are given, `hosts_secure` is of the MX answer.
[[nodiscard]] net::Task<SecurityDomain> look_up_domain(
    SecurityTools tools,
    net::Executor executor,
    SecurityDomain domain,
    std::vector<TlsRule> rules,
    TlsWish wish,
    bool hosts_secure
);

struct Security {
    Demand demand;
    TlsaFinding tlsa = TlsaFinding::NotAsked;
    std::string tlsa_problem;                        // of a look-up that failed
    std::vector<net::Tlsa> tlsa_records;             // those that can be used
    std::string tlsa_base;                           // whose they are
    std::shared_ptr<const net::TlsContext> context;  // for STARTTLS; null: none
    bool required = false;                           // nothing goes in plain
    std::string tls_name;                            // of the host in TLS; empty: the host's name
    // Of an established connection, for the journal: "verified by DANE"; empty: it isn't verified.
    [[nodiscard]] std::string proof() const;
};

// `canonical`: where CNAMEs of the host led, as net::Answer has it.
[[nodiscard]] net::Task<Security> look_up_host(
    SecurityTools tools,
    SecurityDomain domain,
    TlsWish wish,
    Host host,
    bool addresses_secure,
    std::string canonical = {}
);

}  // namespace sekisho::delivery

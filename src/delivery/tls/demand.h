// What a connection to one host must bring before a message goes over it: the operator's rule, what
// the destination publishes (DANE, MTA-STS) and the message's own wish, weighed. Pure.
//
// DANE decides where it is published; MTA-STS never overrides it (RFC 8461 §2).
#pragma once

#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"
#include "smtp/reply.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::delivery {

struct DomainFacts {
    TlsRule rule;
    bool hosts_secure = false;     // DNSSEC says so, or they are configured: no one else chose them
    std::optional<StsPolicy> sts;  // in force
};

// Of a message.
struct TlsWish {
    bool require = false;   // REQUIRETLS with MAIL (RFC 8689 §2)
    bool optional = false;  // "TLS-Required: No" in its header (RFC 8689 §3); without effect if
                            // `require` (§4.1)
};

// What "_25._tcp.HOST" gave (RFC 7672 §2.2).
enum class TlsaFinding : std::uint8_t {
    NotAsked,
    Absent,    // none, or insecure: as if there were none
    Failed,    // nobody may go on as if there were none (RFC 7672 §2.2)
    Unusable,  // secure, but none of them has a meaning for mail: TLS, unauthenticated
    Usable,
};
[[nodiscard]] std::string_view name(TlsaFinding finding);

// Whether TLSA records are to be asked for: a rule that heeds them, and hosts and addresses that
// nobody could have forged (RFC 7672 §2.2.1, §2.2.2).
[[nodiscard]] bool asks_tlsa(const DomainFacts& domain, const TlsWish& wish, bool addresses_secure);

// Whether MTA-STS matters, so that its policy is worth a look-up.
[[nodiscard]] bool asks_sts(const TlsRule& rule, const TlsWish& wish);

struct Demand {
    enum class Kind : std::uint8_t {
        Plain,          // no TLS
        Opportunistic,  // TLS if it can be had
        Encrypted,      // TLS, with any certificate
        Verified,       // TLS with a certificate that the system trusts, for the host's name
        Dane,           // TLS with what the TLSA records say
    };
    enum class By : std::uint8_t { Default, Config, Dane, MtaSts, Message };
    Kind kind = Kind::Opportunistic;
    By by = By::Default;
    std::optional<smtp::Reply> refused;  // the host isn't to be used at all
    std::string why;                     // a sentence, for people
};
[[nodiscard]] std::string_view name(Demand::Kind kind);

[[nodiscard]] Demand demand_of(
    const DomainFacts& domain, const TlsWish& wish, std::string_view host, TlsaFinding tlsa
);

}  // namespace sekisho::delivery

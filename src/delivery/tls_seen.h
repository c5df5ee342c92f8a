// What one session with another's server showed of TLS, in the words of RFC 8460. No I/O.
#pragma once

#include "delivery/security.h"
#include "net/tls.h"
#include "report/tls.h"

#include <cstdint>
#include <optional>
#include <string>

namespace sekisho::delivery {

struct TlsSession {
    enum class End : std::uint8_t {
        Refused,  // the host wasn't asked at all: Security::demand says why
        Nothing,  // it ended before TLS came up
        Plain,    // STARTTLS wasn't offered, or was refused
        Broken,   // the handshake failed
        Secured,
    };
    End end = End::Nothing;
    std::string error;  // of Plain and Broken, for people
    std::string fault;  // of Secured: what was wrong with the certificate, in OpenSSL's words
    std::string host;   // as MX names it
    std::string ours, theirs;  // addresses
};

// nullopt: nothing to be told, since it ended too early, or TLS isn't what the operator wants.
[[nodiscard]] std::optional<report::TlsSeen> tls_seen(
    const SecurityDomain& domain, const Security& security, const TlsSession& session
);

}  // namespace sekisho::delivery

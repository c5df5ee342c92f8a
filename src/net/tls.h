// TLS contexts: what a listener or an outgoing connection speaks. 1.2 and 1.3 only.
#pragma once

#include "base/result.h"
#include "net/tlsa.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct ssl_ctx_st;

namespace sekisho::net {

class TlsContext {
  public:
    // A server's certificate chain and key, PEM files; who signs the certificates of clients that
    // are asked for one, or empty. Errors name the file.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> server(
        const std::string& certificate_file,
        const std::string& key_file,
        const std::string& client_ca_file = {}
    );
    // Opportunistic: the peer's certificate is looked at but not required to verify (RFC 7435);
    // `ca_file` as below.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> client_opportunistic(
        const std::string& ca_file = {}
    );
    // The peer must show a certificate that verifies and is for the name (or address) that is
    // connected to (RFC 9525), else there is no connection. `ca_file`: PEM, instead of the system's
    // trust; empty: the system's.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> client_verified(
        const std::string& ca_file = {}
    );
    // For connections to one host: it must show what one of `records` says (RFC 7672 §3.1). With
    // usage 2 its certificate must also be for the name that is connected to, or one of `names`
    // (§3.2.2). Invalid: none of the records is usable.
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> client_dane(
        std::vector<Tlsa> records, std::vector<std::string> names
    );
    virtual ~TlsContext() = default;
    [[nodiscard]] virtual ssl_ctx_st* native() const = 0;
    // What client_dane() was given; null for all others.
    struct Dane {
        std::vector<Tlsa> records;  // usable ones
        std::vector<std::string> names;
    };
    [[nodiscard]] virtual const Dane* dane() const = 0;
};

// What was wrong with the other side's certificate.
enum class CertificateFault : std::uint8_t { None, Expired, OtherName, Untrusted, NoTlsaMatch };
// Of TlsInfo::fault, or of an error of a handshake, which has the same words in parentheses at its
// end. None: it wasn't about a certificate.
[[nodiscard]] CertificateFault certificate_fault(std::string_view words);

// How a server answers on one connection.
struct ServerTls {
    // NOLINTNEXTLINE(google-explicit-constructor): the usual case is a context and nothing else
    ServerTls(
        std::shared_ptr<const TlsContext> context_,
        std::vector<std::string> protocols_ = {},
        bool ask_certificate_ = false
    )
        : context(std::move(context_)),
          protocols(std::move(protocols_)),
          ask_certificate(ask_certificate_) {}

    std::shared_ptr<const TlsContext> context;
    // ALPN (RFC 7301), best first. A client that offers protocols and none of these is refused (an
    // attack that leads it to another service ends here); one that offers none is served. Empty:
    // what the client offers is not looked at.
    std::vector<std::string> protocols;
    // For a certificate, which the client may have or not; TlsInfo says whether it counts.
    bool ask_certificate = false;
};

// The context that new connections take. A reload puts another one in; connections that run keep
// theirs.
class TlsHolder {
  public:
    explicit TlsHolder(std::shared_ptr<const TlsContext> context) : context_(std::move(context)) {}
    [[nodiscard]] std::shared_ptr<const TlsContext> get() const {
        const std::scoped_lock lock(mutex_);
        return context_;
    }
    void set(std::shared_ptr<const TlsContext> context) {
        const std::scoped_lock lock(mutex_);
        context_ = std::move(context);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const TlsContext> context_;
};

// Writes an ECDSA P-256 key and a self-signed certificate for the names (DNS subject alternative
// names; what reads as an address becomes an address), PEM, key 0600.
[[nodiscard]] Status make_self_signed(
    const std::string& certificate_file,
    const std::string& key_file,
    const std::vector<std::string>& names,
    int days
);

}  // namespace sekisho::net

// One connection: a descriptor, plain or TLS (OpenSSL on the descriptor, no BIO pairs), with one
// deadline timer.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/task.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::net {

class TlsContext;  // net/tls.h
struct ServerTls;

struct TlsInfo {
    std::string version;      // "TLSv1.3"
    std::string cipher;       // "TLS_AES_128_GCM_SHA256"
    std::string server_name;  // SNI the client sent, or that we sent
    bool peer_verified = false;
    std::string fault;     // of a client: why it isn't, in OpenSSL's words; empty: it is
    std::string protocol;  // ALPN, as agreed on; empty: none
    // Of a client's certificate that verifies: its rfc822Names (RFC 5280 §4.2.1.6), and the SHA-256
    // of all of it in lower-case hexadecimal digits.
    std::vector<std::string> mail_names;
    std::string certificate_sha256;
};

class Stream {
  public:
    virtual ~Stream() = default;
    // Every wait after this ends with Timeout when the deadline passes; set it again for each step.
    virtual void expires_after(Duration timeout) = 0;
    // At least one byte, or Closed at the peer's orderly end, or an error.
    virtual Task<Result<std::size_t>> read_some(std::span<char> buffer) = 0;
    virtual Task<Status> write_all(std::string_view bytes) = 0;
    // Handshakes on the running connection. Bytes that came in plain before the handshake are the
    // caller's to refuse.
    virtual Task<Status> start_tls_server(ServerTls how) = 0;
    virtual Task<Status> start_tls_client(
        std::shared_ptr<const TlsContext> context, std::string server_name
    ) = 0;
    [[nodiscard]] virtual bool input_waiting(
    ) const = 0;  // bytes have come that nobody has read yet (early talkers)
    [[nodiscard]] virtual std::optional<TlsInfo> tls() const = 0;
    // What binds an authentication to this TLS connection, seen from its server: "tls-exporter"
    // (RFC 9266) or "tls-server-end-point" (RFC 5929 §4). nullopt: not under TLS, an unknown name,
    // or undefined for this connection.
    [[nodiscard]] virtual std::optional<std::string> channel_binding(std::string_view name
    ) const = 0;
    [[nodiscard]] virtual Endpoint peer() const = 0;
    [[nodiscard]] virtual Endpoint local() const = 0;
    // What peer() and local() say from now on: a proxy that is believed has told whose connection
    // it is.
    virtual void assume(const Endpoint& peer, const Endpoint& local) = 0;
    [[nodiscard]] virtual Executor executor() const = 0;
    // Orderly: TLS close_notify, then FIN. close() at once; a waiting read ends with Cancelled.
    // Both may be repeated.
    virtual Task<void> shutdown() = 0;
    // After a last reply to a peer that may still be sending: shutdown(), then reads and throws
    // away until the peer's end, the time, or 1 MiB; then close(). Closing at once would make the
    // kernel send RST, which can destroy the reply on its way.
    virtual Task<void> linger(Duration timeout) = 0;
    virtual void close() = 0;
};

// Everything of a stream is called on its executor. Destroying it while a wait goes on is safe: the
// wait ends with Cancelled.

// Connects over TCP. `source`: the local address to use, if any.
Task<Result<std::unique_ptr<Stream>>> connect(
    Executor executor, Endpoint to, std::optional<IpAddress> source, Duration timeout
);
// Connects to a Unix-domain socket (LMTP). peer() and local() are 0.0.0.0:0.
Task<Result<std::unique_ptr<Stream>>> connect_unix(
    Executor executor, std::string path, Duration timeout
);

}  // namespace sekisho::net

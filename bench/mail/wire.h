// A non-blocking TCP connection, plain or with OpenSSL right on the socket: the load generator and
// the sink shall cost as little as a mail program can.
#pragma once

#include "base/fd.h"

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::bench {

struct FreeContext {
    void operator()(SSL_CTX* context) const;
};
struct FreeTls {
    void operator()(SSL* tls) const;
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

// Takes any certificate. The newest session ticket is kept in the context for
// TlsSide::ClientResuming.
TlsContext client_context();
// PEM files of a chain and its key. Throws std::runtime_error with OpenSSL's words.
TlsContext server_context(const std::string& certificate, const std::string& key);

enum class TlsSide : std::uint8_t { Client, ClientResuming, Server };

class Wire {
  public:
    explicit Wire(UniqueFd fd) : fd_(std::move(fd)) {}

    [[nodiscard]] int fd() const { return fd_.get(); }

    // From now on TLS; bytes that came in plain text before are dropped (RFC 3207 §4.2).
    void start_tls(SSL_CTX* context, TlsSide side);
    [[nodiscard]] bool handshaking() const { return tls_ && !shaken_; }
    [[nodiscard]] bool resumed() const;

    // Takes part in the handshake, reads what is there into input() up to `limit` octets, writes
    // what is owed. False when the connection is over.
    bool pump(std::size_t limit = std::size_t{256} * 1024);

    std::string& input() { return input_; }
    void send(std::string_view text);
    // `text` must live until it is sent.
    void send_shared(std::string_view text);
    // What pump() would write now.
    bool flush();
    [[nodiscard]] bool wants_write() const {
        return tls_wants_write_ || (!output_.empty() && !handshaking());
    }
    // The limit of pump() left octets behind: call it again without waiting for the socket.
    [[nodiscard]] bool more_to_read() const { return more_; }

    // Sends close_notify where there is TLS, without waiting for the peer's.
    void close();

  private:
    struct Piece {
        std::string own;
        std::string_view shared;
        [[nodiscard]] std::string_view text() const { return own.empty() ? shared : own; }
    };
    bool shake();
    bool fill(std::size_t limit);
    std::ptrdiff_t read_some(char* to, std::size_t size);
    std::ptrdiff_t write_some(std::string_view text);
    std::ptrdiff_t tls_outcome(int got);

    UniqueFd fd_;
    std::unique_ptr<SSL, FreeTls> tls_;
    bool shaken_ = false;
    bool tls_wants_write_ = false;
    bool more_ = false;
    std::string input_;
    std::deque<Piece> output_;
    std::size_t written_ = 0;  // of the first piece
};

// A listener that shares its port with its fellows (SO_REUSEPORT), on all IPv4 addresses of the
// host; throws std::system_error. Port 0 takes a free one: see local_port().
UniqueFd listen_on(int port);
int local_port(int fd);
// Begins to connect; `source` is 0 or the number of a loopback address 127.0.0.`source` to come
// from.
UniqueFd connect_to(const std::string& host, int port, int source);
// As many descriptors as this process may have.
void raise_descriptor_limit();

}  // namespace sekisho::bench

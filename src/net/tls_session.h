// One TLS session on a descriptor: OpenSSL's calls with their outcomes as values. For stream.cc.
#pragma once

#include "base/result.h"
#include "net/stream.h"
#include "net/tls.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;
struct ssl_ctx_st;

namespace sekisho::net {

class TlsSession {
  public:
    [[nodiscard]] static Result<TlsSession> server(ServerTls how, int fd);
    // The name is compared with the certificate, and sent as SNI (RFC 6066 §3) unless it is an
    // address. An empty one is Invalid where the context wants a verified peer.
    [[nodiscard]] static Result<TlsSession> client(
        std::shared_ptr<const TlsContext> context, int fd, const std::string& server_name
    );

    enum class Want { Nothing, Read, Write };
    // `bytes` > 0: done. Else `want` says what to wait for; Nothing: the session has ended.
    struct Step {
        std::size_t bytes = 0;
        Want want = Want::Nothing;
    };
    Step handshake();
    Step read(std::span<char> buffer);
    Step write(std::string_view bytes);
    // close_notify (RFC 8446 §6.1), unless the session is broken.
    Want send_end();

    [[nodiscard]] bool input_waiting() const;
    [[nodiscard]] std::optional<TlsInfo> info() const { return info_; }  // after the handshake
    // Stream::channel_binding().
    [[nodiscard]] std::optional<std::string> channel_binding(std::string_view name) const;
    // After an end: whether it was the peer's orderly or plain end, and what went wrong otherwise.
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const std::string& error() const { return error_; }

  private:
    struct Free {
        void operator()(ssl_st* ssl) const;
    };
    TlsSession(std::shared_ptr<const TlsContext> context, std::unique_ptr<ssl_st, Free> ssl)
        : context_(std::move(context)), ssl_(std::move(ssl)) {}
    [[nodiscard]] static Result<TlsSession> make(std::shared_ptr<const TlsContext> context, int fd);
    Step finish(int result, std::size_t bytes);

    [[nodiscard]] TlsInfo facts() const;

    std::shared_ptr<const TlsContext> context_;
    std::unique_ptr<std::vector<std::string>> protocols_;  // of a server; OpenSSL points to it
    std::unique_ptr<ssl_st, Free> ssl_;
    std::optional<TlsInfo> info_;
    bool named_ = false;  // the peer's certificate is compared with a name
    bool broken_ = false;
    bool ended_ = false;
    std::string error_;
};

// For the contexts of servers: chooses among the client's protocols (ALPN).
void choose_protocols(ssl_ctx_st* context);

// The oldest error in OpenSSL's queue as text, and empties the queue.
[[nodiscard]] std::string openssl_error();

}  // namespace sekisho::net

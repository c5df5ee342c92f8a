#include "bench/mail/wire.h"

#include "base/fd.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/types.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace sekisho::bench {
namespace {

constexpr std::ptrdiff_t kAgain = -1;
constexpr std::ptrdiff_t kOver = -2;

constexpr std::size_t kShareFrom = std::size_t{32} * 1024;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

[[noreturn]] void fail_tls(const std::string& what) {
    std::array<char, 256> words{};
    ERR_error_string_n(ERR_get_error(), words.data(), words.size());
    throw std::runtime_error(fmt::format("{}: {}", what, words.data()));
}

// Where a client's context keeps its newest ticket.
int ticket_slot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

int keep_ticket(SSL* tls, SSL_SESSION* session) {
    SSL_CTX* context = SSL_get_SSL_CTX(tls);
    auto* before = static_cast<SSL_SESSION*>(SSL_CTX_get_ex_data(context, ticket_slot()));
    SSL_CTX_set_ex_data(context, ticket_slot(), session);
    SSL_SESSION_free(before);
    return 1;
}

TlsContext context_of(const SSL_METHOD* method) {
    TlsContext context(SSL_CTX_new(method));
    if (!context) {
        fail_tls("SSL_CTX_new");
    }
    SSL_CTX_set_mode(
        context.get(),
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    );
    SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    return context;
}

void set_flag(int fd, int level, int name) {
    const int on = 1;
    ::setsockopt(fd, level, name, &on, sizeof on);
}

}  // namespace

void FreeContext::operator()(SSL_CTX* context) const {
    SSL_SESSION_free(static_cast<SSL_SESSION*>(SSL_CTX_get_ex_data(context, ticket_slot())));
    SSL_CTX_free(context);
}
void FreeTls::operator()(SSL* tls) const {
    SSL_free(tls);
}

TlsContext client_context() {
    TlsContext context = context_of(TLS_client_method());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(
        context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
    );
    SSL_CTX_sess_set_new_cb(context.get(), &keep_ticket);
    return context;
}

TlsContext server_context(const std::string& certificate, const std::string& key) {
    TlsContext context = context_of(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) {
        fail_tls(certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
        fail_tls(key);
    }
    return context;
}

void Wire::start_tls(SSL_CTX* context, TlsSide side) {
    input_.clear();
    tls_.reset(SSL_new(context));
    if (!tls_ || SSL_set_fd(tls_.get(), fd_.get()) != 1) {
        fail_tls("SSL_new");
    }
    if (side == TlsSide::Server) {
        SSL_set_accept_state(tls_.get());
        return;
    }
    SSL_set_connect_state(tls_.get());
    if (auto* ticket = static_cast<SSL_SESSION*>(SSL_CTX_get_ex_data(context, ticket_slot()));
        side == TlsSide::ClientResuming && ticket != nullptr) {
        SSL_set_session(tls_.get(), ticket);
    }
}

bool Wire::resumed() const {
    return tls_ && SSL_session_reused(tls_.get()) == 1;
}

std::ptrdiff_t Wire::tls_outcome(int got) {
    if (got > 0) {
        return got;
    }
    const int why = SSL_get_error(tls_.get(), got);
    ERR_clear_error();
    tls_wants_write_ = why == SSL_ERROR_WANT_WRITE;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? kAgain : kOver;
}

std::ptrdiff_t Wire::read_some(char* to, std::size_t size) {
    if (tls_) {
        return tls_outcome(SSL_read(tls_.get(), to, static_cast<int>(size)));
    }
    const ssize_t got = ::recv(fd_.get(), to, size, 0);
    if (got > 0) {
        return got;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN) ? kAgain : kOver;
}

std::ptrdiff_t Wire::write_some(std::string_view text) {
    if (tls_) {
        const std::size_t size = std::min(text.size(), std::size_t{1} << 20);
        return tls_outcome(SSL_write(tls_.get(), text.data(), static_cast<int>(size)));
    }
    const ssize_t put = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (put > 0) {
        return put;
    }
    return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? kAgain : kOver;
}

bool Wire::shake() {
    tls_wants_write_ = false;
    const std::ptrdiff_t got = tls_outcome(SSL_do_handshake(tls_.get()));
    shaken_ = got > 0;
    return got != kOver;
}

bool Wire::fill(std::size_t limit) {
    more_ = false;
    std::array<char, std::size_t{64} * 1024> buffer;  // NOLINT: filled by the read
    std::size_t read = 0;
    while (true) {
        const std::ptrdiff_t got = read_some(buffer.data(), buffer.size());
        if (got < 0) {
            return got == kAgain;
        }
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        read += static_cast<std::size_t>(got);
        // A plain read that wasn't full has emptied the socket, most likely.
        if (!tls_ && static_cast<std::size_t>(got) < buffer.size()) {
            return true;
        }
        if (read >= limit) {
            more_ = true;
            return true;
        }
    }
}

bool Wire::flush() {
    while (!output_.empty()) {
        const std::string_view text = output_.front().text().substr(written_);
        const std::ptrdiff_t put = write_some(text);
        if (put < 0) {
            return put == kAgain;
        }
        written_ += static_cast<std::size_t>(put);
        if (written_ == output_.front().text().size()) {
            output_.pop_front();
            written_ = 0;
        }
    }
    return true;
}

bool Wire::pump(std::size_t limit) {
    if (handshaking() && !shake()) {
        return false;
    }
    return handshaking() || (flush() && fill(limit));
}

void Wire::send(std::string_view text) {
    if (output_.empty() || output_.back().own.empty()) {
        output_.push_back({});
    }
    output_.back().own += text;
}

void Wire::send_shared(std::string_view text) {
    if (text.size() < kShareFrom) {
        send(text);
    } else {
        output_.push_back({.own = {}, .shared = text});
    }
}

void Wire::close() {
    if (tls_ && shaken_) {
        SSL_shutdown(tls_.get());
        ERR_clear_error();
    }
    fd_ = UniqueFd();
}

UniqueFd listen_on(int port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<in_port_t>(port));
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        fail("bind");
    }
    if (::listen(fd.get(), 4096) != 0) {
        fail("listen");
    }
    return fd;
}

int local_port(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

UniqueFd connect_to(const std::string& host, int port, int source) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) {
        fail("socket");
    }
    set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (source > 0) {
        // The port is chosen at connect(), so that one serves many destinations.
        set_flag(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + static_cast<in_addr_t>(source));
        if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            fail("bind");
        }
    }
    address.sin_port = htons(static_cast<in_port_t>(port));
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
        throw std::runtime_error(fmt::format("{} is not an IPv4 address", host));
    }
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
        fail("connect");
    }
    return fd;
}

void raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace sekisho::bench

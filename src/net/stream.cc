// Streams on non-blocking descriptors. A system call (or an OpenSSL call) is tried first; only when
// it would block does the coroutine wait for the descriptor. So an idle connection holds no buffer,
// and OpenSSL frees its own (SSL_MODE_RELEASE_BUFFERS).
//
// The coroutines own the connection's state, not the Stream, so that a Stream may be destroyed
// while one of them waits.
#include "net/stream.h"

#include "base/assert.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/socket.h"
#include "net/tls.h"
#include "net/tls_session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Wait = asio::posix::stream_descriptor::wait_type;

// After so many calls in a row that didn't wait, others on the loop get their turn.
constexpr int kCallsInARowMax = 32;
constexpr std::size_t kLingerBytesMax = 1U << 20U;

struct Connection : std::enable_shared_from_this<Connection> {
    Connection(const Executor& executor, UniqueFd socket, Endpoint peer_, Endpoint local_)
        : fd(executor, socket.release()), timer(executor), peer(peer_), local(local_) {}

    asio::posix::stream_descriptor fd;
    asio::steady_timer timer;
    std::optional<Clock::time_point> deadline;
    bool timer_runs = false;
    bool expired = false;
    bool closed = false;
    bool sent_end = false;
    int calls_in_a_row = 0;
    Endpoint peer, local;
    std::optional<TlsSession> tls;

    // One timer for the whole life: it is moved only when the new deadline is sooner, and looks at
    // the deadline again when it fires.
    void arm() {
        if (!deadline || (timer_runs && timer.expiry() <= *deadline)) {
            return;
        }
        timer.expires_at(*deadline);
        timer_runs = true;
        timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (error || !self) {
                return;
            }
            self->timer_runs = false;
            if (!self->deadline || self->closed) {
                return;
            }
            if (Clock::now() < *self->deadline) {
                self->arm();
                return;
            }
            self->expired = true;
            self->fd.cancel();
        });
    }

    void expires_after(Duration timeout) {
        deadline = Clock::now() + timeout;
        expired = false;
    }

    void close() {
        if (closed) {
            return;
        }
        closed = true;
        timer.cancel();
        boost::system::error_code ignored;
        fd.close(ignored);
    }

    // Whether a call may go on, before it is made and after a wait.
    [[nodiscard]] Status open() const {
        if (closed) {
            return fail(Errc::Cancelled, "the connection was closed here");
        }
        if (expired || (deadline && Clock::now() >= *deadline)) {
            return fail(Errc::Timeout, "no answer from " + peer.text() + " in time");
        }
        return {};
    }
};
using ConnectionPtr = std::shared_ptr<Connection>;

Task<Status> wait(ConnectionPtr connection, Wait what) {
    if (Status open = connection->open(); !open) {
        co_return open;
    }
    connection->arm();
    connection->calls_in_a_row = 0;
    auto token = asio::as_tuple(asio::use_awaitable);
    const auto waited = co_await connection->fd.async_wait(what, token);
    const auto& [error] = waited;
    if (Status open = connection->open(); !open) {
        co_return open;
    }
    if (error == asio::error::operation_aborted) {
        co_return fail(Errc::Cancelled, "the wait was cancelled");
    }
    if (error) {
        co_return fail(errno_error("waiting for " + connection->peer.text(), error.value()));
    }
    co_return Status{};
}

Task<void> take_turns(ConnectionPtr connection) {
    if (++connection->calls_in_a_row >= kCallsInARowMax) {
        connection->calls_in_a_row = 0;
        co_await asio::post(connection->fd.get_executor(), asio::use_awaitable);
    }
}

Status tls_failure(const ConnectionPtr& connection) {
    const TlsSession& tls = *connection->tls;
    return tls.ended()
               ? fail(Errc::Closed, "the peer closed the connection")
               : fail(Errc::Closed, "TLS with " + connection->peer.text() + ": " + tls.error());
}

// What to wait for after an OpenSSL call; nullopt: the session has ended.
std::optional<Wait> wanted(TlsSession::Want want) {
    switch (want) {
        case TlsSession::Want::Read:
            return Wait::wait_read;
        case TlsSession::Want::Write:
            return Wait::wait_write;
        case TlsSession::Want::Nothing:
            break;
    }
    return std::nullopt;
}

Task<Result<std::size_t>> read_some(ConnectionPtr connection, std::span<char> buffer) {
    SEKISHO_ASSERT(!buffer.empty());
    co_await take_turns(connection);
    while (true) {
        if (Status open = connection->open(); !open) {
            co_return fail(open.error());
        }
        Wait what = Wait::wait_read;
        if (connection->tls) {
            const TlsSession::Step step = connection->tls->read(buffer);
            if (step.bytes > 0) {
                co_return step.bytes;
            }
            const auto next = wanted(step.want);
            if (!next) {
                co_return fail(tls_failure(connection).error());
            }
            what = *next;
        } else {
            const ssize_t got =
                ::recv(connection->fd.native_handle(), buffer.data(), buffer.size(), 0);
            if (got > 0) {
                co_return static_cast<std::size_t>(got);
            }
            if (got == 0) {
                co_return fail(Errc::Closed, "the peer closed the connection");
            }
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                co_return fail(errno_error("reading from " + connection->peer.text()));
            }
        }
        if (Status waited = co_await wait(connection, what); !waited) {
            co_return fail(waited.error());
        }
    }
}

Task<Status> write_all(ConnectionPtr connection, std::string_view bytes) {
    while (!bytes.empty()) {
        co_await take_turns(connection);
        if (Status open = connection->open(); !open) {
            co_return open;
        }
        Wait what = Wait::wait_write;
        if (connection->tls) {
            const TlsSession::Step step = connection->tls->write(bytes);
            if (step.bytes > 0) {
                bytes.remove_prefix(step.bytes);
                continue;
            }
            const auto next = wanted(step.want);
            if (!next) {
                co_return tls_failure(connection);
            }
            what = *next;
        } else {
            const ssize_t sent =
                ::send(connection->fd.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
                continue;
            }
            if (errno == EINTR) {
                continue;
            }
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                co_return fail(errno_error("writing to " + connection->peer.text()));
            }
        }
        if (Status waited = co_await wait(connection, what); !waited) {
            co_return waited;
        }
    }
    co_return Status{};
}

Task<Status> handshake(ConnectionPtr connection, Result<TlsSession> session) {
    if (!session) {
        co_return fail(session.error());
    }
    if (connection->tls) {
        co_return fail(Errc::Conflict, "TLS runs already on this connection");
    }
    connection->tls.emplace(std::move(*session));
    while (true) {
        if (Status open = connection->open(); !open) {
            co_return open;
        }
        const TlsSession::Step step = connection->tls->handshake();
        if (step.bytes > 0) {
            co_return Status{};
        }
        const auto next = wanted(step.want);
        if (!next) {
            const std::string reason = connection->tls->ended() ? "the peer closed the connection"
                                                                : connection->tls->error();
            co_return fail(
                Errc::Unavailable, "TLS handshake with " + connection->peer.text() + ": " + reason
            );
        }
        if (Status waited = co_await wait(connection, *next); !waited) {
            co_return waited;
        }
    }
}

Task<void> shutdown(ConnectionPtr connection) {
    if (connection->closed || connection->sent_end) {
        co_return;
    }
    connection->sent_end = true;
    while (connection->tls) {
        const auto next = wanted(connection->tls->send_end());
        if (!next) {
            break;
        }
        const Status waited = co_await wait(connection, *next);
        if (!waited) {
            break;
        }
    }
    if (!connection->closed) {
        ::shutdown(connection->fd.native_handle(), SHUT_WR);
    }
}

Task<void> linger(ConnectionPtr connection, Duration timeout) {
    connection->expires_after(timeout);
    co_await shutdown(connection);
    std::array<char, 4096> dropped{};
    std::size_t total = 0;
    // Below TLS: what still comes is of no interest, and the session may be broken.
    while (!connection->closed && total < kLingerBytesMax) {
        const ssize_t got =
            ::recv(connection->fd.native_handle(), dropped.data(), dropped.size(), 0);
        if (got > 0) {
            total += static_cast<std::size_t>(got);
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            break;
        }
        const Status waited = co_await wait(connection, Wait::wait_read);
        if (!waited) {
            break;
        }
    }
    connection->close();
}

class SocketStream final : public Stream {
  public:
    explicit SocketStream(ConnectionPtr connection) : connection_(std::move(connection)) {}
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;
    ~SocketStream() override { connection_->close(); }

    void expires_after(Duration timeout) override { connection_->expires_after(timeout); }
    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        return net::read_some(connection_, buffer);
    }
    Task<Status> write_all(std::string_view bytes) override {
        return net::write_all(connection_, bytes);
    }
    Task<Status> start_tls_server(ServerTls how) override {
        return handshake(
            connection_, TlsSession::server(std::move(how), connection_->fd.native_handle())
        );
    }
    Task<Status> start_tls_client(
        std::shared_ptr<const TlsContext> context, std::string server_name
    ) override {
        return handshake(
            connection_,
            TlsSession::client(std::move(context), connection_->fd.native_handle(), server_name)
        );
    }
    [[nodiscard]] bool input_waiting() const override {
        if (connection_->closed) {
            return false;
        }
        if (connection_->tls) {
            return connection_->tls->input_waiting();
        }
        char byte = 0;
        return ::recv(connection_->fd.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    }
    [[nodiscard]] std::optional<std::string> channel_binding(std::string_view name) const override {
        return connection_->tls ? connection_->tls->channel_binding(name) : std::nullopt;
    }
    [[nodiscard]] std::optional<TlsInfo> tls() const override {
        if (!connection_->tls) {
            return std::nullopt;
        }
        return connection_->tls->info();
    }
    [[nodiscard]] Endpoint peer() const override { return connection_->peer; }
    [[nodiscard]] Endpoint local() const override { return connection_->local; }
    void assume(const Endpoint& peer, const Endpoint& local) override {
        connection_->peer = peer;
        connection_->local = local;
    }
    [[nodiscard]] Executor executor() const override { return connection_->fd.get_executor(); }
    Task<void> shutdown() override { return net::shutdown(connection_); }
    Task<void> linger(Duration timeout) override { return net::linger(connection_, timeout); }
    void close() override { connection_->close(); }

  private:
    // Mutable through the pointer: looking for waiting TLS input decrypts it.
    ConnectionPtr connection_;
};

Task<Result<std::unique_ptr<Stream>>> connect_socket(
    Executor executor, UniqueFd socket, SocketAddress to, std::string shown, Duration timeout
) {
    const Endpoint peer = to.endpoint();
    auto connection = std::make_shared<Connection>(executor, std::move(socket), peer, Endpoint{});
    connection->expires_after(timeout);
    const int fd = connection->fd.native_handle();
    if (::connect(fd, to.data(), to.length) != 0) {
        if (errno != EINPROGRESS) {
            co_return fail(errno_error(shown));
        }
        if (Status waited = co_await wait(connection, Wait::wait_write); !waited) {
            co_return fail(waited.error().code, shown + ": " + waited.error().message);
        }
        int problem = 0;
        socklen_t size = sizeof problem;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem != 0) {
            co_return fail(errno_error(shown, problem));
        }
    }
    connection->local = SocketAddress::of_local(fd).endpoint();
    connection->deadline.reset();
    co_return std::make_unique<SocketStream>(std::move(connection));
}

}  // namespace

std::unique_ptr<Stream> adopt(
    const Executor& executor, UniqueFd fd, const Endpoint& peer, const Endpoint& local
) {
    return std::make_unique<SocketStream>(
        std::make_shared<Connection>(executor, std::move(fd), peer, local)
    );
}

Task<Result<std::unique_ptr<Stream>>> connect(
    Executor executor, Endpoint to, std::optional<IpAddress> source, Duration timeout
) {
    auto opened = open_socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM);
    if (!opened) {
        co_return fail(opened.error());
    }
    const int fd = opened->get();
    const std::string shown = "connecting to " + to.text();
    if (Status set = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, shown); !set) {
        co_return fail(set.error());
    }
    if (source) {
        // The port is chosen at connect(), so that one source address can reach many peers from
        // the same port.
        std::ignore = set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, shown);
        const Endpoint from{*source, 0};
        const SocketAddress bound = SocketAddress::from(from);
        if (::bind(fd, bound.data(), bound.length) != 0) {
            co_return fail(errno_error(shown + " from " + source->text()));
        }
    }
    SocketAddress address = SocketAddress::from(to);
    auto result = co_await connect_socket(executor, std::move(*opened), address, shown, timeout);
    co_return result;
}

Task<Result<std::unique_ptr<Stream>>> connect_unix(
    Executor executor, std::string path, Duration timeout
) {
    auto address = SocketAddress::unix_path(path);
    if (!address) {
        co_return fail(address.error());
    }
    auto opened = open_socket(AF_UNIX, SOCK_STREAM);
    if (!opened) {
        co_return fail(opened.error());
    }
    auto result =
        co_await connect_socket(executor, std::move(*opened), *address, std::move(path), timeout);
    co_return result;
}

}  // namespace sekisho::net

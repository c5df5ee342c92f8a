// listen() and the loop that accepts.
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/socket.h"
#include "net/task.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

// The kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 4096;
// Connections taken before others on the loop get their turn.
constexpr int kAcceptsInARowMax = 64;
constexpr Duration kBackoffFirst{50};
constexpr Duration kBackoffMax{1000};

bool shortage(int problem) {
    return problem == EMFILE || problem == ENFILE || problem == ENOBUFS || problem == ENOMEM;
}

// Keeps what the coroutine of the connection may refer to (a lambda's captures) until it ends,
// which may be after the listener's end.
Task<void> serve(std::shared_ptr<const Accepted> accepted, std::unique_ptr<Stream> stream) {
    co_await (*accepted)(std::move(stream));
}

class AcceptLoopState final : public AcceptLoop,
                              public std::enable_shared_from_this<AcceptLoopState> {
  public:
    AcceptLoopState(const Executor& executor, UniqueFd fd, std::string name, Accepted accepted)
        : fd_(executor, fd.release()),
          timer_(executor),
          name_(std::move(name)),
          accepted_(std::make_shared<const Accepted>(std::move(accepted))) {}

    void stop() override {
        asio::dispatch(fd_.get_executor(), [self = shared_from_this()] {
            if (!self->stopped_) {
                self->stopped_ = true;
                boost::system::error_code ignored;
                self->fd_.close(ignored);
                self->timer_.cancel();
            }
        });
    }

    static Task<void> run(std::shared_ptr<AcceptLoopState> self) {
        auto token = asio::as_tuple(asio::use_awaitable);
        Duration backoff = kBackoffFirst;
        while (!self->stopped_) {
            const int problem = self->take();
            if (shortage(problem)) {
                if (backoff == kBackoffFirst) {  // once for each time of shortage
                    log::warning(
                        "NET_ACCEPT_SHORT",
                        "connections wait: the system has no resources to accept them",
                        {{"listener", self->name_},
                         {"error", errno_error("accept", problem).message}}
                    );
                }
                self->timer_.expires_after(backoff);
                co_await self->timer_.async_wait(token);
                backoff = std::min(backoff * 2, kBackoffMax);
                continue;
            }
            backoff = kBackoffFirst;
            if (!self->stopped_) {
                co_await self->fd_.async_wait(asio::posix::stream_descriptor::wait_read, token);
            }
        }
    }

  private:
    // Takes what waits; 0, or the errno that ended it.
    int take() {
        const Executor executor = fd_.get_executor();
        for (int i = 0; i < kAcceptsInARowMax; ++i) {
            SocketAddress from;
            from.length = sizeof from.storage;
            UniqueFd fd(::accept4(
                fd_.native_handle(), from.data(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC
            ));
            if (!fd.valid()) {
                if (errno == EAGAIN || errno == EWOULDBLOCK) {
                    return 0;
                }
                if (shortage(errno)) {
                    return errno;
                }
                // The rest concerns the one connection (accept(2): errors pending on the new
                // socket are reported here), which is gone.
                continue;
            }
            const Endpoint peer = from.endpoint();
            const SocketAddress local = SocketAddress::of_local(fd.get());
            if (local.storage.ss_family != AF_UNIX) {
                std::ignore = set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1, name_);
            }
            auto stream = adopt(executor, std::move(fd), peer, local.endpoint());
            spawn(executor, serve(accepted_, std::move(stream)), name_);
        }
        return 0;
    }

    asio::posix::stream_descriptor fd_;
    asio::steady_timer timer_;
    std::string name_;
    std::shared_ptr<const Accepted> accepted_;
    bool stopped_ = false;
};

class TcpListener final : public Listener {
  public:
    TcpListener(Endpoint local, std::vector<std::shared_ptr<AcceptLoop>> loops)
        : local_(local), loops_(std::move(loops)) {}
    TcpListener(const TcpListener&) = delete;
    TcpListener& operator=(const TcpListener&) = delete;
    ~TcpListener() override { halt(); }
    [[nodiscard]] Endpoint local() const override { return local_; }
    void stop() override { halt(); }

  private:
    void halt() {
        for (const auto& loop : loops_) {
            loop->stop();
        }
    }
    Endpoint local_;
    std::vector<std::shared_ptr<AcceptLoop>> loops_;
};

Result<UniqueFd> bind_socket(
    const Endpoint& at, bool shared, ListenOptions options, const std::string& what
) {
    auto fd = open_socket(at.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM);
    if (!fd) {
        return fail(fd.error().code, what + ": " + fd.error().message);
    }
    Status set = set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1, what);
    if (set && shared) {
        set = set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1, what);
    }
    if (set && !at.address.is_v4()) {
        set = set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, what);
    }
    if (set && options.transparent) {
        set = at.address.is_v4() ? set_option(fd->get(), IPPROTO_IP, IP_TRANSPARENT, 1, what)
                                 : set_option(fd->get(), IPPROTO_IPV6, IPV6_TRANSPARENT, 1, what);
    }
    if (!set) {
        return fail(set.error());
    }
    const SocketAddress address = SocketAddress::from(at);
    if (::bind(fd->get(), address.data(), address.length) != 0) {
        return fail(errno_error(what));
    }
    return fd;
}

}  // namespace

std::shared_ptr<AcceptLoop> AcceptLoop::start(
    const Executor& executor, UniqueFd listening, std::string name, Accepted accepted
) {
    auto loop = std::make_shared<AcceptLoopState>(
        executor, std::move(listening), name, std::move(accepted)
    );
    spawn(executor, AcceptLoopState::run(loop), "accepting for " + name);
    return loop;
}

Result<std::unique_ptr<Listener>> listen(
    Loops& loops, const Endpoint& at, std::string name, Accepted accepted, ListenOptions options
) {
    const std::string what = name + ": can't listen on " + at.text();
    // SO_REUSEPORT would let a second server of the same user share the port without a word, each
    // getting some of the connections. A socket without it says whether the port is free.
    if (at.port != 0) {
        const auto probe = bind_socket(at, false, options, what);
        if (!probe) {
            return fail(probe.error());
        }
    }
    Endpoint local = at;
    std::vector<UniqueFd> sockets;
    for (std::size_t i = 0; i < loops.size(); ++i) {
        auto fd = bind_socket(local, true, options, what);
        if (!fd) {
            return fail(fd.error());
        }
        if (::listen(fd->get(), kBacklog) != 0) {
            return fail(errno_error(what));
        }
        local = SocketAddress::of_local(fd->get()).endpoint();
        sockets.push_back(std::move(*fd));
    }
    std::vector<std::shared_ptr<AcceptLoop>> running;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        running.push_back(
            AcceptLoop::start(loops.executor(i), std::move(sockets[i]), name, accepted)
        );
    }
    return std::make_unique<TcpListener>(local, std::move(running));
}

}  // namespace sekisho::net

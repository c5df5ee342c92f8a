#include "net/udp.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "net/server.h"
#include "net/socket.h"
#include "net/task.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

constexpr int kDatagramsInARowMax = 64;
constexpr int kReceiveBuffer = 4 * 1024 * 1024;  // cut to net.core.rmem_max by the kernel
constexpr std::size_t kControlSize = 128;

// The kernel's note of the address that a datagram was sent to, given back with the reply (RFC 2865
// §3 and common sense: a client takes no answer from another address).
struct alignas(cmsghdr) Note {
    std::array<char, kControlSize> bytes{};
    std::size_t size = 0;
};

Note keep_destination(msghdr& header) {
    Note note;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        const bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO;
        const bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO;
        if ((!v4 && !v6) || c->cmsg_len > note.bytes.size()) {
            continue;
        }
        if (v4) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(c), sizeof info);
            // Sent from the address, not pinned to the interface.
            info.ipi_spec_dst = info.ipi_addr;
            info.ipi_ifindex = 0;
            std::memcpy(CMSG_DATA(c), &info, sizeof info);
            note.size = CMSG_SPACE(sizeof info);
        } else {
            note.size = CMSG_SPACE(sizeof(in6_pktinfo));
        }
        std::memcpy(note.bytes.data(), c, c->cmsg_len);
        break;
    }
    return note;
}

struct Datagram {
    std::string bytes;
    SocketAddress from;
    Note to;
};

class Server final : public std::enable_shared_from_this<Server> {
  public:
    Server(
        const Executor& executor,
        UniqueFd fd,
        Workers& workers,
        std::string name,
        UdpDeferred handler,
        UdpOptions options
    )
        : fd_(executor, fd.release()),
          workers_(workers),
          name_(std::move(name)),
          handler_(std::move(handler)),
          options_(options),
          buffer_(options.datagram_max + 1) {}

    static Task<void> run(std::shared_ptr<Server> self) {
        auto token = asio::as_tuple(asio::use_awaitable);
        while (!self->stopped_) {
            self->take();
            co_await self->fd_.async_wait(asio::posix::stream_descriptor::wait_read, token);
        }
    }

    void stop() {
        asio::dispatch(fd_.get_executor(), [self = shared_from_this()] {
            self->stopped_ = true;
            // Shut at the end of the last handler, which may still be sending through it.
            self->fd_.cancel();
        });
    }

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

    // What can't be sent is lost, as datagrams are: the client asks again.
    void send(SocketAddress to, Note note, std::string& bytes) {
        iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
        msghdr header{};
        header.msg_name = to.data();
        header.msg_namelen = to.length;
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        if (note.size > 0) {
            header.msg_control = note.bytes.data();
            header.msg_controllen = note.size;
        }
        if (::sendmsg(fd_.native_handle(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            log::warning(
                "UDP_NOT_SENT",
                "a datagram could not be sent",
                {{"server", name_},
                 {"peer", to.endpoint().text()},
                 {"error", errno_error("sendmsg").message}}
            );
        }
    }

  private:
    void take() {
        for (int i = 0; i < kDatagramsInARowMax && !stopped_; ++i) {
            Datagram datagram;
            iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
            alignas(cmsghdr) std::array<char, kControlSize> control{};
            msghdr header{};
            header.msg_name = datagram.from.data();
            header.msg_namelen = sizeof datagram.from.storage;
            header.msg_iov = &part;
            header.msg_iovlen = 1;
            header.msg_control = control.data();
            header.msg_controllen = control.size();
            const ssize_t got = ::recvmsg(fd_.native_handle(), &header, MSG_DONTWAIT);
            if (got < 0) {
                if (errno == EAGAIN || errno == EWOULDBLOCK) {
                    return;
                }
                continue;  // an ICMP error for an earlier reply of ours
            }
            if (static_cast<std::size_t>(got) > options_.datagram_max ||
                in_work_ >= options_.waiting_max) {
                ++dropped_;
                continue;
            }
            datagram.from.length = header.msg_namelen;
            datagram.bytes.assign(buffer_.data(), static_cast<std::size_t>(got));
            datagram.to = keep_destination(header);
            ++in_work_;
            workers_.post([self = shared_from_this(), datagram = std::move(datagram)] {
                self->handle(datagram);
                --self->in_work_;
            });
        }
    }

    void handle(const Datagram& datagram) {
        UdpReply reply =
            [weak = weak_from_this(), from = datagram.from, to = datagram.to](std::string bytes) {
                if (const auto self = weak.lock()) {
                    self->send(from, to, bytes);
                }
            };
        try {
            handler_(datagram.bytes, datagram.from.endpoint(), std::move(reply));
        } catch (const std::exception& error) {
            log::error(
                "UDP_HANDLER_FAILED",
                "a datagram's handler ended with an exception",
                {{"server", name_}, {"error", error.what()}}
            );
        }
    }

    asio::posix::stream_descriptor fd_;
    Workers& workers_;
    std::string name_;
    UdpDeferred handler_;
    UdpOptions options_;
    std::vector<char> buffer_;  // one more than the most, to see what is larger
    std::atomic<std::size_t> in_work_{0};
    std::atomic<std::uint64_t> dropped_{0};
    bool stopped_ = false;
};

class UdpHandle final : public UdpServer {
  public:
    UdpHandle(std::shared_ptr<Server> server, Endpoint local)
        : server_(std::move(server)), local_(local) {}
    UdpHandle(const UdpHandle&) = delete;
    UdpHandle& operator=(const UdpHandle&) = delete;
    ~UdpHandle() override { server_->stop(); }
    [[nodiscard]] Endpoint local() const override { return local_; }
    [[nodiscard]] std::uint64_t dropped() const override { return server_->dropped(); }
    void send(const Endpoint& to, std::string bytes) override {
        server_->send(SocketAddress::from(to), Note{}, bytes);
    }

  private:
    std::shared_ptr<Server> server_;
    Endpoint local_;
};

}  // namespace

Result<std::unique_ptr<UdpServer>> serve_udp(
    Loops& loops,
    Workers& workers,
    const Endpoint& at,
    std::string name,
    UdpHandler handler,
    UdpOptions options
) {
    UdpDeferred at_once = [handler = std::move(handler
                           )](std::string_view bytes, const Endpoint& from, const UdpReply& reply) {
        if (auto made = handler(bytes, from)) {
            reply(std::move(*made));
        }
    };
    return serve_udp_deferred(loops, workers, at, std::move(name), std::move(at_once), options);
}

Result<std::unique_ptr<UdpServer>> serve_udp_deferred(
    Loops& loops,
    Workers& workers,
    const Endpoint& at,
    std::string name,
    UdpDeferred handler,
    UdpOptions options
) {
    const std::string what = name + ": can't listen on " + at.text();
    const bool v4 = at.address.is_v4();
    auto fd = open_socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM);
    if (!fd) {
        return fail(fd.error());
    }
    Status set = v4 ? set_option(fd->get(), IPPROTO_IP, IP_PKTINFO, 1, what)
                    : set_option(fd->get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, what);
    if (set && !v4) {
        set = set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, what);
    }
    if (!set) {
        return fail(set.error());
    }
    std::ignore = set_option(fd->get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer, what);
    const SocketAddress address = SocketAddress::from(at);
    if (::bind(fd->get(), address.data(), address.length) != 0) {
        return fail(errno_error(what));
    }
    const Endpoint local = SocketAddress::of_local(fd->get()).endpoint();
    const Executor executor = loops.executor(0);
    auto server = std::make_shared<Server>(
        executor, std::move(*fd), workers, name, std::move(handler), options
    );
    spawn(executor, Server::run(server), name);
    return std::make_unique<UdpHandle>(std::move(server), local);
}

}  // namespace sekisho::net

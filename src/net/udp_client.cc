#include "net/udp_client.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/socket.h"
#include "net/task.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/types.h>
#include <utility>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kDatagramMax = 4096;

struct Socket {
    Socket(const Executor& executor, UniqueFd fd)
        : descriptor(executor, fd.release()), timer(executor) {}
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
};
using SocketPtr = std::shared_ptr<Socket>;

// A socket that hears only who it is connected to.
Result<SocketPtr> connected(const Executor& executor, const Endpoint& to) {
    const SocketAddress address = SocketAddress::from(to);
    auto fd = open_socket(address.storage.ss_family, SOCK_DGRAM);
    if (!fd) {
        return fail(fd.error());
    }
    if (::connect(fd->get(), address.data(), address.length) != 0) {
        return fail(errno_error(to.text()));
    }
    return std::make_shared<Socket>(executor, std::move(*fd));
}

// Until something has come, or the time. False: the time.
Task<bool> wait_readable(SocketPtr socket, Clock::time_point until) {
    socket->timer.expires_at(until);
    const std::weak_ptr<Socket> weak = socket;
    socket->timer.async_wait([weak](const boost::system::error_code& error) {
        if (const auto kept = weak.lock(); kept && !error) {
            kept->descriptor.cancel();
        }
    });
    auto token = asio::as_tuple(asio::use_awaitable);
    const auto waited =
        co_await socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, token);
    socket->timer.cancel();
    const auto& [error] = waited;
    co_return !error;
}

// The answer, nothing yet, or why there will be none.
Result<std::optional<std::string>> receive(Socket& socket, const UdpQuestion& question) {
    std::array<char, kDatagramMax> buffer{};
    const ssize_t got =
        ::recv(socket.descriptor.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
            return std::nullopt;
        }
        return fail(errno_error(question.to.text()));
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (!question.is_answer(bytes)) {
        return std::nullopt;
    }
    return std::string(bytes);
}

}  // namespace

Task<Result<std::string>> ask_udp(Executor executor, UdpQuestion question) {
    const auto socket = connected(executor, question.to);
    if (!socket) {
        co_return fail(socket.error());
    }
    const Clock::time_point end = Clock::now() + question.timeout;
    const Duration share = question.timeout / std::max(question.tries, 1);
    for (int i = 0; i < question.tries; ++i) {
        const int fd = (*socket)->descriptor.native_handle();
        if (::send(fd, question.bytes.data(), question.bytes.size(), MSG_NOSIGNAL) < 0) {
            co_return fail(errno_error(question.to.text()));
        }
        const Clock::time_point until = std::min(end, Clock::now() + share);
        while (Clock::now() < until) {
            const bool readable = co_await wait_readable(*socket, until);
            if (!readable) {
                break;
            }
            auto answer = receive(**socket, question);
            if (!answer) {
                co_return fail(answer.error());
            }
            if (*answer) {
                co_return std::move(**answer);
            }
        }
    }
    co_return fail(Errc::Timeout, "no answer from " + question.to.text());
}

}  // namespace sekisho::net

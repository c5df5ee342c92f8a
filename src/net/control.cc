#include "net/control.h"

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/socket.h"
#include "net/task.h"
#include "net/workers.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sekisho::net {
namespace {

constexpr int kBacklog = 64;
constexpr unsigned kMode = 0660;
constexpr Duration kIdle{60'000};

struct Role {
    ControlHandler handler;
    Workers& workers;
};

// False: the connection ends.
Task<bool> answer(std::shared_ptr<Role> role, Stream& stream, std::string request) {
    std::function<std::string()> work = [role, request = std::move(request)] {
        return role->handler(request);
    };
    std::string reply;
    try {
        reply = co_await run_on<std::string>(role->workers, std::move(work));
    } catch (const std::exception& error) {
        log::error(
            "CONTROL_FAILED", "a command ended with an exception", {{"error", error.what()}}
        );
        co_return false;
    }
    std::ranges::replace(reply, '\n', ' ');
    reply += '\n';
    stream.expires_after(kIdle);
    const Status written = co_await stream.write_all(reply);
    co_return written.has_value();
}

Task<void> serve(std::shared_ptr<Role> role, std::unique_ptr<Stream> stream) {
    std::string input;
    std::array<char, 4096> chunk{};
    while (true) {
        const std::size_t end = input.find('\n');
        if (end != std::string::npos) {
            std::string request = input.substr(0, end);
            input.erase(0, end + 1);
            const bool goes_on = co_await answer(role, *stream, std::move(request));
            if (!goes_on) {
                co_return;
            }
            continue;
        }
        if (input.size() > kControlRequestMax) {
            co_return;
        }
        stream->expires_after(kIdle);
        const auto got = co_await stream->read_some(chunk);
        if (!got) {
            co_return;
        }
        input.append(chunk.data(), *got);
    }
}

class UnixServer final : public ControlServer {
  public:
    UnixServer(std::string path, std::shared_ptr<AcceptLoop> loop, const struct stat& made)
        : path_(std::move(path)),
          loop_(std::move(loop)),
          device_(made.st_dev),
          inode_(made.st_ino) {}
    UnixServer(const UnixServer&) = delete;
    UnixServer& operator=(const UnixServer&) = delete;
    ~UnixServer() override {
        loop_->stop();
        // Only our own: another process may have taken the place meanwhile.
        struct stat now_there{};
        if (::lstat(path_.c_str(), &now_there) == 0 && now_there.st_dev == device_ &&
            now_there.st_ino == inode_) {
            ::unlink(path_.c_str());
        }
    }

  private:
    std::string path_;
    std::shared_ptr<AcceptLoop> loop_;
    dev_t device_;
    ino_t inode_;
};

// Makes room for a new socket: nothing there, or what a dead process left.
Status clear_place(const std::string& path, const SocketAddress& address) {
    struct stat there{};
    if (::lstat(path.c_str(), &there) != 0) {
        return errno == ENOENT ? Status{} : fail(errno_error(path));
    }
    if (!S_ISSOCK(there.st_mode)) {
        return fail(Errc::Conflict, path + ": exists and isn't a socket");
    }
    const auto probe = open_socket(AF_UNIX, SOCK_STREAM);
    if (!probe) {
        return fail(probe.error());
    }
    if (::connect(probe->get(), address.data(), address.length) == 0 || errno != ECONNREFUSED) {
        return fail(Errc::Conflict, path + ": another process answers there");
    }
    if (::unlink(path.c_str()) != 0) {
        return fail(errno_error(path));
    }
    return {};
}

// Waits for the descriptor; Timeout after `until`.
Status wait_for(int fd, short events, std::chrono::steady_clock::time_point until) {
    while (true) {
        const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now());
        if (left <= Duration::zero()) {
            return fail(Errc::Timeout, "no answer in time");
        }
        pollfd waiting{.fd = fd, .events = events, .revents = 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
        if (ready > 0) {
            return {};
        }
        if (ready < 0 && errno != EINTR) {
            return fail(errno_error("poll"));
        }
    }
}

Status send_request(int fd, std::string_view bytes, std::chrono::steady_clock::time_point until) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (Status waited = wait_for(fd, POLLOUT, until); !waited) {
                return waited;
            }
        } else if (errno != EINTR) {
            return fail(errno_error("sending"));
        }
    }
    return {};
}

Result<std::string> receive_reply(int fd, std::chrono::steady_clock::time_point until) {
    std::string reply;
    std::array<char, 65536> chunk{};
    while (true) {
        const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), 0);
        if (got == 0) {
            return fail(Errc::Closed, "the connection ended before the reply");
        }
        if (got > 0) {
            reply.append(chunk.data(), static_cast<std::size_t>(got));
            if (reply.back() == '\n') {
                reply.pop_back();
                return reply;
            }
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (Status waited = wait_for(fd, POLLIN, until); !waited) {
                return fail(waited.error());
            }
        } else if (errno != EINTR) {
            return fail(errno_error("reading"));
        }
    }
}

}  // namespace

Result<std::unique_ptr<ControlServer>> serve_control(
    Loops& loops, Workers& workers, const std::string& path, ControlHandler handler
) {
    const auto address = SocketAddress::unix_path(path);
    if (!address) {
        return fail(address.error());
    }
    if (Status clear = clear_place(path, *address); !clear) {
        return fail(clear.error());
    }
    auto fd = open_socket(AF_UNIX, SOCK_STREAM);
    if (!fd) {
        return fail(fd.error());
    }
    // Linux makes the file with the socket's own mode, so that there is no moment in which the
    // mode is wider; the umask may have narrowed it, hence chmod().
    if (::fchmod(fd->get(), kMode) != 0 ||
        ::bind(fd->get(), address->data(), address->length) != 0 ||
        ::chmod(path.c_str(), kMode) != 0 || ::listen(fd->get(), kBacklog) != 0) {
        return fail(errno_error(path));
    }
    struct stat made{};
    if (::lstat(path.c_str(), &made) != 0) {
        return fail(errno_error(path));
    }
    auto role = std::make_shared<Role>(std::move(handler), workers);
    Accepted accepted = [role](std::unique_ptr<Stream> stream) {
        return serve(role, std::move(stream));
    };
    auto loop = AcceptLoop::start(loops.executor(0), std::move(*fd), path, std::move(accepted));
    return std::make_unique<UnixServer>(path, std::move(loop), made);
}

Result<std::string> call_control(
    const std::string& path, const std::string& request, Duration timeout
) {
    if (request.find('\n') != std::string::npos || request.size() > kControlRequestMax) {
        return fail(Errc::Invalid, "a request is one line of at most 1 MiB");
    }
    const auto address = SocketAddress::unix_path(path);
    if (!address) {
        return fail(address.error());
    }
    const auto fd = open_socket(AF_UNIX, SOCK_STREAM);
    if (!fd) {
        return fail(fd.error());
    }
    const auto until = std::chrono::steady_clock::now() + timeout;
    if (::connect(fd->get(), address->data(), address->length) != 0) {
        Error error = errno_error(path);
        if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN) {
            error.code = Errc::Unavailable;
        }
        return fail(std::move(error));
    }
    if (Status sent = send_request(fd->get(), request + "\n", until); !sent) {
        return fail(sent.error().code, path + ": " + sent.error().message);
    }
    auto reply = receive_reply(fd->get(), until);
    if (!reply) {
        return fail(reply.error().code, path + ": " + reply.error().message);
    }
    return reply;
}

}  // namespace sekisho::net

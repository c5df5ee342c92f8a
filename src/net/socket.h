// Descriptors and socket addresses below the streams. For the files of this room only.
#pragma once

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"

#include <functional>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/types.h>
#include <utility>

namespace sekisho::net {

// A socket address in the kernel's form.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] static SocketAddress from(const Endpoint& endpoint);
    [[nodiscard]] static Result<SocketAddress> unix_path(const std::string& path);
    [[nodiscard]] static SocketAddress of_peer(int fd);
    [[nodiscard]] static SocketAddress of_local(int fd);
    // 0.0.0.0:0 for what isn't an Internet address (Unix-domain sockets).
    [[nodiscard]] Endpoint endpoint() const;

    [[nodiscard]] sockaddr* data();
    [[nodiscard]] const sockaddr* data() const;
};

// A non-blocking, close-on-exec socket of the address's family.
[[nodiscard]] Result<UniqueFd> open_socket(int family, int type);
Status set_option(int fd, int level, int option, int value, const std::string& what);

// Takes over a connected, non-blocking socket.
[[nodiscard]] std::unique_ptr<Stream> adopt(
    const Executor& executor, UniqueFd fd, const Endpoint& peer, const Endpoint& local
);

// Accepts on a listening, non-blocking descriptor until the handle is closed. A lack of
// descriptors or memory is logged and waited out. The connections in the backlog at the end are the
// kernel's to refuse.
class AcceptLoop {
  public:
    [[nodiscard]] static std::shared_ptr<AcceptLoop> start(
        const Executor& executor, UniqueFd listening, std::string name, Accepted accepted
    );
    virtual ~AcceptLoop() = default;
    virtual void stop() = 0;  // may be called from any thread, and more than once
};

}  // namespace sekisho::net

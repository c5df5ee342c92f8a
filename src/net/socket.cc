#include "net/socket.h"

#include "base/ip.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sekisho::net {

sockaddr* SocketAddress::data() {
    return reinterpret_cast<sockaddr*>(&storage);
}

const sockaddr* SocketAddress::data() const {
    return reinterpret_cast<const sockaddr*>(&storage);
}

SocketAddress SocketAddress::from(const Endpoint& endpoint) {
    SocketAddress result;
    if (endpoint.address.is_v4()) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(endpoint.port);
        in.sin_addr.s_addr = htonl(endpoint.address.to_v4());
        std::memcpy(&result.storage, &in, sizeof in);
        result.length = sizeof in;
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(endpoint.port);
        std::ranges::copy(endpoint.address.bytes(), std::begin(in.sin6_addr.s6_addr));
        std::memcpy(&result.storage, &in, sizeof in);
        result.length = sizeof in;
    }
    return result;
}

Result<SocketAddress> SocketAddress::unix_path(const std::string& path) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof un.sun_path) {
        return fail(
            Errc::Invalid,
            path + ": the path of a Unix-domain socket has 1 to " +
                std::to_string(sizeof un.sun_path - 1) + " bytes"
        );
    }
    std::ranges::copy(path, std::begin(un.sun_path));
    SocketAddress result;
    std::memcpy(&result.storage, &un, sizeof un);
    result.length = sizeof un;
    return result;
}

SocketAddress SocketAddress::of_peer(int fd) {
    SocketAddress result;
    result.length = sizeof result.storage;
    if (::getpeername(fd, result.data(), &result.length) != 0) {
        return {};
    }
    return result;
}

SocketAddress SocketAddress::of_local(int fd) {
    SocketAddress result;
    result.length = sizeof result.storage;
    if (::getsockname(fd, result.data(), &result.length) != 0) {
        return {};
    }
    return result;
}

Endpoint SocketAddress::endpoint() const {
    Endpoint result;
    if (storage.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &storage, sizeof in);
        result.address = IpAddress::v4(ntohl(in.sin_addr.s_addr));
        result.port = ntohs(in.sin_port);
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &storage, sizeof in);
        std::array<std::uint8_t, 16> bytes{};
        std::ranges::copy(in.sin6_addr.s6_addr, bytes.begin());
        result.address = IpAddress::v6(bytes);
        result.port = ntohs(in.sin6_port);
    }
    return result;
}

Result<UniqueFd> open_socket(int family, int type) {
    UniqueFd fd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.valid()) {
        return fail(errno_error("socket"));
    }
    return fd;
}

Status set_option(int fd, int level, int option, int value, const std::string& what) {
    if (::setsockopt(fd, level, option, &value, sizeof value) != 0) {
        return fail(errno_error(what));
    }
    return {};
}

}  // namespace sekisho::net

#include "net/own_address.h"

#include "base/ip.h"
#include "base/result.h"
#include "net/socket.h"

#include <cerrno>
#include <sys/socket.h>

namespace sekisho::net {

Status check_own_address(const IpAddress& address) {
    const auto socket = open_socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM);
    if (!socket) {
        return fail(socket.error());
    }
    const Endpoint any_port{address, 0};
    const SocketAddress bound = SocketAddress::from(any_port);
    if (::bind(socket->get(), bound.data(), bound.length) == 0) {
        return {};
    }
    if (errno == EADDRNOTAVAIL) {
        return fail(Errc::NotFound, address.text() + " is not an address of this machine");
    }
    return fail(errno_error(address.text()));
}

}  // namespace sekisho::net

// A black hole for connections, for tests.
#pragma once

#include "base/fd.h"
#include "base/ip.h"
#include "net/socket.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace sekisho::net::test {

// A socket that takes no connection: its queue is full, so SYNs are dropped.
class Silent {
  public:
    explicit Silent(const std::string& address, std::uint16_t port = 0) {
        const Endpoint wanted{*IpAddress::parse(address), port};
        const SocketAddress bound = SocketAddress::from(wanted);
        const int family = wanted.address.is_v4() ? AF_INET : AF_INET6;
        listener_ = std::move(*open_socket(family, SOCK_STREAM));
        EXPECT_EQ(::bind(listener_.get(), bound.data(), bound.length), 0);
        EXPECT_EQ(::listen(listener_.get(), 0), 0);
        at = SocketAddress::of_local(listener_.get()).endpoint();
        const SocketAddress to = SocketAddress::from(at);
        for (UniqueFd& one : fill_) {
            one = std::move(*open_socket(family, SOCK_STREAM));
            (void)::connect(one.get(), to.data(), to.length);
        }
    }
    Endpoint at;

  private:
    UniqueFd listener_;
    UniqueFd fill_[4];
};

}  // namespace sekisho::net::test

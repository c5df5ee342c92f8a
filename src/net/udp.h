// A small UDP server for one datagram in, at most one out (RADIUS accounting, RFC 2866).
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "net/server.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::net {

// Called on a worker thread. The reply leaves from the address that the datagram was sent to.
using UdpHandler = std::function<std::optional<std::string>(std::string_view bytes, Endpoint from)>;

class UdpServer {
  public:
    virtual ~UdpServer() = default;  // ends the listening; handlers that run may still end
    [[nodiscard]] virtual Endpoint local() const = 0;  // with the real port when 0 was asked for
    // Datagrams thrown away because too many waited for a worker, or larger than `datagram_max`.
    [[nodiscard]] virtual std::uint64_t dropped() const = 0;
};

struct UdpOptions {
    std::size_t datagram_max = 4096;  // RFC 2866 §3: the largest RADIUS packet
    std::size_t waiting_max = 4096;   // datagrams in work or waiting for it
};

// `name` is for errors and logs.
[[nodiscard]] Result<std::unique_ptr<UdpServer>> serve_udp(
    Loops& loops,
    Workers& workers,
    const Endpoint& at,
    std::string name,
    UdpHandler handler,
    UdpOptions options = {}
);

}  // namespace sekisho::net

// A small UDP server for one datagram in, at most one out, now or later (RADIUS accounting, RFC
// 2866), that may send of its own accord too (to the server that it is a proxy of).
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

// The way back to who sent a datagram, from where it was sent to: usable later, from any thread;
// nothing happens when the server has ended.
using UdpReply = std::function<void(std::string bytes)>;
// Called on a worker thread.
using UdpDeferred = std::function<void(std::string_view bytes, Endpoint from, UdpReply reply)>;

class UdpServer {
  public:
    virtual ~UdpServer() = default;  // ends the listening; handlers that run may still end
    [[nodiscard]] virtual Endpoint local() const = 0;  // with the real port when 0 was asked for
    // Datagrams thrown away because too many waited for a worker, or larger than `datagram_max`.
    [[nodiscard]] virtual std::uint64_t dropped() const = 0;
    // From any thread. What can't be sent is lost, as datagrams are.
    virtual void send(const Endpoint& to, std::string bytes) = 0;
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
[[nodiscard]] Result<std::unique_ptr<UdpServer>> serve_udp_deferred(
    Loops& loops,
    Workers& workers,
    const Endpoint& at,
    std::string name,
    UdpDeferred handler,
    UdpOptions options = {}
);

}  // namespace sekisho::net

// The PROXY protocol, versions 1 and 2: what a load balancer says before a connection's own bytes
// about who is behind it. Pure. Only to be believed from who is listed.
#pragma once

#include "base/ip.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::net {

struct ProxyHeader {
    // Whose connection it is, and where it was to go. None: the balancer's own (version 2's LOCAL,
    // as for its health checks) or of a family that is not TCP over IP: the real addresses stay.
    struct Addresses {
        Endpoint client, server;
        friend bool operator==(const Addresses&, const Addresses&) = default;
    };
    std::optional<Addresses> addresses;
};

// What the octets read so far are. More: `wanted` octets at most may be read on before it is asked
// again; never more than belong to the header, so that the connection's own bytes stay unread.
struct ProxyReading {
    enum class State : std::uint8_t { More, Bad, Done };
    State state = State::More;
    std::size_t wanted = 0;
    ProxyHeader header;
};
[[nodiscard]] ProxyReading read_proxy_header(std::string_view bytes);

// Larger headers are Bad: the addresses need 52 octets, and extensions of a few hundred are usual.
inline constexpr std::size_t kProxyHeaderMax = 4096;

}  // namespace sekisho::net

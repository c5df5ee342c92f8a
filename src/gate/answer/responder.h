// Listens for the connections that the engine hands over, and tells each why it ends here.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "smtp/reply.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace sekisho::gate {

struct ResponderLimits {
    std::uint32_t connections_max = 1000;
    std::uint32_t per_client_max = 5;  // an IPv4 address, or an IPv6 /64
    Duration timeout{60'000};          // of a whole connection
};

class Responder {
  public:
    // What the client is told; `server` is where it wanted to go. From a thread of its own; may
    // block.
    using Why = std::function<smtp::Reply(const Endpoint& client, const Endpoint& server)>;

    // On free ports of loopback. Needs CAP_NET_ADMIN; the error says so.
    [[nodiscard]] static Result<std::unique_ptr<Responder>> start(
        const ResponderLimits& limits, Why why
    );
    virtual ~Responder() = default;  // closes all connections; why() isn't called after it

    [[nodiscard]] virtual std::uint16_t port_v4() const = 0;
    [[nodiscard]] virtual std::uint16_t port_v6() const = 0;  // 0: this machine has no IPv6
    virtual void set_limits(const ResponderLimits& limits) = 0;

    struct Figures {
        std::uint64_t answered = 0;  // were told why
        std::uint64_t crowded = 0;   // closed without a word: too many at once
        std::uint32_t open = 0;
    };
    [[nodiscard]] virtual Figures figures() const = 0;
};

}  // namespace sekisho::gate

// Connecting to a host by whichever of its addresses answers first (Happy Eyeballs, RFC 8305).
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/stream.h"
#include "net/task.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace sekisho::net {

// RFC 8305 §5: the recommended Connection Attempt Delay.
inline constexpr Duration kAttemptDelay{250};

struct Path {
    Endpoint to;
    std::optional<IpAddress> from = std::nullopt;  // the local address, if it matters
};

struct Raced {
    struct Failure {
        std::size_t at = 0;
        Error error;
    };
    std::unique_ptr<Stream> stream;  // null: nobody answered, `failed` has them all
    std::size_t at = 0;              // whose `stream` is
    std::vector<Failure> failed;     // before somebody won, in the order of their failures
};

// The next path is tried when the one before has failed, or has had `delay` without an answer; each
// has `timeout`. The first connection is kept; what the others have begun is given up at once. Not
// to be called without any path.
Task<Raced> connect_race(
    Executor executor, std::vector<Path> paths, Duration delay, Duration timeout
);

// Families by turns, beginning with the first address's; else in the order given (RFC 8305 §4).
[[nodiscard]] std::vector<IpAddress> interleaved(const std::vector<IpAddress>& addresses);

}  // namespace sekisho::net

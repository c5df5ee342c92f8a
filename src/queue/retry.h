// When to try again: a schedule of waits with jitter. Pure: the random number is handed in.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <vector>

namespace sekisho::queue {

struct RetrySchedule {
    // Waits between tries; the last repeats. Empty: 5, 10, 20 and 30 minutes, 1, 2 and 4 hours.
    // RFC 5321 §4.5.4.1 asks for 30 minutes or more in general and allows a shorter wait at first.
    std::vector<Duration> waits;
    Duration expire{5LL * 24 * 3600 * 1000};  // RFC 5321 §4.5.4.1: at least 4 to 5 days
    // A wait is lengthened by up to this share, so that messages deferred together (a server that
    // was down) don't come back together.
    double jitter = 0.2;
};

// The wait after the try number `attempts` (1: the first). `random` is uniform over 64 bits.
[[nodiscard]] Duration retry_wait(
    const RetrySchedule& schedule, int attempts, std::uint64_t random
);

struct RetryQuestion {
    Time now{};
    Time expires{};
    int attempts = 1;
    std::uint64_t random = 0;
};
// The next try. Never later than the expiry, so that an expired message is handed out (and
// returned to its sender) when it expires and not one wait later.
[[nodiscard]] Time next_try(const RetrySchedule& schedule, const RetryQuestion& question);

}  // namespace sekisho::queue

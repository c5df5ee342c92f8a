#include "queue/retry.h"

#include "base/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace sekisho::queue {
namespace {

constexpr std::array kDefaultWaits = {
    Duration{std::chrono::minutes{5}},
    Duration{std::chrono::minutes{10}},
    Duration{std::chrono::minutes{20}},
    Duration{std::chrono::minutes{30}},
    Duration{std::chrono::hours{1}},
    Duration{std::chrono::hours{2}},
    Duration{std::chrono::hours{4}},
};
constexpr Duration kWaitMin{1000};
constexpr Duration kWaitMax{std::chrono::hours{24 * 365}};

}  // namespace

Duration retry_wait(const RetrySchedule& schedule, int attempts, std::uint64_t random) {
    const std::span<const Duration> waits =
        schedule.waits.empty() ? std::span<const Duration>(kDefaultWaits) : schedule.waits;
    const std::size_t index =
        std::min(static_cast<std::size_t>(std::max(attempts, 1) - 1), waits.size() - 1);
    const Duration wait = std::clamp(waits[index], kWaitMin, kWaitMax);
    const double share = static_cast<double>(random) /
                         static_cast<double>(std::numeric_limits<std::uint64_t>::max()) *
                         std::clamp(schedule.jitter, 0.0, 1.0);
    return wait + Duration{static_cast<std::int64_t>(static_cast<double>(wait.count()) * share)};
}

Time next_try(const RetrySchedule& schedule, const RetryQuestion& question) {
    const Time at = question.now + retry_wait(schedule, question.attempts, question.random);
    // Once the message has expired, its return to the sender is tried on the same schedule.
    return question.now < question.expires ? std::min(at, question.expires) : at;
}

}  // namespace sekisho::queue

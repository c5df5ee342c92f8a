#include "limit/gcra.h"

#include "base/assert.h"
#include "base/result.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sekisho::limit {
namespace {

using std::chrono::microseconds;

// Keeps every product below 2^63: a hundred years are 3.2e15 microseconds.
constexpr microseconds kRefillMax = std::chrono::hours{24LL * 365 * 100};

}  // namespace

Result<Gcra> Gcra::make(const Rate& rate) {
    if (rate.count < 1 || rate.per < Duration{1} || rate.burst < 0) {
        return fail(Errc::Invalid, "a rate needs a count, a time and a burst of at least one");
    }
    if (rate.per > std::chrono::duration_cast<Duration>(kRefillMax)) {
        return fail(Errc::Invalid, "a rate's time is at most a hundred years");
    }
    const microseconds per = rate.per;
    if (rate.count > per.count()) {
        return fail(Errc::Invalid, "a rate allows at most one in a microsecond");
    }
    Gcra gcra;
    // Rounded up: a part of a microsecond too slow rather than too fast.
    gcra.interval_ = microseconds{(per.count() + rate.count - 1) / rate.count};
    gcra.burst_ = rate.burst == 0 ? rate.count : rate.burst;
    if (gcra.burst_ > kRefillMax / gcra.interval_) {
        return fail(Errc::Invalid, "a rate's burst must refill within a hundred years");
    }
    return gcra;
}

Gcra::Decision Gcra::check(Instant tat, Instant now, std::int64_t cost) const {
    SEKISHO_ASSERT(cost >= 0);
    Decision decision;
    decision.used = used(tat, now);
    decision.free_at = now;
    if (cost > burst_) {
        decision.possible = false;
        return decision;
    }
    const Instant start = std::max(tat, now);
    // The burst's length minus what is wanted: how far ahead the arrival time may be already.
    const Instant free_at = start - interval_ * (burst_ - cost);
    decision.allowed = free_at <= now;
    decision.free_at = std::max(free_at, now);
    return decision;
}

Instant Gcra::taken(Instant tat, Instant now, std::int64_t cost) const {
    return std::max(tat, now) + interval_ * cost;
}

Instant Gcra::returned(Instant tat, std::int64_t cost) const {
    return tat - interval_ * std::min(cost, burst_);
}

std::int64_t Gcra::used(Instant tat, Instant now) const {
    if (tat <= now) {
        return 0;
    }
    const microseconds ahead = tat - now;
    return (ahead + interval_ - microseconds{1}) / interval_;
}

}  // namespace sekisho::limit

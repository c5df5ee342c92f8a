#include "limit/quota.h"

#include "base/assert.h"
#include "base/result.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sekisho::limit {

using std::chrono::days;
using std::chrono::floor;

Result<Quota> Quota::make(const Day& day) {
    if (day.max < 1) {
        return fail(Errc::Invalid, "a day's quota is at least one");
    }
    if (day.utc_offset > std::chrono::hours{18} || day.utc_offset < std::chrono::hours{-18}) {
        return fail(Errc::Invalid, "a time zone is at most 18 hours away from UTC");
    }
    Quota quota;
    quota.max_ = day.max;
    quota.offset_ = day.utc_offset;
    return quota;
}

std::int64_t Quota::day_of(Instant now) const {
    return floor<days>(now + offset_).time_since_epoch().count();
}

std::int64_t Quota::used(const DayUse& use, Instant now) const {
    return use.day >= day_of(now) ? use.used : 0;
}

Instant Quota::next_day(Instant now) const {
    return Instant{days{day_of(now) + 1}} - offset_;
}

Gcra::Decision Quota::check(const DayUse& use, Instant now, std::int64_t cost) const {
    SEKISHO_ASSERT(cost >= 0);
    Gcra::Decision decision;
    decision.used = used(use, now);
    decision.possible = cost <= max_;
    decision.allowed = decision.possible && decision.used <= max_ - cost;
    if (decision.allowed || !decision.possible) {
        decision.free_at = now;
    } else {
        // With a clock set back, the day counted is the one that must end.
        decision.free_at = Instant{days{std::max(use.day, day_of(now)) + 1}} - offset_;
    }
    return decision;
}

DayUse Quota::taken(const DayUse& use, Instant now, std::int64_t cost) const {
    return {std::max(use.day, day_of(now)), used(use, now) + cost};
}

DayUse Quota::returned(const DayUse& use, Instant now, std::int64_t cost) const {
    return {use.day, std::max<std::int64_t>(0, used(use, now) - cost)};
}

}  // namespace sekisho::limit

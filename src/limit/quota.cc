#include "limit/quota.h"

#include "base/assert.h"
#include "base/result.h"
#include "base/time_zone.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sekisho::limit {
namespace {

using std::chrono::days;
using std::chrono::minutes;

std::int64_t day_of(Instant now, minutes offset) {
    return std::chrono::floor<days>(now + offset).time_since_epoch().count();
}

Instant begin_of(std::int64_t day, minutes offset) {
    return Instant{days{day}} - offset;
}

}  // namespace

Result<Quota> Quota::make(const Day& day) {
    if (day.max < 1) {
        return fail(Errc::Invalid, "a day's quota is at least one");
    }
    Quota quota;
    quota.max_ = day.max;
    quota.zone_ = day.zone;
    return quota;
}

minutes Quota::offset(const DayUse& use, Instant now) const {
    return use.offset.value_or(
        zone_.offset(std::chrono::time_point_cast<std::chrono::system_clock::duration>(now))
    );
}

std::int64_t Quota::used(const DayUse& use, Instant now) const {
    return use.day >= day_of(now, offset(use, now)) ? use.used : 0;
}

Instant Quota::next_day(Instant now) const {
    const minutes here = offset({}, now);
    return begin_of(day_of(now, here) + 1, here);
}

Gcra::Decision Quota::check(const DayUse& use, Instant now, std::int64_t cost, Offset own) const {
    SEKISHO_ASSERT(cost >= 0);
    DayUse here = use;
    here.offset = own ? own : use.offset;
    Gcra::Decision decision;
    decision.used = used(here, now);
    decision.possible = cost <= max_;
    decision.allowed = decision.possible && decision.used <= max_ - cost;
    if (decision.allowed || !decision.possible) {
        decision.free_at = now;
    } else {
        // With a clock set back, the day counted is the one that must end.
        const minutes zone = offset(here, now);
        decision.free_at = begin_of(std::max(use.day, day_of(now, zone)) + 1, zone);
    }
    return decision;
}

DayUse Quota::taken(const DayUse& use, Instant now, std::int64_t cost, Offset own) const {
    DayUse here = use;
    here.offset = own ? own : use.offset;
    return {std::max(use.day, day_of(now, offset(here, now))), used(here, now) + cost, here.offset};
}

DayUse Quota::returned(const DayUse& use, Instant now, std::int64_t cost) const {
    return {use.day, std::max<std::int64_t>(0, used(use, now) - cost), use.offset};
}

}  // namespace sekisho::limit

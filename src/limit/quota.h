// So many in a calendar day of the operator's time zone (a fixed offset; daylight saving is none of
// its business). The count starts again at local midnight.
#pragma once

#include "base/result.h"
#include "limit/gcra.h"

#include <chrono>
#include <cstdint>

namespace sekisho::limit {

struct Day {
    std::int64_t max = 0;
    std::chrono::minutes utc_offset{0};  // Japan: 540
};

// A key's state: the day it counts, and how many.
struct DayUse {
    std::int64_t day = INT64_MIN;
    std::int64_t used = 0;
};

class Quota {
  public:
    // Errors: a maximum below one, an offset of more than 18 hours.
    [[nodiscard]] static Result<Quota> make(const Day& day);

    [[nodiscard]] Gcra::Decision check(const DayUse& use, Instant now, std::int64_t cost) const;
    [[nodiscard]] DayUse taken(const DayUse& use, Instant now, std::int64_t cost) const;
    [[nodiscard]] DayUse returned(const DayUse& use, Instant now, std::int64_t cost) const;
    // A clock set back to yesterday keeps today's count: it never gives anything back.
    [[nodiscard]] std::int64_t used(const DayUse& use, Instant now) const;
    [[nodiscard]] Instant next_day(Instant now) const;
    [[nodiscard]] std::int64_t max() const { return max_; }

  private:
    [[nodiscard]] std::int64_t day_of(Instant now) const;
    std::int64_t max_ = 1;
    std::chrono::microseconds offset_{0};
};

}  // namespace sekisho::limit

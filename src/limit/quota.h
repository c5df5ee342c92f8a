// So many in a calendar day. The count starts again at local midnight: of the limit's time zone, or
// of the key's own, whose difference to UTC the caller knows.
#pragma once

#include "base/result.h"
#include "base/time_zone.h"
#include "limit/gcra.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace sekisho::limit {

struct Day {
    std::int64_t max = 0;
    TimeZone zone;
};

// A key's difference to UTC now, where it has one of its own.
using Offset = std::optional<std::chrono::minutes>;

// A key's state: the day it counts, how many, and where that day is.
struct DayUse {
    std::int64_t day = INT64_MIN;
    std::int64_t used = 0;
    Offset offset{};
};

class Quota {
  public:
    // Errors: a maximum below one.
    [[nodiscard]] static Result<Quota> make(const Day& day);

    [[nodiscard]] Gcra::Decision check(
        const DayUse& use, Instant now, std::int64_t cost, Offset own = {}
    ) const;
    [[nodiscard]] DayUse taken(const DayUse& use, Instant now, std::int64_t cost, Offset own = {})
        const;
    [[nodiscard]] DayUse returned(const DayUse& use, Instant now, std::int64_t cost) const;
    // A clock set back to yesterday keeps today's count: it never gives anything back.
    [[nodiscard]] std::int64_t used(const DayUse& use, Instant now) const;
    [[nodiscard]] Instant next_day(Instant now) const;
    [[nodiscard]] std::int64_t max() const { return max_; }

  private:
    [[nodiscard]] std::chrono::minutes offset(const DayUse& use, Instant now) const;
    std::int64_t max_ = 1;
    TimeZone zone_;
};

}  // namespace sekisho::limit

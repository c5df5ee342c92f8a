// Rate control by GCRA (the virtual scheduling form of ITU-T I.371): one number per key, the
// theoretical arrival time. Integer microseconds; rounding is always against the client, so that
// never more than burst + rate x time pass.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <chrono>
#include <cstdint>

namespace sekisho::limit {

// Time points of this room; sekisho::Time converts to it by itself.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

struct Rate {
    std::int64_t count = 0;   // so many ...
    Duration per{3'600'000};  // ... in this time, evenly
    std::int64_t burst = 0;   // at once after a pause; 0: count
};

class Gcra {
  public:
    // Errors: a count, time or burst below one; more than one in a microsecond; a burst that takes
    // longer than a hundred years to refill.
    [[nodiscard]] static Result<Gcra> make(const Rate& rate);

    struct Decision {
        bool allowed = false;
        std::int64_t used = 0;  // of burst, rounded up, before this request
        Instant free_at{};      // when the same request would pass; now, when allowed
        bool possible = true;   // false: the cost is more than the burst, it will never pass
    };

    // Without taking. `tat` is the key's state; zero for a new key. `cost` >= 1.
    [[nodiscard]] Decision check(Instant tat, Instant now, std::int64_t cost) const;
    // The state after a request that passed.
    [[nodiscard]] Instant taken(Instant tat, Instant now, std::int64_t cost) const;
    // The state after giving back what was taken.
    [[nodiscard]] Instant returned(Instant tat, std::int64_t cost) const;
    [[nodiscard]] std::int64_t used(Instant tat, Instant now) const;

    [[nodiscard]] std::int64_t burst() const { return burst_; }
    [[nodiscard]] std::chrono::microseconds interval() const { return interval_; }

  private:
    std::chrono::microseconds interval_{1};
    std::int64_t burst_ = 1;
};

}  // namespace sekisho::limit

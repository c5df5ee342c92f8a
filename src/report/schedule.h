// When the report of a day goes: some time after its end, not all at once (RFC 8460 §4.1).
#pragma once

#include "base/time.h"
#include "report/ledger.h"

#include <string>

namespace sekisho::report {

struct Schedule {
    Duration at{0};      // after midnight, UTC
    Duration spread{0};  // each report at a moment of its own in this time
    std::string seed;    // of the installation, so that not all choose the same
};

[[nodiscard]] Time due_time(const Slot& slot, const Schedule& schedule);

// When what failed is tried again; RFC 8460 §5.4 wants a day of tries.
inline constexpr Duration kTriesFor = std::chrono::hours(24);
[[nodiscard]] Time next_try(int tries, Time now);

}  // namespace sekisho::report

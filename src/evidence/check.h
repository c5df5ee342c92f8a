// What evidence may be asked for.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "evidence/evidence.h"

#include <cstddef>

namespace sekisho::evidence {

struct Limits {
    Duration longest{24LL * 3600 * 1000};
    static constexpr int kWidestV4 = 24;
    static constexpr int kWidestV6 = 56;
    static constexpr std::size_t kTextMax = 500;
};

// Before it begins. Invalid: no target or two, too wide, no reason, no actor, no time or too long.
[[nodiscard]] Status check(const Case& one, const Limits& limits);

}  // namespace sekisho::evidence

// Where counters and acquaintances outlive a restart of the mail role.
#pragma once

#include "base/result.h"
#include "limit/acquaintances.h"
#include "limit/limiter.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sekisho::limit {

class Memory {
  public:
    virtual ~Memory() = default;
    // All of it or none. One without a time of recovery is forgotten.
    virtual Status keep(std::span<const State> states, std::span<const Acquaintance> pairs) = 0;
    // What hasn't recovered; the rest is forgotten on the way.
    [[nodiscard]] virtual Result<std::vector<State>> states(Instant now) = 0;
    // The newest `max`, oldest first; what is older than `since` is forgotten on the way.
    [[nodiscard]] virtual Result<std::vector<Acquaintance>> acquaintances(
        Instant since, std::size_t max
    ) = 0;
};

}  // namespace sekisho::limit

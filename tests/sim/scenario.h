// One run from one seed: clients, operators, faults; then quiet, until everything must be over.
#pragma once

#include "sim/ledger.h"

#include <cstdint>

namespace sekisho::sim {

struct Outcome {
    Ledger::Totals totals;
    std::uint64_t digest = 0;  // of everything that happened
    std::uint64_t carried = 0;
};
// Throws Broken when a promise is broken.
[[nodiscard]] Outcome run_seed(std::uint64_t seed, bool trace);

}  // namespace sekisho::sim

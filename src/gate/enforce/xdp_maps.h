// What the XDP program wrote into its maps, as the engine's interface has it.
#pragma once

#include "base/result.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"

#include <cstdint>
#include <vector>

namespace sekisho::gate {

// Of a map of counters by slot * 2 + direction, over all processors.
[[nodiscard]] Result<Tally> xdp_tally(int map, std::uint16_t slot, gate_direction direction);
[[nodiscard]] Status xdp_zero(int map, const std::vector<std::uint16_t>& slots);

[[nodiscard]] std::vector<Named> xdp_statistics(int map);
// How many sources that it hasn't seen each processor may take up a second.
[[nodiscard]] Status xdp_allow_new_sources(int map, std::uint32_t each);

// Without the rule, which is the slot's.
[[nodiscard]] Flow xdp_flow(const gate_event& event);

}  // namespace sekisho::gate

// What all measurements share: a policy with so many prefixes, frames, tries filled from it.
#pragma once

#include "gate/bpf/layout.h"
#include "policy/policy.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::gate {

using Clock = std::chrono::steady_clock;
using Frame = std::vector<std::uint8_t>;

[[noreturn]] void give_up(const std::string& why);
[[nodiscard]] double ms_since(Clock::time_point start);

// A SYN from 16.0.0.1 to 17.0.0.1, or from and to 2001:db8::, checksums left out.
[[nodiscard]] Frame make_frame(bool v4, std::uint16_t port);

// Four fifths IPv4 of /20 to /32 in 16.0.0.0/4, one fifth IPv6 of /40 to /64 in 2001:db8::/32, in
// three classes; one rule for each and one for the rest, all with this action.
[[nodiscard]] policy::Source make_source(std::size_t prefixes, policy::Action action);

struct Tries {
    int v4, v6, cells;
};
// The milliseconds that it took.
double fill_tries(const Tries& tries, const policy::Policy& policy, gate_action action);

}  // namespace sekisho::gate

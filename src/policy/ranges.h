// Nested prefixes as disjoint ranges: every covered address is in exactly one range, which belongs
// to the longest prefix that contains it. Engines, renderers and classify() all stand on this one
// expansion.
#pragma once

#include "base/ip.h"
#include "policy/policy.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::policy {

// An address as a number; IPv4 uses the low 32 bits of `low`.
struct Number {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    friend auto operator<=>(const Number&, const Number&) = default;
};
[[nodiscard]] Number to_number(const IpAddress& address);
// "192.0.2.0"; IPv6 always in IPv6 form, also where the number is an IPv4-mapped address.
[[nodiscard]] std::string number_text(bool v4, Number number);
[[nodiscard]] Number next(Number number);      // wraps to zero
[[nodiscard]] Number previous(Number number);  // wraps to all ones

struct Range {
    Number first, last;  // both inside
    bool v4 = true;
    ClassId class_id = 0;
    std::size_t prefix = 0;  // index of the deciding prefix
};

// `prefixes` as Policy::prefixes() gives them: sorted, each prefix once. Ranges come in order, IPv4
// first; neighbours of one class are not merged.
void for_each_range(
    const std::vector<std::pair<Prefix, ClassId>>& prefixes,
    const std::function<void(const Range&)>& visit
);

// The same, with touching neighbours of one class merged: what a set of addresses needs.
[[nodiscard]] std::vector<Range> merged_ranges(
    const std::vector<std::pair<Prefix, ClassId>>& prefixes
);

// "192.0.2.0/24", "192.0.2.1" or "192.0.2.3-192.0.2.9".
[[nodiscard]] std::string range_text(const Range& range);

}  // namespace sekisho::policy

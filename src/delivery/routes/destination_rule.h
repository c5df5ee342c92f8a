// What the operator wants done otherwise at single destinations: how fast, how often, how long.
// Pure.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

struct DestinationRule {
    std::string name;
    std::vector<std::string> domains;  // of recipients: "example.net", ".example.net", "*"
    std::vector<std::string> hosts;    // of mail hosts, likewise
    std::size_t concurrency = 0;       // 0: delivery.concurrency_per_destination
    std::uint32_t messages = 0;        // in `per`; 0: as fast as it goes
    Duration per{0};
    std::vector<Duration> retry;  // empty: queue.retry
    Duration expire{0};           // 0: queue.expire
    friend bool operator==(const DestinationRule&, const DestinationRule&) = default;
};

// What is wrong with it as it was written, in one sentence with the key; then, if nothing is, its
// names are in lower case.
[[nodiscard]] std::optional<std::string> check_destination(DestinationRule& rule);

// The first rule that fits: every list that it gives has the domain, or the host. `host`: the best
// mail host's name; empty: not known.
[[nodiscard]] const DestinationRule* destination_for(
    const std::vector<DestinationRule>& rules, std::string_view domain, std::string_view host
);

}  // namespace sekisho::delivery

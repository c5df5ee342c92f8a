#include "base/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace sekisho {

void Histogram::count(std::chrono::steady_clock::duration took) {
    const double seconds = std::max(0.0, std::chrono::duration<double>(took).count());
    const auto* const bound = std::ranges::lower_bound(kBounds, seconds);
    counts_.at(static_cast<std::size_t>(bound - kBounds.begin()))
        .fetch_add(1, std::memory_order_relaxed);
    constexpr double kMicro = 1e6;
    sum_us_.fetch_add(static_cast<std::uint64_t>(seconds * kMicro), std::memory_order_relaxed);
}

nlohmann::ordered_json Histogram::json() const {
    auto buckets = nlohmann::ordered_json::array();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        sum += counts_.at(i).load(std::memory_order_relaxed);
        const bool last = i == kBounds.size();
        buckets.push_back({{"le", last ? "+Inf" : fmt::format("{}", kBounds.at(i))}, {"count", sum}}
        );
    }
    constexpr double kMicro = 1e-6;
    return {
        {"buckets", std::move(buckets)},
        {"sum", static_cast<double>(sum_us_.load(std::memory_order_relaxed)) * kMicro},
        {"count", sum}
    };
}

}  // namespace sekisho

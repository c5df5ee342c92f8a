// How long things took, in the buckets of a Prometheus histogram. Counting takes no lock.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace sekisho {

class Histogram {
  public:
    // Upper bounds in seconds: from a commit to the days that a message may wait.
    static constexpr std::array kBounds{
        0.001,
        0.0025,
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1.0,
        2.5,
        5.0,
        10.0,
        30.0,
        300.0,
        3600.0,
        21600.0,
        86400.0
    };

    void count(std::chrono::steady_clock::duration took);
    // {"buckets": [{"le": "0.001", "count": N}, ..., {"le": "+Inf", "count": N}], "sum": seconds,
    // "count": N}, counts cumulative; as desk/metrics.cc reads it.
    [[nodiscard]] nlohmann::ordered_json json() const;

  private:
    std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};  // last: beyond them all
    std::atomic<std::uint64_t> sum_us_{0};
};

}  // namespace sekisho

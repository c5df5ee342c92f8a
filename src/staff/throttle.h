// How often a key (a name, an address) may do something in a window of time. In memory, bounded;
// reads no clock. Thread-safe.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace sekisho::staff {

class Throttle {
  public:
    // So many in the window, counted from the first. `keys_max`: of more, those that ended first
    // are forgotten, then those that began first.
    Throttle(std::int64_t most, Duration window, std::size_t keys_max = 10'000);

    // Empty: one more may be; else when.
    [[nodiscard]] std::optional<Time> full(const std::string& key, Time now);
    void count(const std::string& key, Time now);
    void forgive(const std::string& key);

  private:
    struct Window {
        Time begun{};
        std::int64_t used = 0;
    };
    const std::int64_t most_;
    const Duration window_;
    const std::size_t keys_max_;
    std::mutex mutex_;
    std::map<std::string, Window> windows_;
};

}  // namespace sekisho::staff

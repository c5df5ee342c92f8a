#include "staff/throttle.h"

#include "base/time.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace sekisho::staff {

Throttle::Throttle(std::int64_t most, Duration window, std::size_t keys_max)
    : most_(most), window_(window), keys_max_(keys_max) {}

std::optional<Time> Throttle::full(const std::string& key, Time now) {
    const std::scoped_lock lock{mutex_};
    const auto found = windows_.find(key);
    if (found == windows_.end() || found->second.begun + window_ <= now ||
        found->second.used < most_) {
        return std::nullopt;
    }
    return found->second.begun + window_;
}

void Throttle::count(const std::string& key, Time now) {
    const std::scoped_lock lock{mutex_};
    if (windows_.size() >= keys_max_ && !windows_.contains(key)) {
        std::erase_if(windows_, [&](const auto& one) { return one.second.begun + window_ <= now; });
        if (windows_.size() >= keys_max_) {
            windows_.erase(std::ranges::min_element(windows_, {}, [](const auto& one) {
                return one.second.begun;
            }));
        }
    }
    Window& window = windows_[key];
    if (window.begun + window_ <= now) {
        window = {.begun = now, .used = 0};
    }
    ++window.used;
}

void Throttle::forgive(const std::string& key) {
    const std::scoped_lock lock{mutex_};
    windows_.erase(key);
}

}  // namespace sekisho::staff

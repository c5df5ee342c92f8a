#include "sim/world.h"

#include "base/time.h"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::sim {

World::World(std::uint64_t seed, bool trace)
    : random_(seed), trace_(trace), start_(Duration{1'790'000'000'000}), now_(start_) {}

Duration World::elapsed() const {
    return now_ - start_;
}

void World::after(Duration wait, std::function<void()> event) {
    agenda_.emplace(std::pair{now_ + wait, ++events_}, std::move(event));
}

bool World::run_next(Time end) {
    if (agenda_.empty() || agenda_.begin()->first.first > end) {
        return false;
    }
    now_ = agenda_.begin()->first.first;
    const std::function<void()> event = std::move(agenda_.begin()->second);
    agenda_.erase(agenda_.begin());
    event();
    return true;
}

Duration World::between(Duration low, Duration high) {
    const auto span = static_cast<std::uint64_t>((high - low).count());
    return low + Duration{static_cast<std::int64_t>(below(span + 1))};
}

void World::note(std::string_view what, std::string_view of) {
    const std::string line = fmt::format("{:>9.3f} {} {}", elapsed().count() / 1e3, what, of);
    for (const char c : line) {
        digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
    }
    if (trace_) {
        fmt::print("{}\n", line);
    }
}

}  // namespace sekisho::sim

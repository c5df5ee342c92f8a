#include "bench/mail/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <system_error>
#include <vector>

namespace sekisho::bench {
namespace {

// A message beyond this number is no message of ours: it would only take memory.
constexpr std::uint32_t kMostNumbers = 1U << 28;

}  // namespace

nlohmann::json percentiles(std::vector<float>& values) {
    if (values.empty()) {
        return nullptr;
    }
    std::ranges::sort(values);
    // To the microsecond, as digits that JSON doesn't draw out.
    const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
    const auto at = [&](double part) {
        const double last = static_cast<double>(values.size() - 1);
        return rounded(static_cast<double>(values[static_cast<std::size_t>(part * last)]));
    };
    return {
        {"p50", at(0.5)},
        {"p90", at(0.9)},
        {"p99", at(0.99)},
        {"p999", at(0.999)},
        {"max", at(1)},
        {"count", values.size()}
    };
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

bool Ids::add(std::string_view id) {
    const auto dash = id.rfind('-');
    std::uint32_t number = 0;
    if (dash == std::string_view::npos || dash == 0) {
        return false;
    }
    const auto [end, error] = std::from_chars(id.data() + dash + 1, id.data() + id.size(), number);
    if (error != std::errc() || end != id.data() + id.size() || number >= kMostNumbers) {
        return false;
    }
    const std::string_view run = id.substr(0, dash);
    auto found = runs_.find(run);
    if (found == runs_.end()) {
        found = runs_.emplace(std::string(run), Times()).first;
    }
    add_to(found->second, number);
    return true;
}

void Ids::add_to(Times& times, std::uint32_t number, std::uint16_t count) {
    if (number >= times.size()) {
        times.resize(std::size_t{number} + 1);
    }
    const int sum = int{times[number]} + int{count};
    times[number] =
        static_cast<std::uint16_t>(std::min(sum, int{std::numeric_limits<std::uint16_t>::max()}));
}

void Ids::merge(const Ids& other) {
    for (const auto& [run, times] : other.runs_) {
        Times& mine = runs_[run];
        for (std::size_t i = 0; i < times.size(); ++i) {
            if (times[i] != 0) {
                add_to(mine, static_cast<std::uint32_t>(i), times[i]);
            }
        }
    }
}

std::uint64_t Ids::total() const {
    std::uint64_t sum = 0;
    for (const auto& [run, times] : runs_) {
        for (const std::uint16_t count : times) {
            sum += count;
        }
    }
    return sum;
}

std::uint64_t Ids::unique() const {
    std::uint64_t sum = 0;
    for (const auto& [run, times] : runs_) {
        sum +=
            static_cast<std::uint64_t>(std::ranges::count_if(times, [](auto n) { return n > 0; }));
    }
    return sum;
}

bool Ids::write(const std::string& path) const {
    std::ofstream file(path);
    for (const auto& [run, times] : runs_) {
        for (std::size_t first = 0; first < times.size();) {
            std::size_t end = first + 1;
            while (end < times.size() && times[end] == times[first]) {
                ++end;
            }
            if (times[first] != 0) {
                file << fmt::format("{} {} {} {}\n", run, first, end - 1, times[first]);
            }
            first = end;
        }
    }
    file.flush();
    return file.good();
}

}  // namespace sekisho::bench

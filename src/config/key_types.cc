#include "config/key_types.h"

#include "base/time.h"

#include <charconv>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

constexpr std::pair<std::string_view, unsigned> kUnits[] = {
    {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}
};

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view unit{
        read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr)
    };
    if (unit.empty()) {
        return value;
    }
    for (const auto& [name, shift] : kUnits) {
        if (unit == name && value <= (std::numeric_limits<std::uint64_t>::max() >> shift)) {
            return value << shift;
        }
    }
    return std::nullopt;
}

std::string format_size(std::uint64_t bytes) {
    for (const auto& [name, shift] : kUnits) {
        if (bytes != 0 && shift != 0 && bytes % (1ULL << shift) == 0) {
            return std::to_string(bytes >> shift) + std::string(name);
        }
    }
    return std::to_string(bytes) + "B";
}

std::string quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.push_back(c);
    }
    return out + "\"";
}

std::optional<Duration> read_duration(const toml::node& node) {
    if (const auto seconds = node.value_exact<std::int64_t>(); seconds && *seconds >= 0) {
        return parse_duration(std::to_string(*seconds));
    }
    if (const auto written = node.value_exact<std::string>()) {
        return parse_duration(*written);
    }
    return std::nullopt;
}

std::optional<std::string> read_list(
    const toml::node& node, const std::function<std::optional<std::string>(const toml::node&)>& item
) {
    const toml::array* array = node.as_array();
    if (array == nullptr) {
        return "expected a list";
    }
    for (const toml::node& one : *array) {
        if (auto wrong = item(one)) {
            return wrong;
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::config

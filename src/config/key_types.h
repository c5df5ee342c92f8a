// Makers of keys by the type of the member they fill: each knows how its TOML value is read,
// checked and described.
#pragma once

#include "config/keys.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::config {

// Sizes as "64MiB" or a plain number of bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);
[[nodiscard]] std::string quote(std::string_view text);

template <class T, class Ref>
Key<T> text(std::string name, Ref ref, std::string help) {
    Key<T> key{
        std::move(name), "string", "", quote(ref(*std::make_unique<T>())), std::move(help), true, {}
    };
    key.read = [ref](T& target, const toml::node& node) -> std::optional<std::string> {
        const auto value = node.value_exact<std::string>();
        if (!value) {
            return "expected a string";
        }
        if (value->find('\n') != std::string::npos || value->find('\0') != std::string::npos) {
            return "expected one line";
        }
        ref(target) = *value;
        return std::nullopt;
    };
    return key;
}

template <class T, class Ref>
Key<T> choice(std::string name, Ref ref, std::vector<std::string> allowed, std::string help) {
    Key<T> key = text<T>(std::move(name), ref, std::move(help));
    for (const std::string& one : allowed) {
        key.range += (key.range.empty() ? "" : ", ") + one;
    }
    key.read = [ref, allowed, range = key.range](
                   T& target, const toml::node& node
               ) -> std::optional<std::string> {
        const auto value = node.value_exact<std::string>();
        for (const std::string& one : allowed) {
            if (value == one) {
                ref(target) = one;
                return std::nullopt;
            }
        }
        return "expected one of: " + range;
    };
    return key;
}

template <class T, class Ref>
Key<T> flag(std::string name, Ref ref, std::string help) {
    Key<T> key{
        std::move(name),
        "boolean",
        "",
        ref(*std::make_unique<T>()) ? "true" : "false",
        std::move(help),
        true,
        {}
    };
    key.read = [ref](T& target, const toml::node& node) -> std::optional<std::string> {
        const auto value = node.value_exact<bool>();
        if (!value) {
            return "expected true or false";
        }
        ref(target) = *value;
        return std::nullopt;
    };
    return key;
}

template <class T, class Ref>
Key<T> number(std::string name, Ref ref, std::uint64_t low, std::uint64_t high, std::string help) {
    Key<T> key{
        std::move(name),
        "integer",
        std::to_string(low) + " to " + std::to_string(high),
        std::to_string(ref(*std::make_unique<T>())),
        std::move(help),
        true,
        {}
    };
    key.read = [ref, low, high, range = key.range](
                   T& target, const toml::node& node
               ) -> std::optional<std::string> {
        const auto value = node.value_exact<std::int64_t>();
        if (!value || *value < 0 || static_cast<std::uint64_t>(*value) < low ||
            static_cast<std::uint64_t>(*value) > high) {
            return "expected an integer from " + range;
        }
        auto& place = ref(target);
        place = static_cast<std::remove_reference_t<decltype(place)>>(*value);
        return std::nullopt;
    };
    return key;
}

template <class T, class Ref>
Key<T> size(std::string name, Ref ref, std::uint64_t low, std::uint64_t high, std::string help) {
    Key<T> key{
        std::move(name),
        "size",
        format_size(low) + " to " + format_size(high),
        quote(format_size(ref(*std::make_unique<T>()))),
        std::move(help),
        true,
        {}
    };
    key.read = [ref, low, high, range = key.range](
                   T& target, const toml::node& node
               ) -> std::optional<std::string> {
        std::optional<std::uint64_t> value;
        if (const auto plain = node.value_exact<std::int64_t>(); plain && *plain >= 0) {
            value = static_cast<std::uint64_t>(*plain);
        } else if (const auto written = node.value_exact<std::string>()) {
            value = parse_size(*written);
        }
        if (!value || *value < low || *value > high) {
            return "expected a size (\"64MiB\", or a number of bytes) from " + range;
        }
        ref(target) = *value;
        return std::nullopt;
    };
    return key;
}

// A duration's TOML value: "90s", "5d", or a plain number of seconds.
[[nodiscard]] std::optional<Duration> read_duration(const toml::node& node);

template <class T, class Ref>
Key<T> duration(std::string name, Ref ref, Duration low, Duration high, std::string help) {
    Key<T> key{
        std::move(name),
        "duration",
        format_duration(low) + " to " + format_duration(high),
        quote(format_duration(ref(*std::make_unique<T>()))),
        std::move(help),
        true,
        {}
    };
    key.read = [ref, low, high, range = key.range](
                   T& target, const toml::node& node
               ) -> std::optional<std::string> {
        const auto value = read_duration(node);
        if (!value || *value < low || *value > high) {
            return "expected a duration (\"90s\", \"15m\", \"4h\", \"5d\") from " + range;
        }
        ref(target) = *value;
        return std::nullopt;
    };
    return key;
}

// Reads a TOML array item by item with `item`, which returns an error's text or nothing.
[[nodiscard]] std::optional<std::string> read_list(
    const toml::node& node, const std::function<std::optional<std::string>(const toml::node&)>& item
);

template <class T, class Ref>
Key<T> texts(std::string name, Ref ref, std::string help) {
    Key<T> key{std::move(name), "list of strings", "", "[]", std::move(help), true, {}};
    key.read = [ref](T& target, const toml::node& node) {
        auto& place = ref(target);
        place.clear();
        return read_list(node, [&place](const toml::node& one) -> std::optional<std::string> {
            const auto value = one.value_exact<std::string>();
            if (!value || value->empty()) {
                return "expected a list of strings";
            }
            place.push_back(*value);
            return std::nullopt;
        });
    };
    return key;
}

// A list of what X::parse() reads: endpoints, prefixes.
// Waits between tries: durations from 1s to 7d.
template <class T, class Ref>
Key<T> waits(std::string name, Ref ref, std::string fallback, std::string help) {
    Key<T> key{
        std::move(name),
        "list of durations",
        "1s to 7d each",
        std::move(fallback),
        std::move(help),
        true,
        {}
    };
    key.read = [ref, may_be_empty = key.fallback == "[]"](T& target, const toml::node& node) {
        auto& place = ref(target);
        place.clear();
        auto wrong = read_list(node, [&place](const toml::node& one) -> std::optional<std::string> {
            const auto value = read_duration(one);
            if (!value || *value < std::chrono::seconds(1) || *value > std::chrono::hours(24) * 7) {
                return "expected durations (\"5m\", \"1h\") from 1s to 7d";
            }
            place.push_back(*value);
            return std::nullopt;
        });
        if (!wrong && place.empty() && !may_be_empty) {
            wrong = "expected one duration at least";
        }
        return wrong;
    };
    return key;
}

template <class X, class T, class Ref>
Key<T> parsed(std::string name, Ref ref, std::string type, std::string help) {
    Key<T> key{std::move(name), std::move(type), "", "[]", std::move(help), true, {}};
    key.read = [ref](T& target, const toml::node& node) {
        auto& place = ref(target);
        place.clear();
        return read_list(node, [&place](const toml::node& one) -> std::optional<std::string> {
            const auto value = one.value_exact<std::string>();
            if (!value) {
                return "expected a list of strings";
            }
            auto item = X::parse(*value);
            if (!item) {
                return item.error().message;
            }
            place.push_back(*item);
            return std::nullopt;
        });
    };
    return key;
}

template <class T>
Key<T> at_start(Key<T> key) {
    key.live = false;
    return key;
}
template <class T>
Key<T> required(Key<T> key) {
    key.fallback.clear();
    return key;
}
template <class T>
Key<T> with_default(Key<T> key, std::string fallback) {
    key.fallback = std::move(fallback);
    return key;
}

}  // namespace sekisho::config

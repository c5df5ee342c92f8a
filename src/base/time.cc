#include "base/time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho {
namespace {

namespace chr = std::chrono;

struct Civil {
    chr::year_month_day day;
    chr::hh_mm_ss<Duration> clock;
};

Civil civil(Time at) {
    const auto days = chr::floor<chr::days>(at);
    return {chr::year_month_day{days}, chr::hh_mm_ss<Duration>{at - days}};
}

// Reads exactly `width` digits at `pos` and moves past them.
std::optional<int> digits(std::string_view text, std::size_t& pos, std::size_t width) {
    if (pos + width > text.size()) {
        return std::nullopt;
    }
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        const char c = text[pos + i];
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value = value * 10 + (c - '0');
    }
    pos += width;
    return value;
}

bool literal(std::string_view text, std::size_t& pos, char wanted) {
    if (pos >= text.size() || text[pos] != wanted) {
        return false;
    }
    ++pos;
    return true;
}

std::optional<chr::minutes> offset(std::string_view text, std::size_t& pos) {
    if (literal(text, pos, 'Z') || literal(text, pos, 'z')) {
        return chr::minutes{0};
    }
    const bool minus = pos < text.size() && text[pos] == '-';
    if (!minus && !(pos < text.size() && text[pos] == '+')) {
        return std::nullopt;
    }
    ++pos;
    const auto hours = digits(text, pos, 2);
    if (!hours || !literal(text, pos, ':')) {
        return std::nullopt;
    }
    const auto minutes = digits(text, pos, 2);
    if (!minutes || *hours > 23 || *minutes > 59) {
        return std::nullopt;
    }
    const chr::minutes value{*hours * 60 + *minutes};
    return minus ? -value : value;
}

std::optional<Duration> clock_part(std::string_view text, std::size_t& pos) {
    const auto hour = digits(text, pos, 2);
    if (!hour || !literal(text, pos, ':')) {
        return std::nullopt;
    }
    const auto minute = digits(text, pos, 2);
    if (!minute || !literal(text, pos, ':')) {
        return std::nullopt;
    }
    const auto second = digits(text, pos, 2);
    if (!second || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    int millis = 0;
    if (literal(text, pos, '.')) {
        int scale = 100;
        const std::size_t first = pos;
        while (pos < text.size() && text[pos] >= '0' && text[pos] <= '9') {
            millis += (text[pos] - '0') * scale;
            scale /= 10;
            ++pos;
        }
        if (pos == first) {
            return std::nullopt;
        }
    }
    return chr::hours{*hour} + chr::minutes{*minute} + chr::seconds{*second} + Duration{millis};
}

}  // namespace

Time now() {
    return chr::floor<Duration>(chr::system_clock::now());
}

std::string rfc3339(Time at) {
    const Civil c = civil(at);
    std::array<char, 48> out{};
    std::snprintf(
        out.data(),
        out.size(),
        "%04d-%02u-%02uT%02ld:%02ld:%02ld.%03ldZ",
        static_cast<int>(c.day.year()),
        static_cast<unsigned>(c.day.month()),
        static_cast<unsigned>(c.day.day()),
        static_cast<long>(c.clock.hours().count()),
        static_cast<long>(c.clock.minutes().count()),
        static_cast<long>(c.clock.seconds().count()),
        static_cast<long>(c.clock.subseconds().count())
    );
    return out.data();
}

std::optional<Time> parse_rfc3339(std::string_view text) {
    std::size_t pos = 0;
    const auto year = digits(text, pos, 4);
    if (!year || !literal(text, pos, '-')) {
        return std::nullopt;
    }
    const auto month = digits(text, pos, 2);
    if (!month || !literal(text, pos, '-')) {
        return std::nullopt;
    }
    const auto day = digits(text, pos, 2);
    if (!day) {
        return std::nullopt;
    }
    const chr::year_month_day date{
        chr::year{*year},
        chr::month{static_cast<unsigned>(*month)},
        chr::day{static_cast<unsigned>(*day)}
    };
    if (!date.ok()) {
        return std::nullopt;
    }
    const Time midnight{chr::sys_days{date}};
    if (pos == text.size()) {
        return midnight;
    }
    if (!literal(text, pos, 'T') && !literal(text, pos, ' ')) {
        return std::nullopt;
    }
    const auto clock = clock_part(text, pos);
    if (!clock) {
        return std::nullopt;
    }
    const auto zone = offset(text, pos);
    if (!zone || pos != text.size()) {
        return std::nullopt;
    }
    return midnight + *clock - *zone;
}

std::string rfc5322_date(Time at) {
    static constexpr std::array<const char*, 7> kDays{
        "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
    };
    static constexpr std::array<const char*, 12> kMonths{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    const Civil c = civil(at);
    const chr::weekday weekday{chr::floor<chr::days>(at)};
    std::array<char, 64> out{};
    std::snprintf(
        out.data(),
        out.size(),
        "%s, %02u %s %04d %02ld:%02ld:%02ld +0000",
        kDays.at(weekday.c_encoding()),
        static_cast<unsigned>(c.day.day()),
        kMonths.at(static_cast<unsigned>(c.day.month()) - 1),
        static_cast<int>(c.day.year()),
        static_cast<long>(c.clock.hours().count()),
        static_cast<long>(c.clock.minutes().count()),
        static_cast<long>(c.clock.seconds().count())
    );
    return out.data();
}

std::optional<Duration> parse_duration(std::string_view text) {
    std::int64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{} || value < 0) {
        return std::nullopt;
    }
    const std::string_view unit{
        read.ptr, static_cast<std::size_t>(text.data() + text.size() - read.ptr)
    };
    std::int64_t factor = 0;
    if (unit == "ms") {
        factor = 1;
    } else if (unit.empty() || unit == "s") {
        factor = 1000;
    } else if (unit == "m" || unit == "min") {
        factor = 60'000;
    } else if (unit == "h") {
        factor = 3'600'000;
    } else if (unit == "d") {
        factor = 86'400'000;
    } else {
        return std::nullopt;
    }
    if (value > std::numeric_limits<std::int64_t>::max() / factor) {
        return std::nullopt;
    }
    return Duration{value * factor};
}

std::string format_duration(Duration duration) {
    const std::int64_t ms = duration.count();
    if (ms != 0 && ms % 86'400'000 == 0) {
        return std::to_string(ms / 86'400'000) + "d";
    }
    if (ms != 0 && ms % 3'600'000 == 0) {
        return std::to_string(ms / 3'600'000) + "h";
    }
    if (ms != 0 && ms % 60'000 == 0) {
        return std::to_string(ms / 60'000) + "m";
    }
    if (ms % 1000 == 0) {
        return std::to_string(ms / 1000) + "s";
    }
    return std::to_string(ms) + "ms";
}

}  // namespace sekisho

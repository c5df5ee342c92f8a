#include "base/time_zone.h"

#include "base/bytes.h"
#include "base/result.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <date/tz.h>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace sekisho {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr int kHoursMax = 18, kMinutesMax = 59;

std::optional<std::chrono::minutes> fixed_of(std::string_view text) {
    if (text == "Z") {
        return std::chrono::minutes{0};
    }
    constexpr std::size_t kLength = std::string_view("+HH:MM").size();
    if (text.size() != kLength || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return std::nullopt;
    }
    int hours = 0;
    int minutes = 0;
    const auto read = [](std::string_view digits, int& into) {
        const auto done = std::from_chars(digits.data(), digits.data() + digits.size(), into);
        return done.ec == std::errc{} && done.ptr == digits.data() + digits.size();
    };
    if (!read(text.substr(1, 2), hours) || !read(text.substr(4, 2), minutes) || hours < 0 ||
        minutes < 0 || hours > kHoursMax || minutes > kMinutesMax) {
        return std::nullopt;
    }
    const std::chrono::minutes all = std::chrono::hours{hours} + std::chrono::minutes{minutes};
    return text[0] == '-' ? -all : all;
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view text) {
    if (const auto fixed = fixed_of(text)) {
        return TimeZone(*fixed);
    }
    if (text.size() <= kNameMax && !text.empty()) {
        try {
            TimeZone out;
            out.place_ = date::locate_zone(std::string(text));
            return out;
        } catch (const std::exception&) {  // it knows no other way to say no
        }
    }
    return fail(
        Errc::Invalid,
        fmt::format(
            "\"{}\" is no time zone, such as \"Asia/Tokyo\" or \"+09:00\"",
            printable(text, kNameMax)
        )
    );
}

std::chrono::minutes TimeZone::offset(std::chrono::system_clock::time_point at) const {
    if (place_ == nullptr) {
        return fixed_;
    }
    return std::chrono::floor<std::chrono::minutes>(place_->get_info(at).offset);
}

std::string TimeZone::text() const {
    if (place_ != nullptr) {
        return place_->name();
    }
    if (fixed_.count() == 0) {
        return "Z";
    }
    const auto size = std::chrono::abs(fixed_).count();
    return fmt::format("{}{:02}:{:02}", fixed_.count() < 0 ? '-' : '+', size / 60, size % 60);
}

}  // namespace sekisho

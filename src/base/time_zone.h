// Time zones as people name them: by a place of the IANA database, as "Asia/Tokyo", or by a fixed
// difference to UTC, as "+09:00".
#pragma once

#include "base/result.h"

#include <chrono>
#include <string>
#include <string_view>

namespace date {
class time_zone;
}

namespace sekisho {

class TimeZone {
  public:
    TimeZone() = default;  // UTC
    explicit TimeZone(std::chrono::minutes fixed) : fixed_(fixed) {}
    // Invalid: neither a place that the system knows, nor "+HH:MM", "-HH:MM" up to 18 hours, or
    // "Z".
    [[nodiscard]] static Result<TimeZone> parse(std::string_view text);

    // What a clock there shows more than UTC at that time, daylight saving included.
    [[nodiscard]] std::chrono::minutes offset(std::chrono::system_clock::time_point at) const;
    [[nodiscard]] std::string text() const;  // as parse() reads it
    friend bool operator==(const TimeZone&, const TimeZone&) = default;

  private:
    const date::time_zone* place_ = nullptr;  // of the database, which outlives everything
    std::chrono::minutes fixed_{0};
};

}  // namespace sekisho

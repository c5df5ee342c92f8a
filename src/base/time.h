// Points in time and their written forms. Nothing in the pure rooms reads a clock: `now` is handed
// in.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho {

using Duration = std::chrono::milliseconds;
// Wall time, UTC, millisecond steps. What is stored and shown.
using Time = std::chrono::sys_time<Duration>;

// For shells only: the wall clock.
[[nodiscard]] Time now();

[[nodiscard]] inline std::int64_t to_ms(Time at) {
    return at.time_since_epoch().count();
}
[[nodiscard]] inline Time from_ms(std::int64_t ms) {
    return Time{Duration{ms}};
}

// "2026-11-24T13:53:24.123Z" (RFC 3339).
[[nodiscard]] std::string rfc3339(Time at);
// Accepts what rfc3339() writes, with or without fraction, with Z or a numeric offset, and a plain
// date (midnight UTC).
[[nodiscard]] std::optional<Time> parse_rfc3339(std::string_view text);
// "Tue, 24 Nov 2026 13:53:24 +0000" (RFC 5322 §3.3).
[[nodiscard]] std::string rfc5322_date(Time at);
// "90s", "15m", "4h", "5d", "250ms"; a plain number is seconds.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
// The shortest exact form that parse_duration() reads back.
[[nodiscard]] std::string format_duration(Duration duration);

}  // namespace sekisho

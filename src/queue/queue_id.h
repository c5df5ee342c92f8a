// Queue ids: a number that grows with time, written in 10 characters that sort as the number does.
// 41 bits of milliseconds since 2020 and 9 bits of count within the millisecond.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::queue {

using MessageNumber = std::uint64_t;

inline constexpr int kQueueIdLength = 10;
inline constexpr MessageNumber kMessageNumberMax = (MessageNumber{1} << 50U) - 1;

[[nodiscard]] std::string format_queue_id(MessageNumber number);
// Only what format_queue_id() writes (either case); never 0.
[[nodiscard]] std::optional<MessageNumber> parse_queue_id(std::string_view text);

// The number after `last` at `now`: the clock's when it is ahead, else last + 1. So a clock set
// back, or more than 512 messages in a millisecond, never gives a number twice.
[[nodiscard]] MessageNumber next_message_number(MessageNumber last, Time now);

}  // namespace sekisho::queue

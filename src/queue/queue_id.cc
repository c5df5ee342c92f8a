#include "queue/queue_id.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::queue {
namespace {

// In ASCII order, without i, l, o and u: an id is read out on the telephone.
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::int64_t kEpochMs = 1'577'836'800'000;  // 2020-01-01T00:00:00Z
constexpr unsigned kCountBits = 9;

}  // namespace

std::string format_queue_id(MessageNumber number) {
    std::string text(kQueueIdLength, '0');
    for (std::size_t i = text.size(); i-- > 0; number >>= 5U) {
        text[i] = kAlphabet[number & 31U];
    }
    return text;
}

std::optional<MessageNumber> parse_queue_id(std::string_view text) {
    if (text.size() != kQueueIdLength) {
        return std::nullopt;
    }
    MessageNumber number = 0;
    for (char c : text) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
        const std::size_t digit = kAlphabet.find(c);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        number = (number << 5U) | digit;
    }
    if (number == 0) {
        return std::nullopt;
    }
    return number;
}

MessageNumber next_message_number(MessageNumber last, Time now) {
    const std::int64_t since = std::clamp<std::int64_t>(
        to_ms(now) - kEpochMs, 0, static_cast<std::int64_t>(kMessageNumberMax >> kCountBits)
    );
    return std::max(static_cast<MessageNumber>(since) << kCountBits, last + 1);
}

}  // namespace sekisho::queue

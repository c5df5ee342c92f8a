#include "account/saslprep.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::account {
namespace {

struct Range {
    char32_t first, last;
};

// RFC 3454 table C.1.2.
constexpr std::array<Range, 6> kSpaces{{
    {.first = 0x00a0, .last = 0x00a0},
    {.first = 0x1680, .last = 0x1680},
    {.first = 0x2000, .last = 0x200b},
    {.first = 0x202f, .last = 0x202f},
    {.first = 0x205f, .last = 0x205f},
    {.first = 0x3000, .last = 0x3000},
}};

// RFC 3454 table B.1. U+200B is in both tables; RFC 4013 §2.1 lists the spaces first.
constexpr std::array<Range, 8> kNothing{{
    {.first = 0x00ad, .last = 0x00ad},
    {.first = 0x034f, .last = 0x034f},
    {.first = 0x1806, .last = 0x1806},
    {.first = 0x180b, .last = 0x180d},
    {.first = 0x200c, .last = 0x200d},
    {.first = 0x2060, .last = 0x2060},
    {.first = 0xfe00, .last = 0xfe0f},
    {.first = 0xfeff, .last = 0xfeff},
}};

// RFC 3454 tables C.2.1, C.2.2, C.3, C.4, C.6, C.7, C.8 and C.9 (C.5 can't be written in UTF-8).
constexpr std::array<Range, 19> kProhibited{{
    {.first = 0x0000, .last = 0x001f},     {.first = 0x007f, .last = 0x009f},
    {.first = 0x0340, .last = 0x0341},     {.first = 0x06dd, .last = 0x06dd},
    {.first = 0x070f, .last = 0x070f},     {.first = 0x180e, .last = 0x180e},
    {.first = 0x200e, .last = 0x200f},     {.first = 0x2028, .last = 0x202e},
    {.first = 0x2061, .last = 0x2063},     {.first = 0x206a, .last = 0x206f},
    {.first = 0x2ff0, .last = 0x2ffb},     {.first = 0xe000, .last = 0xf8ff},
    {.first = 0xfdd0, .last = 0xfdef},     {.first = 0xfff9, .last = 0xfffd},
    {.first = 0x1d173, .last = 0x1d17a},   {.first = 0xe0001, .last = 0xe0001},
    {.first = 0xe0020, .last = 0xe007f},   {.first = 0xf0000, .last = 0xffffd},
    {.first = 0x100000, .last = 0x10fffd},
}};

bool in(std::span<const Range> table, char32_t point) {
    return std::ranges::any_of(table, [&](const Range& range) {
        return point >= range.first && point <= range.last;
    });
}

bool is_noncharacter(char32_t point) {
    return (point & 0xfffeU) == 0xfffeU;  // the last two of every plane
}

// The code point of the well-formed sequence that starts the text, and how many bytes it has.
std::pair<char32_t, std::size_t> first_point(std::string_view text) {
    const auto at = [&](std::size_t i) {
        return static_cast<char32_t>(static_cast<std::uint8_t>(text[i]));
    };
    const char32_t lead = at(0);
    if (lead < 0x80) {
        return {lead, 1};
    }
    if (lead < 0xe0) {
        return {((lead & 0x1fU) << 6U) | (at(1) & 0x3fU), 2};
    }
    if (lead < 0xf0) {
        return {((lead & 0x0fU) << 12U) | ((at(1) & 0x3fU) << 6U) | (at(2) & 0x3fU), 3};
    }
    return {
        ((lead & 0x07U) << 18U) | ((at(1) & 0x3fU) << 12U) | ((at(2) & 0x3fU) << 6U) |
            (at(3) & 0x3fU),
        4
    };
}

}  // namespace

Result<std::string> saslprep(std::string_view text) {
    if (!is_utf8(text)) {
        return fail(Errc::Invalid, "the text is not UTF-8");
    }
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto [point, size] = first_point(text);
        // RFC 4013 §2: mapping comes before prohibition.
        if (in(kSpaces, point)) {
            out.push_back(' ');
        } else if (in(kNothing, point)) {
            // left out
        } else if (in(kProhibited, point) || is_noncharacter(point)) {
            return fail(
                Errc::Invalid, "the text holds a control character or another that is not allowed"
            );
        } else {
            out.append(text.substr(0, size));
        }
        text.remove_prefix(size);
    }
    return out;
}

}  // namespace sekisho::account

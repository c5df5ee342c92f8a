#include "message/mend.h"

#include "base/bytes.h"
#include "base/result.h"
#include "message/field_words.h"
#include "message/header.h"
#include "message/shorten.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::message {
namespace {

bool is_signed(const Header& header) {
    return header.find("DKIM-Signature") != nullptr;
}

bool has_raw_text(const Header& header, const MendOptions& options) {
    return !options.utf8 && header.has(DefectKind::EightBit) && !is_signed(header);
}

// Mailers made these mistakes long ago and still do; repair.h replaces them.
bool is_replaced(std::string_view name) {
    return iequals(name, "Message-ID") || iequals(name, "Date") || iequals(name, "Return-Path");
}

Result<std::string> encode_header(std::string_view message, const Header& header) {
    std::string out;
    for (const Field& field : header.fields()) {
        // What is neither ASCII nor UTF-8 (old devices write Shift_JIS) goes as it came: nobody
        // knows its character set, and its reader may.
        if (is_ascii(field.whole) || is_replaced(field.name) || !is_utf8(field.whole)) {
            out += field.whole;
            continue;
        }
        const auto encoded = encode_field(field);
        if (!encoded) {
            return fail(encoded.error());
        }
        out += *encoded;
    }
    return out + std::string(message.substr(header.header_size()));
}

bool is_number(std::string_view text, std::size_t least, std::size_t most, int max) {
    if (text.size() < least || text.size() > most ||
        !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
        return false;
    }
    int value = 0;
    for (const char c : text) {
        value = value * 10 + (c - '0');
    }
    return value <= max;
}

bool is_time(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, ':');
    return (parts.size() == 2 || parts.size() == 3) && is_number(parts[0], 1, 2, 23) &&
           is_number(parts[1], 1, 2, 59) && (parts.size() == 2 || is_number(parts[2], 1, 2, 60));
}

bool is_zone(std::string_view text) {
    if (text.starts_with('+') || text.starts_with('-')) {
        return is_number(text.substr(1), 4, 4, 9999);
    }
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
}

bool is_month(std::string_view text) {
    static constexpr std::array<std::string_view, 12> kMonths{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };
    return std::ranges::any_of(kMonths, [text](std::string_view one) {
        return iequals(one, text);
    });
}

}  // namespace

bool needs_mending(std::string_view message, const MendOptions& options) {
    const Header header = Header::scan(message);
    const std::string_view lines =
        options.binary ? message.substr(0, header.header_size()) : message;
    return has_raw_text(header, options) || has_long_line(lines);
}

Result<std::string> mend(std::string_view message, const MendOptions& options) {
    std::string out(message);
    const Header header = Header::scan(message);
    if (has_raw_text(header, options)) {
        auto encoded = encode_header(message, header);
        if (!encoded) {
            return fail(encoded.error().code, "Message refused: " + encoded.error().message);
        }
        out = std::move(*encoded);
    }
    if (!has_long_line(out)) {
        return out;
    }
    auto shorter = is_signed(header) ? fail(Errc::Invalid, "it has a DKIM-Signature")
                                     : shorten_lines(out, options.binary);
    if (!shorter) {
        return fail(
            Errc::Invalid,
            fmt::format(
                "Message refused: a line is longer than {} octets, and it can't be encoded anew, "
                "since {}",
                kLineMax,
                shorter.error().message
            )
        );
    }
    return shorter;
}

bool is_date(std::string_view value) {
    // "Tue, 24 Nov 2026 13:53:24 +0900 (JST)"; the day's name and the comment may be missing.
    value = trim(value.substr(0, value.find('(')));
    std::vector<std::string_view> parts;
    for (const std::string_view part : split(value, ' ')) {
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    if (!parts.empty() && (parts.front().ends_with(',') || parts.size() == 6)) {
        parts.erase(parts.begin());
    }
    return parts.size() == 5 && is_number(parts[0], 1, 2, 31) && is_month(parts[1]) &&
           is_number(parts[2], 2, 4, 9999) && is_time(parts[3]) && is_zone(parts[4]);
}

}  // namespace sekisho::message

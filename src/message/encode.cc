#include "message/encode.h"

#include "base/bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iconv.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::message {
namespace {

constexpr std::size_t kLineMax = 76;       // RFC 2045 §6.7, §6.8
constexpr std::size_t kWordBytesMax = 42;  // 68 characters: "Subject: " fits before them in 78
constexpr std::size_t kWordRead = 1000;    // RFC 2047 §2 says 75; programs write longer ones
constexpr std::size_t kWordsRead = 200;    // of one value
constexpr std::size_t kShownMax = 4096;    // of a decoded value

bool is_ascii_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 32 && byte < 127;
    });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

// Only these ever reach iconv: a peer must not choose which of the C library's converters runs.
const char* converter(std::string_view charset) {
    static constexpr std::array<std::pair<std::string_view, const char*>, 11> kKnown{{
        {"iso-2022-jp", "ISO-2022-JP"},
        {"iso-2022-jp-ms", "ISO-2022-JP"},
        {"shift_jis", "CP932"},
        {"cp932", "CP932"},
        {"windows-31j", "CP932"},
        {"euc-jp", "EUC-JP"},
        {"iso-8859-1", "ISO-8859-1"},
        {"iso-8859-15", "ISO-8859-15"},
        {"windows-1252", "CP1252"},
        {"gb2312", "GB2312"},
        {"euc-kr", "EUC-KR"},
    }};
    for (const auto& [known, iconv_name] : kKnown) {
        if (iequals(known, charset)) {
            return iconv_name;
        }
    }
    return nullptr;
}

std::optional<std::string> to_utf8(std::string_view charset, std::string bytes) {
    if (iequals(charset, "utf-8") || iequals(charset, "us-ascii")) {
        if (!is_utf8(bytes)) {
            return std::nullopt;
        }
        return bytes;
    }
    const char* const from = converter(charset);
    if (from == nullptr) {
        return std::nullopt;
    }
    // iconv_t is a pointer whose invalid value is -1.
    const iconv_t handle = iconv_open("UTF-8", from);
    if (reinterpret_cast<std::intptr_t>(handle) == -1) {
        return std::nullopt;
    }
    std::string out(bytes.size() * 4 + 16, '\0');
    char* in_at = bytes.data();
    std::size_t in_left = bytes.size();
    char* out_at = out.data();
    std::size_t out_left = out.size();
    const std::size_t converted = iconv(handle, &in_at, &in_left, &out_at, &out_left);
    iconv_close(handle);
    if (converted == static_cast<std::size_t>(-1)) {
        return std::nullopt;
    }
    out.resize(out.size() - out_left);
    return out;
}

// The "Q" encoding of RFC 2047 §4.2.
std::optional<std::string> decode_q(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '_') {
            out += ' ';
        } else if (text[i] == '=') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                return std::nullopt;
            }
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

struct DecodedWord {
    std::string text;
    std::size_t size = 0;  // of the encoded word
};

// An encoded word at the beginning of `text`: =?charset[*language]?encoding?encoded?=
std::optional<DecodedWord> decode_word(std::string_view text) {
    if (!text.starts_with("=?")) {
        return std::nullopt;
    }
    text = text.substr(0, kWordRead);
    const std::size_t encoding_at = text.find('?', 2);
    if (encoding_at == std::string_view::npos || encoding_at + 2 >= text.size() ||
        text[encoding_at + 2] != '?') {
        return std::nullopt;
    }
    std::string_view charset = text.substr(2, encoding_at - 2);
    charset = charset.substr(0, charset.find('*'));  // RFC 2231 §5
    const std::size_t body_at = encoding_at + 3;
    const std::size_t end = text.find("?=", body_at);
    if (end == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view body = text.substr(body_at, end - body_at);
    if (body.find_first_of(" \t\r\n") != std::string_view::npos) {
        return std::nullopt;
    }
    const char encoding = text[encoding_at + 1];
    std::optional<std::string> bytes;
    if (encoding == 'B' || encoding == 'b') {
        bytes = unbase64(body);
    } else if (encoding == 'Q' || encoding == 'q') {
        bytes = decode_q(body);
    }
    if (!bytes) {
        return std::nullopt;
    }
    std::optional<std::string> utf8 = to_utf8(charset, std::move(*bytes));
    if (!utf8) {
        return std::nullopt;
    }
    return DecodedWord{std::move(*utf8), end + 2};
}

// What may stand in a page, a terminal or a text part: no control characters of ASCII or of C1.
std::string for_people(std::string_view text) {
    if (!is_utf8(text)) {
        return printable(text, kShownMax);
    }
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 32 || byte == 127) {
            if (text[i] == '\t') {
                out += ' ';
            }
        } else if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
            ++i;
        } else {
            out += text[i];
        }
    }
    return out;
}

// Where a UTF-8 text of at most `max` bytes may be cut.
std::size_t cut_utf8(std::string_view text, std::size_t max) {
    if (text.size() <= max) {
        return text.size();
    }
    std::size_t cut = max;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) {
        --cut;
    }
    return cut == 0 ? max : cut;
}

}  // namespace

std::string encode_words(std::string_view utf8) {
    if (is_ascii_text(utf8) && utf8.find("=?") == std::string_view::npos) {
        return std::string(utf8);
    }
    const std::string clean = is_utf8(utf8) ? std::string(utf8) : printable(utf8, utf8.size() * 4);
    std::string out;
    std::string_view rest = clean;
    while (!rest.empty()) {
        const std::size_t cut = cut_utf8(rest, kWordBytesMax);
        if (!out.empty()) {
            out += ' ';
        }
        out += "=?UTF-8?B?" + base64(rest.substr(0, cut)) + "?=";
        rest.remove_prefix(cut);
    }
    return out;
}

std::string decode_words(std::string_view value) {
    std::string out;
    std::string_view gap;  // white space after an encoded word: dropped before another one
    bool after_word = false;
    std::size_t words = 0;
    std::size_t i = 0;
    while (i < value.size() && out.size() < kShownMax) {
        const std::optional<DecodedWord> word =
            words < kWordsRead ? decode_word(value.substr(i)) : std::nullopt;
        if (word) {
            ++words;
            if (!after_word) {
                out += gap;
            }
            out += word->text;
            gap = {};
            after_word = true;
            i += word->size;
            continue;
        }
        const std::size_t gap_end = std::min(value.find_first_not_of(" \t\r\n", i), value.size());
        if (gap_end > i) {
            gap = value.substr(i, gap_end - i);
            i = gap_end;
            continue;
        }
        out += gap;
        gap = {};
        after_word = false;
        out += value[i++];
    }
    return for_people(out);
}

std::string base64_lines(std::string_view bytes) {
    constexpr std::size_t kBytesPerLine = kLineMax / 4 * 3;
    std::string out;
    out.reserve(bytes.size() * 4 / 3 + bytes.size() / 28 + 8);
    while (!bytes.empty()) {
        out += base64(bytes.substr(0, kBytesPerLine));
        out += "\r\n";
        bytes.remove_prefix(std::min(kBytesPerLine, bytes.size()));
    }
    return out;
}

std::string quoted_printable(std::string_view text) {
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
            out += "\r\n";
            column = 0;
            ++i;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        const bool line_ends = i + 1 >= text.size() || text.substr(i + 1).starts_with("\r\n");
        const bool plain =
            (byte > 32 && byte < 127 && c != '=') || ((c == ' ' || c == '\t') && !line_ends);
        const std::size_t width = plain ? 1 : 3;
        if (column + width > kLineMax - 1) {
            out += "=\r\n";
            column = 0;
        }
        if (plain) {
            out += c;
        } else {
            out += fmt::format("={:02X}", byte);
        }
        column += width;
    }
    return out;
}

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (text[i] == '+') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0) {
                return std::nullopt;
            }
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else if (byte < 33 || byte > 126 || text[i] == '=') {
            return std::nullopt;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string encode_xtext(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 33 || byte > 126 || c == '+' || c == '=') {
            out += fmt::format("+{:02X}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace sekisho::message

// The encodings of mail: encoded words, base64 lines, quoted-printable, xtext.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::message {

// RFC 2047: UTF-8 text as encoded words of at most 75 characters, separated by spaces (make_field
// folds there); ASCII without "=?" stays as it is.
[[nodiscard]] std::string encode_words(std::string_view utf8);
// For showing: encoded words in UTF-8, ASCII, Latin-1 and the Japanese character sets become UTF-8;
// others stay as written. Always well-formed UTF-8 without control characters.
[[nodiscard]] std::string decode_words(std::string_view value);

// RFC 2045 §6.8: lines of 76, CRLF at the end of each.
[[nodiscard]] std::string base64_lines(std::string_view bytes);
// RFC 2045 §6.7, for text with CRLF line ends.
[[nodiscard]] std::string quoted_printable(std::string_view text);

// RFC 3461 §4; nullopt where it isn't xtext.
[[nodiscard]] std::optional<std::string> decode_xtext(std::string_view text);
[[nodiscard]] std::string encode_xtext(std::string_view text);

}  // namespace sekisho::message

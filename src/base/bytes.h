// Small conversions on bytes and text: hex, base64, CRC-32C, ASCII case, random bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho {

[[nodiscard]] std::string hex(std::string_view bytes);
[[nodiscard]] std::optional<std::string> unhex(std::string_view text);

// RFC 4648 §4, with padding.
[[nodiscard]] std::string base64(std::string_view bytes);
// Strict: the alphabet, the padding and the zero bits must be right; white space is an error.
[[nodiscard]] std::optional<std::string> unbase64(std::string_view text);

// CRC-32C (Castagnoli), as in RFC 3720 §12.1; `seed` continues an earlier value.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// SHA-256, 32 raw bytes.
[[nodiscard]] std::string sha256(std::string_view bytes);

// ASCII only: what protocols mean by case-insensitive.
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// For logs and replies: control bytes, DEL and (unless valid UTF-8) high bytes become \xNN; cut at
// `max` bytes.
[[nodiscard]] std::string printable(std::string_view bytes, std::size_t max = 200);
// Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view bytes);

// For shells only: from the kernel's random device.
[[nodiscard]] std::string random_bytes(std::size_t count);
// Unreserved characters, `bits` of entropy or a little more; for tokens, passwords and ids.
[[nodiscard]] std::string random_token(int bits);

}  // namespace sekisho

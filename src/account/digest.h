// Keyed and plain digests that credentials and mechanisms are made of. Thin over OpenSSL; all
// values are raw bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::account {

inline constexpr std::size_t kSha256Size = 32;

[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);
// Hi() of RFC 5802 §2.2, that is PBKDF2 with HMAC-SHA-256 and one block of output.
[[nodiscard]] std::string pbkdf2_sha256(
    std::string_view password, std::string_view salt, std::uint32_t iterations
);
// Takes the same time wherever the first difference is; different lengths are unequal.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);
// Overwrites a secret before its memory is given back.
void wipe(std::string& secret);

}  // namespace sekisho::account

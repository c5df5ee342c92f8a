// One-time codes from a shared key and a counter (HOTP, RFC 4226) or the time (TOTP, RFC 6238).
// Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::staff {

// Programs for telephones know SHA-1 surely, and others only perhaps.
enum class TotpHash : std::uint8_t { Sha1, Sha256, Sha512 };

inline constexpr std::size_t kTotpKeySize = 20;  // RFC 4226 §4: 160 bits are recommended
inline constexpr int kTotpDigits = 6;
inline constexpr std::int64_t kTotpStepSeconds = 30;

// RFC 4226 §5.3. `digits`: 6 to 8.
[[nodiscard]] std::string hotp(
    std::string_view key,
    std::uint64_t counter,
    int digits = kTotpDigits,
    TotpHash hash = TotpHash::Sha1
);
// RFC 6238 §4: the number of whole steps since 1970.
[[nodiscard]] std::int64_t totp_step(Time at);

// The step that the code is of, when it is one that was not used yet (later than `last_step`) and
// at most one step away from now (RFC 6238 §5.2: a clock that is a little wrong, a code typed
// slowly). White space in the code is passed over.
[[nodiscard]] std::optional<std::int64_t> check_totp(
    std::string_view key, std::string_view code, Time now, std::int64_t last_step
);

// RFC 4648 §6, without padding, as such programs show and take keys.
[[nodiscard]] std::string base32(std::string_view bytes);
[[nodiscard]] std::optional<std::string> unbase32(std::string_view text);

// "otpauth://totp/Example%20Net:hanako?secret=...&issuer=...": what such programs read as a QR
// code.
[[nodiscard]] std::string otpauth_uri(
    std::string_view issuer, std::string_view name, std::string_view key
);

}  // namespace sekisho::staff

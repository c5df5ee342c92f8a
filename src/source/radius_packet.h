// RADIUS packets of a login with a password (RFC 2865): the request made, the response read. Pure.
// Message-Authenticator (RFC 3579 §3.2) is in every request, first, and demanded of every response:
// without it a response can be forged (CVE-2024-3596).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::source {

inline constexpr std::size_t kRadiusPasswordMax = 128;  // RFC 2865 §5.2
inline constexpr std::size_t kRadiusNameMax = 253;

struct RadiusLogin {
    std::string login, password, secret;
    std::string nas_identifier;
    std::uint8_t id = 0;
    std::string authenticator;  // 16 random octets
};
// Invalid: the login or the password is too long.
[[nodiscard]] Result<std::string> access_request(const RadiusLogin& login);

enum class RadiusAnswer : std::uint8_t { Accept, Reject, Challenge };
// nullopt: no response to this request by who knows the secret.
[[nodiscard]] std::optional<RadiusAnswer> read_response(
    std::string_view packet, const RadiusLogin& login
);

}  // namespace sekisho::source

// A RADIUS accounting packet as a value (RFC 2866), its checks with the shared secret, and the
// bytes of the answer. Parsing only; what a packet means for sessions is radius.h.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "radius/codec.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::line {

inline constexpr std::size_t kRadiusPacketMax = radius::kPacketMax;

enum class AcctStatus : std::uint32_t {  // RFC 2866 §5.1
    Start = 1,
    Stop = 2,
    InterimUpdate = 3,
    AccountingOn = 7,
    AccountingOff = 8,
};

struct AccountingRequest {
    std::uint8_t id = 0;
    std::array<char, 16> authenticator{};
    std::uint32_t status = 0;  // an AcctStatus, or one that has nothing to do with sessions
    std::string user_name;
    std::string nas_identifier;
    std::optional<IpAddress> nas_address;  // NAS-IP-Address, or NAS-IPv6-Address (RFC 3162 §2.1)
    std::string session_id;
    std::vector<Prefix> prefixes;
    std::optional<Time> event_time;         // Event-Timestamp (RFC 2869 §5.3)
    std::chrono::seconds delay{0};          // Acct-Delay-Time
    std::chrono::seconds session_time{0};   // Acct-Session-Time
    std::vector<std::string> proxy_states;  // to be given back in order (RFC 2865 §5.33)
    bool has_message_authenticator = false;
};

// Invalid when the packet isn't an Accounting-Request, its lengths don't add up, an attribute has
// a wrong size, or Acct-Status-Type is missing. Octets after the length that the packet gives are
// padding (RFC 2866 §3).
[[nodiscard]] Result<AccountingRequest> parse_accounting(std::string_view packet);

// Whether the Request Authenticator (RFC 2866 §3) and, where there is one, the
// Message-Authenticator (RFC 2869 §5.14, over the packet with a zero authenticator) were made with
// the secret. `packet` must be one that parse_accounting() takes.
[[nodiscard]] bool is_authentic(std::string_view packet, std::string_view secret);

// Accounting-Response with the Response Authenticator (RFC 2866 §4.2), which covers all of it. No
// Message-Authenticator: RFC 2869 §5.19 knows none there, and implementations compute it in
// different ways (FreeRADIUS with a zero authenticator, others with the request's).
[[nodiscard]] std::string accounting_response(
    const AccountingRequest& request, std::string_view secret
);

// An answer's length and Response Authenticator, once its attributes are there.
void sign_response(std::string& packet, const AccountingRequest& request, std::string_view secret);

// "user@realm" and "REALM\user" as (user, realm in lower case); no realm: ("user", "").
[[nodiscard]] std::pair<std::string, std::string> split_realm(std::string_view user_name);

}  // namespace sekisho::line

// The operator's routes: which mail goes where, how and as whom. Pure.
#pragma once

#include "delivery/tls/policy.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

struct RouteRule {
    enum class Protocol : std::uint8_t {
        Smtp,         // STARTTLS as the rule for TLS says
        Submissions,  // TLS from the first byte (RFC 8314 §3.3)
        Lmtp,         // RFC 2033
    };
    std::string name;
    // Conditions; an empty list asks nothing. Lower case.
    std::vector<std::string> domains;   // of recipients: "example.net", ".example.net", "*"
    std::vector<std::string> senders;   // "taro@example.net", domains as above, "<>", "*"
    std::vector<std::string> accounts;  // logins, exactly
    std::vector<std::string> via;  // "HOST:PORT" in the order to try; LMTP: a path too; empty: MX
    Protocol protocol = Protocol::Smtp;
    std::optional<TlsRule> tls;  // none: the rule for the host's name
    std::string login;           // RFC 4954; empty: none
    std::string password_file;
    bool login_without_tls = false;
    friend bool operator==(const RouteRule&, const RouteRule&) = default;
};
[[nodiscard]] std::optional<RouteRule::Protocol> parse_protocol(std::string_view text);

// "host.example.net:587", "192.0.2.1:25", "[2001:db8::1]:465".
struct RouteHost {
    std::string name;  // or the address as text
    std::uint16_t port = 0;
};
[[nodiscard]] std::optional<RouteHost> parse_route_host(std::string_view text);

// What is wrong with a rule as it was written, in one sentence with the key; then, if nothing is,
// its names in lower case and the TLS that a login needs.
[[nodiscard]] std::optional<std::string> check_route(RouteRule& rule);

struct RouteQuestion {
    std::string domain;   // of the recipients, lower case
    std::string sender;   // reverse-path; empty: null
    std::string account;  // empty: none
};
// The first rule that fits. `own`: the domain is one of ours, and only a rule that names it exactly
// takes its mail.
[[nodiscard]] const RouteRule* route_for(
    const std::vector<RouteRule>& rules, const RouteQuestion& question, bool own
);

}  // namespace sekisho::delivery

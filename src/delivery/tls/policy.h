// How much TLS the operator wants towards a destination: his rules, and which of them counts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::delivery {

enum class TlsLevel : std::uint8_t {
    None,           // never
    Opportunistic,  // where it is offered; nobody's certificate matters (RFC 7435)
    Auto,           // what the destination publishes: DANE, else MTA-STS, else as Opportunistic
    Required,       // as Auto, but never in plain
    Verified,       // DANE where published, else a certificate that the system trusts
    Dane,           // nothing but DANE
};
[[nodiscard]] std::string_view name(TlsLevel level);
[[nodiscard]] std::optional<TlsLevel> parse_tls_level(std::string_view text);

struct TlsRule {
    std::string domain;  // lower case: "example.net"; ".example.net", all below it; "*", the rest
    TlsLevel level = TlsLevel::Auto;
    std::vector<std::string>
        mx;  // hosts that may take the mail, as MTA-STS writes them; empty: any
    friend bool operator==(const TlsRule&, const TlsRule&) = default;
};

// "verified", or "verified mx1.example.net *.mx.example.net"; what is wrong with it otherwise.
[[nodiscard]] std::optional<std::string> read_tls_rule(
    std::string_view domain, std::string_view text, TlsRule& rule
);

// The most exact rule for a domain (A-labels, lower case), whatever their order. None: Auto.
[[nodiscard]] TlsRule tls_rule_for(const std::vector<TlsRule>& rules, std::string_view domain);

}  // namespace sekisho::delivery

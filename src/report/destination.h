// Who wants a report, and who may be sent one: `rua` of DMARC and of TLSRPT records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {

// "mailto:reports@example.net!10m": RFC 7489 §6.2 had the size; records still do.
struct Mailbox {
    std::string address;
    std::string host;  // its domain, lower case
    std::optional<std::uint64_t> bytes_max;
};
// nullopt: it is no mailto, or its address can't be used.
[[nodiscard]] std::optional<Mailbox> parse_mailto(std::string_view uri);

// RFC 9990 §4: what the destination must publish when it belongs to another organization. Empty:
// the name would be too long.
[[nodiscard]] std::string permission_name(std::string_view policy_domain, std::string_view host);
struct Permission {
    bool given = false;
    std::vector<std::string> rua;  // to use instead; of the same host only
};
[[nodiscard]] Permission permission_of(
    const std::vector<std::string>& texts, std::string_view host
);

// The rua of the record at _smtp._tls.DOMAIN (RFC 8460 §3); nullopt: there isn't exactly one.
[[nodiscard]] std::optional<std::vector<std::string>> tlsrpt_destinations(
    const std::vector<std::string>& texts
);

inline constexpr std::size_t kDestinationsMax = 10;  // of a report

}  // namespace sekisho::report

// DMARC Policy Records (RFC 9989 §4.7, §4.8): tags of a TXT record at _dmarc.DOMAIN. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dmarc {

enum class Policy : std::uint8_t { None, Quarantine, Reject };
[[nodiscard]] std::string_view name(Policy policy);  // "none", ...

// Is the domain a public suffix? `Unknown` is what nearly all domains say.
enum class Psd : std::uint8_t { Unknown, Yes, No };

struct Record {
    Policy policy = Policy::None;       // p
    std::optional<Policy> subdomains;   // sp
    std::optional<Policy> nonexistent;  // np
    bool strict_dkim = false;           // adkim=s
    bool strict_spf = false;            // aspf=s
    bool testing = false;               // t=y: one level less is applied
    Psd psd = Psd::Unknown;
    std::vector<std::string> aggregate_reports;  // rua, what is a URI of it
    std::vector<std::string> failure_reports;    // ruf, likewise
    std::string failure_options = "0";           // fo (RFC 9991), what is known of it: 0, 1, d, s
    // A policy in it can't be read, and there is nobody to be told: nothing is applied (RFC 9989
    // §4.10.1). With a rua, such a record is one with p=none.
    bool usable = true;
};

// nullopt: no DMARC record at all; it must begin with "v=DMARC1" exactly. Unknown tags and other
// wrong values are as if they weren't there.
[[nodiscard]] std::optional<Record> parse_record(std::string_view text);

}  // namespace sekisho::dmarc

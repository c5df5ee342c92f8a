// Macros of SPF records (RFC 7208 §7): reading them strictly, expanding them from known values.
// Pure.
#pragma once

#include "base/ip.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::spf {

struct Macro {
    char letter = 's';     // in lower case
    bool escape = false;   // written in upper case: URL-escaped (RFC 7208 §7.3)
    std::size_t keep = 0;  // right-hand parts to keep; 0: all
    bool reverse = false;
    std::string delimiters;  // empty: "."
};
using MacroString = std::vector<std::variant<std::string, Macro>>;  // literals and macros in order

enum class MacroPlace : std::uint8_t {
    Term,         // in a record: no space, and not the letters c, r and t
    Explanation,  // the text that exp= leads to
};

// nullopt: against the grammar of RFC 7208 §7.1.
[[nodiscard]] std::optional<MacroString> parse_macro_string(
    std::string_view text, MacroPlace place
);
// The same, and it ends as a domain does: with a macro, or with a top label that isn't a number.
[[nodiscard]] std::optional<MacroString> parse_domain_spec(std::string_view text);

// Whether one of `letters` is expanded in it.
[[nodiscard]] bool uses(const MacroString& text, std::string_view letters);

struct MacroValues {
    std::string local, sender_domain;  // l, o; both of them: s
    std::string domain;                // d
    IpAddress client;                  // i, c, v
    std::string validated;             // p, "unknown" where none is
    std::string helo;                  // h
    std::string receiver;              // r
    std::int64_t seconds = 0;          // t, since 1970
};

[[nodiscard]] std::string expand(const MacroString& text, const MacroValues& values);
// For a domain: the trailing dot is dropped, and labels from the left until 253 octets are left
// (RFC 7208 §7.3).
[[nodiscard]] std::string expand_domain(const MacroString& text, const MacroValues& values);

}  // namespace sekisho::spf

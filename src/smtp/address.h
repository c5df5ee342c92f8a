// Mailboxes and paths (RFC 5321 §4.1.2, RFC 6531 §3.3): reading, normal form, lengths. Pure.
//
// Looser than the grammar where refusing would lose real mail:
// - dots at the start, the end or in a row in a local part (old addresses of Japanese mobile
//   operators have them); the normal form quotes them. AddressRules::loose_dots turns it off.
// - '_' in a domain, as names of sending hosts have it.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::smtp {

struct AddressRules {
    bool utf8 = false;           // RFC 6531: non-ASCII in local part and domain
    bool loose_dots = true;      // see above
    std::size_t local_max = 64;  // RFC 5321 §4.5.3.1.1
};
inline constexpr std::size_t kDomainMax = 255;  // RFC 5321 §4.5.3.1.2
inline constexpr std::size_t kPathMax = 256;    // RFC 5321 §4.5.3.1.3, with punctuation

struct Address {
    std::string local;   // what it means: quotes and backslashes removed, case kept
    std::string domain;  // ASCII letters in lower case; "[192.0.2.1]" or "[IPv6:2001:db8::1]" for a
                         // literal; empty for "postmaster" alone

    // "local@domain", the local part quoted only where it must be.
    [[nodiscard]] std::string text() const;
    // text() with the local part in lower case too: the key for look-ups. Our own domains treat
    // local parts as case-insensitive (RFC 5321 §2.4 leaves that to the receiving host).
    [[nodiscard]] std::string key() const;
    [[nodiscard]] bool ascii() const;
    [[nodiscard]] bool literal() const { return domain.starts_with('['); }

    friend bool operator==(const Address&, const Address&) = default;
};

// A whole Mailbox, without angle brackets. The error says what is wrong with it.
[[nodiscard]] Result<Address> parse_address(std::string_view text, const AddressRules& rules = {});

enum class PathKind {
    Reverse,  // "<>" is allowed
    Forward,  // "<postmaster>" is allowed (RFC 5321 §4.5.1)
};
struct Path {
    std::optional<Address> address;  // none: the null reverse-path
    std::size_t length = 0;          // octets of the input that were the path
};
// The path that `text` begins with, from '<' to '>'. A source route is read and forgotten (RFC 5321
// §4.1.1.3).
[[nodiscard]] Result<Path> parse_path(
    std::string_view text, PathKind kind, const AddressRules& rules = {}
);

// A Domain (not a literal): labels of at most 63 octets.
[[nodiscard]] bool is_domain(std::string_view text, bool utf8 = false);

}  // namespace sekisho::smtp

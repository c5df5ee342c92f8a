// What a host name gives away about the line behind it: "ppp-198-51-100-7.dyn.example" or
// "mail.example.net". The words are those of share/peer-names.txt, made from the naming habits of
// access providers.
#pragma once

#include "base/ip.h"
#include "peer/name_patterns.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::peer {

enum class NameKind : std::uint8_t {
    Dynamic,  // a word for a dynamic or end-user line: ppp, dyn, pool, cable, ftth, ap.plala, ...
    Generic,  // contains the address's own numbers, and no word for a fixed line
    Static,   // contains its numbers or a customer form, and a word for a fixed line
    Mail,     // a word for a mail server: mail, mx, smtp, mta, relay, outbound
    Plain,    // a name that somebody chose
    Bad,      // not a host name at all (one label, bad characters, an address)
};
[[nodiscard]] std::string_view name(NameKind kind);

struct NameShape {
    NameKind kind = NameKind::Plain;
    std::string evidence;  // the word or number that decided; may be empty
};

[[nodiscard]] NameShape shape_of(
    std::string_view host,
    const IpAddress& address,
    const NamePatterns& patterns = NamePatterns::built_in()
);

// A domain name of two labels or more, letters, digits, hyphens (underscores are read too), RFC
// 1035 lengths, last label not all digits.
[[nodiscard]] bool is_host_name(std::string_view text);

}  // namespace sekisho::peer

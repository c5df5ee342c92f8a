// What libunbound hands over: names and records in wire form (RFC 1035 §3), read into values. Pure.
#pragma once

#include "base/ip.h"
#include "net/resolver.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::net {

// An uncompressed domain name at the start of `wire`: its text in lower case without the trailing
// dot (the root is empty), and how many bytes it took. A dot inside a label and bytes that aren't
// printable ASCII are written as in master files (RFC 1035 §5.1). nullopt: malformed, or longer
// than 255 octets.
[[nodiscard]] std::optional<std::pair<std::string, std::size_t>> read_name(std::string_view wire);

[[nodiscard]] std::optional<Mx> read_mx(std::string_view rdata);
[[nodiscard]] std::optional<IpAddress> read_a(std::string_view rdata);
[[nodiscard]] std::optional<IpAddress> read_aaaa(std::string_view rdata);
// The character-strings joined, as RFC 7208 §3.3 and RFC 6376 §3.6.2.2 want them.
[[nodiscard]] std::optional<std::string> read_txt(std::string_view rdata);
[[nodiscard]] std::optional<std::string> read_ptr(std::string_view rdata);

[[nodiscard]] std::optional<Srv> read_srv(std::string_view rdata);
[[nodiscard]] std::optional<Tlsa> read_tlsa(std::string_view rdata);

// "1.2.0.192.in-addr.arpa" (RFC 1035 §3.5), "….ip6.arpa" (RFC 3596 §2.5).
[[nodiscard]] std::string reverse_name(const IpAddress& address);

// The name of an address in a list of addresses (RFC 5782 §2): "1.2.0.192.ZONE", or nibbles.
[[nodiscard]] std::string listed_name(const IpAddress& address, std::string_view zone);
// Whether an answer of such a list means "listed": only 127.0.0.0/8 does (RFC 5782 §2.1), and not
// 127.255.255.0/24, by which the large lists say that the asker may not ask.
[[nodiscard]] bool is_listing(const IpAddress& answer);

}  // namespace sekisho::net

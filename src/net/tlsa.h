// TLSA records: which certificate or key a host of the DNS shows (DANE).
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::net {

// RFC 6698 §2.1.
struct Tlsa {
    std::uint8_t usage = 0, selector = 0, matching = 0;
    std::string data;  // octets
};

// Whether a mail client can use it: a usage that RFC 7672 §3.1 gives a meaning (2, 3), a known
// selector and matching type, and data that can be what they say.
[[nodiscard]] bool usable(const Tlsa& record);

}  // namespace sekisho::net

// XCLIENT: a proxy that may be trusted says whom it speaks for (as Postfix has it; no RFC). Pure.
#pragma once

#include "base/ip.h"
#include "smtp/reply.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::smtp {

// What was said; what wasn't stays as it was.
struct XClient {
    std::optional<IpAddress> address;
    std::optional<std::uint16_t> port;
    std::optional<IpAddress> local_address;  // where the client had wanted to go
    std::optional<std::uint16_t> local_port;
};

// As EHLO lists it. NAME, PROTO and HELO are taken and not used: names are looked up here, and the
// client says EHLO anew. LOGIN is not: nobody logs in for another.
inline constexpr std::string_view kXClientOffer =
    "XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT";

// `text` is what follows the command's name.
[[nodiscard]] std::expected<XClient, Reply> parse_xclient(std::string_view text);

}  // namespace sekisho::smtp

#include "smtp/xclient.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "smtp/command.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sekisho::smtp {
namespace {

Reply wrong(std::string text) {
    return reply(501, "5.5.4", std::move(text));
}

// The proxy doesn't know, or can't find out now.
bool unknown(std::string_view value) {
    return iequals(value, "[UNAVAILABLE]") || iequals(value, "[TEMPUNAVAIL]");
}

bool take_address(std::string_view value, std::optional<IpAddress>& out) {
    constexpr std::string_view kSix = "IPV6:";
    const bool six = iequals(value.substr(0, kSix.size()), kSix);
    const auto address = IpAddress::parse(six ? value.substr(kSix.size()) : value);
    if (!address) {
        return false;
    }
    out = *address;
    return true;
}

bool take_port(std::string_view value, std::optional<std::uint16_t>& out) {
    std::uint16_t port = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), port);
    if (value.empty() || read.ec != std::errc{} || read.ptr != value.data() + value.size()) {
        return false;
    }
    out = port;
    return true;
}

bool take(const std::string& name, const std::string& value, XClient& out) {
    if (name == "ADDR") {
        return unknown(value) || take_address(value, out.address);
    }
    if (name == "PORT") {
        return unknown(value) || take_port(value, out.port);
    }
    if (name == "DESTADDR") {
        return unknown(value) || take_address(value, out.local_address);
    }
    if (name == "DESTPORT") {
        return unknown(value) || take_port(value, out.local_port);
    }
    return name == "NAME" || name == "HELO" || name == "PROTO";
}

}  // namespace

std::expected<XClient, Reply> parse_xclient(std::string_view text) {
    XClient out;
    bool any = false;
    for (const std::string_view word : split(text, ' ')) {
        if (word.empty()) {
            continue;
        }
        const std::size_t equals = word.find('=');
        const auto value = decode_xtext(
            equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1)
        );
        const std::string name = to_upper(word.substr(0, equals));
        if (equals == std::string_view::npos || !value || value->empty() ||
            !take(name, *value, out)) {
            return std::unexpected(wrong(fmt::format("Bad attribute {}", printable(word, 60))));
        }
        any = true;
    }
    if (!any) {
        return std::unexpected(wrong("Say XCLIENT attribute=value"));
    }
    return out;
}

}  // namespace sekisho::smtp

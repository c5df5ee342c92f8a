#include "net/dns_records.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "net/resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::net {
namespace {

constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kNameMax = 255;

std::uint8_t octet(char c) {
    return static_cast<std::uint8_t>(c);
}

std::uint16_t number16(std::string_view wire, std::size_t at) {
    return static_cast<std::uint16_t>((octet(wire[at]) << 8U) | octet(wire[at + 1]));
}

void append_label(std::string& text, std::string_view label) {
    for (const char c : label) {
        if (c == '.' || c == '\\') {
            text += '\\';
            text += c;
        } else if (octet(c) > 0x20 && octet(c) < 0x7F) {
            text += c;
        } else {
            text += fmt::format("\\{:03}", octet(c));
        }
    }
}

}  // namespace

std::optional<std::pair<std::string, std::size_t>> read_name(std::string_view wire) {
    std::string text;
    std::size_t at = 0;
    while (at < wire.size() && at < kNameMax) {
        const std::size_t length = octet(wire[at]);
        ++at;
        if (length == 0) {
            return std::pair{to_lower(text), at};
        }
        if (length > kLabelMax || length > wire.size() - at) {
            return std::nullopt;
        }
        if (!text.empty()) {
            text += '.';
        }
        append_label(text, wire.substr(at, length));
        at += length;
    }
    return std::nullopt;
}

std::optional<Mx> read_mx(std::string_view rdata) {
    if (rdata.size() < 3) {
        return std::nullopt;
    }
    auto name = read_name(rdata.substr(2));
    if (!name || name->second != rdata.size() - 2) {
        return std::nullopt;
    }
    Mx mx;
    mx.preference = number16(rdata, 0);
    mx.host = std::move(name->first);
    return mx;
}

std::optional<IpAddress> read_a(std::string_view rdata) {
    if (rdata.size() != 4) {
        return std::nullopt;
    }
    std::uint32_t value = 0;
    for (const char c : rdata) {
        value = value << 8U | octet(c);
    }
    return IpAddress::v4(value);
}

std::optional<IpAddress> read_aaaa(std::string_view rdata) {
    std::array<std::uint8_t, 16> bytes{};
    if (rdata.size() != bytes.size()) {
        return std::nullopt;
    }
    std::ranges::transform(rdata, bytes.begin(), octet);
    return IpAddress::v6(bytes);
}

std::optional<std::string> read_txt(std::string_view rdata) {
    std::string text;
    while (!rdata.empty()) {
        const std::size_t length = octet(rdata.front());
        rdata.remove_prefix(1);
        if (length > rdata.size()) {
            return std::nullopt;
        }
        text += rdata.substr(0, length);
        rdata.remove_prefix(length);
    }
    return text;
}

std::optional<std::string> read_ptr(std::string_view rdata) {
    auto name = read_name(rdata);
    if (!name || name->second != rdata.size()) {
        return std::nullopt;
    }
    return std::move(name->first);
}

std::optional<Srv> read_srv(std::string_view rdata) {
    constexpr std::size_t fixed = 6;
    if (rdata.size() <= fixed) {
        return std::nullopt;
    }
    auto name = read_name(rdata.substr(fixed));
    if (!name || name->second != rdata.size() - fixed) {
        return std::nullopt;
    }
    return Srv{number16(rdata, 0), number16(rdata, 2), number16(rdata, 4), std::move(name->first)};
}

std::optional<Tlsa> read_tlsa(std::string_view rdata) {
    constexpr std::size_t fixed = 3;
    if (rdata.size() <= fixed) {
        return std::nullopt;
    }
    return Tlsa{
        octet(rdata[0]), octet(rdata[1]), octet(rdata[2]), std::string(rdata.substr(fixed))
    };
}

std::string reverse_name(const IpAddress& address) {
    std::string name;
    const auto& bytes = address.bytes();
    if (address.is_v4()) {
        return fmt::format("{}.{}.{}.{}.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
    }
    for (std::size_t i = bytes.size(); i-- > 0;) {
        name += fmt::format("{:x}.{:x}.", bytes[i] & 0xFU, bytes[i] >> 4U);
    }
    return name + "ip6.arpa";
}

std::string listed_name(const IpAddress& address, std::string_view zone) {
    std::string name = reverse_name(address);
    name.resize(
        name.size() - std::string_view(address.is_v4() ? "in-addr.arpa" : "ip6.arpa").size()
    );
    name += zone;
    return name;
}

bool is_listing(const IpAddress& answer) {
    const std::uint32_t value = answer.is_v4() ? answer.to_v4() : 0;
    return value >> 24U == 127 && value >> 8U != 0x7FFFFF;
}

}  // namespace sekisho::net

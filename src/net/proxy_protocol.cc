#include "net/proxy_protocol.h"

#include "base/bytes.h"
#include "base/ip.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace sekisho::net {
namespace {

using State = ProxyReading::State;

// What version 1 begins with, then what version 2 does. Twelve octets tell which it is, and no
// header is shorter.
constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kBinary{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kTextMax = 107;
constexpr std::size_t kBinaryHead = 16;

ProxyReading more(std::size_t wanted) {
    return {.state = State::More, .wanted = wanted, .header = {}};
}
ProxyReading bad() {
    return {.state = State::Bad, .wanted = 0, .header = {}};
}
ProxyReading done(std::optional<ProxyHeader::Addresses> addresses) {
    return {.state = State::Done, .wanted = 0, .header = {addresses}};
}

std::optional<std::uint16_t> port(std::string_view text) {
    std::uint16_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool leading = text.size() > 1 && text[0] == '0';
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || leading) {
        return std::nullopt;
    }
    return value;
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 587", without its end.
ProxyReading read_line(std::string_view line) {
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() >= 2 && words[1] == "UNKNOWN") {
        return done(std::nullopt);
    }
    const bool v4 = words.size() == 6 && words[1] == "TCP4";
    const bool v6 = words.size() == 6 && words[1] == "TCP6";
    if (!v4 && !v6) {
        return bad();
    }
    const auto client = IpAddress::parse(words[2]);
    const auto server = IpAddress::parse(words[3]);
    const auto client_port = port(words[4]);
    const auto server_port = port(words[5]);
    // "::ffff:192.0.2.1" reads as an IPv4 address; some balancers write it with TCP6.
    if (!client || !server || !client_port || !server_port || client->is_v4() != server->is_v4() ||
        (v4 && !client->is_v4())) {
        return bad();
    }
    return done(ProxyHeader::Addresses{{*client, *client_port}, {*server, *server_port}});
}

ProxyReading read_text(std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
        // What is behind the line must stay unread, and where it ends is seen only at its end.
        return bytes.size() >= kTextMax ? bad() : more(1);
    }
    if (end + 1 != bytes.size() || bytes[end - 1] != '\r') {
        return bad();
    }
    return read_line(bytes.substr(0, end - 1));
}

std::size_t number(std::string_view two) {
    return (std::size_t{static_cast<std::uint8_t>(two[0])} << 8U) |
           static_cast<std::uint8_t>(two[1]);
}

IpAddress address(std::string_view octets) {
    if (octets.size() == 4) {
        return IpAddress::v4(static_cast<std::uint32_t>(
            (number(octets.substr(0, 2)) << 16U) | number(octets.substr(2))
        ));
    }
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::transform(octets, bytes.begin(), [](char c) {
        return static_cast<std::uint8_t>(c);
    });
    return IpAddress::v6(bytes);
}

ProxyReading read_binary(std::string_view bytes) {
    if (bytes.size() < kBinaryHead) {
        return more(kBinaryHead - bytes.size());
    }
    const auto version_command = static_cast<std::uint8_t>(bytes[12]);
    const auto family = static_cast<std::uint8_t>(bytes[13]);
    const std::size_t whole = kBinaryHead + number(bytes.substr(14, 2));
    const bool local = version_command == 0x20U;
    if ((!local && version_command != 0x21U) || whole > kProxyHeaderMax || bytes.size() > whole) {
        return bad();
    }
    if (bytes.size() < whole) {
        return more(whole - bytes.size());
    }
    const bool v4 = family == 0x11U;
    const bool v6 = family == 0x21U;
    if (local || (!v4 && !v6)) {
        return done(std::nullopt);
    }
    const std::size_t width = v4 ? 4 : 16;
    const std::string_view told = bytes.substr(kBinaryHead);
    if (told.size() < 2 * width + 4) {
        return bad();
    }
    const auto port_at = [told](std::size_t at) {
        return static_cast<std::uint16_t>(number(told.substr(at, 2)));
    };
    return done(ProxyHeader::Addresses{
        {address(told.substr(0, width)), port_at(2 * width)},
        {address(told.substr(width, width)), port_at(2 * width + 2)}
    });
}

}  // namespace

ProxyReading read_proxy_header(std::string_view bytes) {
    const std::string_view head = bytes.substr(0, kBinary.size());
    const bool text = head.substr(0, kText.size()) == kText.substr(0, head.size());
    const bool binary = head == kBinary.substr(0, head.size());
    if (!text && !binary) {
        return bad();
    }
    if (head.size() < kBinary.size()) {
        return more(kBinary.size() - head.size());
    }
    return text ? read_text(bytes) : read_binary(bytes);
}

}  // namespace sekisho::net

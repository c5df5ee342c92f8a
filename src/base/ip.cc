#include "base/ip.h"

#include "base/assert.h"
#include "base/result.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The bits of byte `index` that a prefix of `length` bits keeps.
std::uint8_t byte_mask(int length, std::size_t index) {
    const int kept = std::clamp(length - static_cast<int>(index) * 8, 0, 8);
    return static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(kept));
}

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text.substr(0, 80)) + "\"";
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    return !text.empty() && read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
    IpAddress address;
    for (unsigned i = 0; i < 4; ++i) {
        address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    }
    return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes) {
    IpAddress address;
    if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
        std::copy(bytes.begin() + 12, bytes.end(), address.bytes_.begin());
        return address;
    }
    address.bytes_ = bytes;
    address.v4_ = false;
    return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string copy(text.substr(0, 64));
    if (copy.find(':') == std::string::npos) {
        in_addr parsed{};
        if (text.size() < 64 && inet_pton(AF_INET, copy.c_str(), &parsed) == 1) {
            return v4(ntohl(parsed.s_addr));
        }
    } else {
        std::array<std::uint8_t, 16> parsed{};
        if (text.size() < 64 && inet_pton(AF_INET6, copy.c_str(), parsed.data()) == 1) {
            return v6(parsed);
        }
    }
    return fail(Errc::Invalid, in_quotes(text) + " is not an IP address");
}

std::uint32_t IpAddress::to_v4() const {
    SEKISHO_ASSERT(v4_);
    return (static_cast<std::uint32_t>(bytes_[0]) << 24U) |
           (static_cast<std::uint32_t>(bytes_[1]) << 16U) |
           (static_cast<std::uint32_t>(bytes_[2]) << 8U) | bytes_[3];
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> out{};
    inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), out.data(), out.size());
    return out.data();
}

bool IpAddress::is_loopback() const {
    if (v4_) {
        return bytes_[0] == 127;
    }
    return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; }) &&
           bytes_[15] == 1;
}

bool IpAddress::is_public() const {
    static const std::vector<Prefix> kOthers = [] {
        std::vector<Prefix> out;
        for (const char* text :
             {"0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10",   "127.0.0.0/8",
              "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",
              "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
              "224.0.0.0/3",    "::/8",          "64:ff9b:1::/48",  "100::/64",
              "2001::/23",      "2001:db8::/32", "fc00::/7",        "fe80::/10",
              "ff00::/8"}) {
            out.push_back(*Prefix::parse(text));
        }
        return out;
    }();
    return std::none_of(kOthers.begin(), kOthers.end(), [this](const Prefix& one) {
        return one.contains(*this);
    });
}

std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
    if (a.v4_ != b.v4_) {
        return a.v4_ ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    return a.bytes_ <=> b.bytes_;
}

Prefix::Prefix(const IpAddress& address, int length) : length_(length) {
    SEKISHO_ASSERT(length >= 0 && length <= address.bits());
    std::array<std::uint8_t, 16> bytes = address.bytes();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] &= byte_mask(length, i);
    }
    if (address.is_v4()) {
        const auto word = [&bytes](std::size_t i) { return static_cast<std::uint32_t>(bytes[i]); };
        address_ = IpAddress::v4((word(0) << 24U) | (word(1) << 16U) | (word(2) << 8U) | word(3));
    } else {
        address_ = IpAddress::v6(bytes);
    }
}

Result<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) {
        return fail(Errc::Invalid, in_quotes(text) + " is not a prefix");
    }
    int length = address->bits();
    if (slash != std::string_view::npos &&
        (!read_number(text.substr(slash + 1), length) || length < 0 || length > address->bits())) {
        return fail(
            Errc::Invalid,
            in_quotes(text) + ": the length must be 0 to " + std::to_string(address->bits())
        );
    }
    const Prefix prefix(*address, length);
    if (prefix.address() != *address) {
        return fail(
            Errc::Invalid, in_quotes(text) + " has host bits set; the prefix is " + prefix.text()
        );
    }
    return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
    return address.is_v4() == is_v4() && Prefix(address, length_).address() == address_;
}

bool Prefix::contains(const Prefix& other) const {
    return other.length_ >= length_ && contains(other.address_);
}

IpAddress Prefix::last() const {
    std::array<std::uint8_t, 16> bytes = address_.bytes();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] |= static_cast<std::uint8_t>(~byte_mask(length_, i));
    }
    if (is_v4()) {
        const std::uint32_t host =
            length_ == 0 ? 0xffffffffU : (1ULL << (32U - static_cast<unsigned>(length_))) - 1;
        return IpAddress::v4(address_.to_v4() | host);
    }
    return IpAddress::v6(bytes);
}

std::string Prefix::text() const {
    return address_.text() + "/" + std::to_string(length_);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return fail(Errc::Invalid, in_quotes(text) + " is not ADDRESS:PORT");
    }
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    const auto address = IpAddress::parse(host);
    Endpoint endpoint;
    if (!address || (host.find(':') != std::string_view::npos) != bracketed ||
        !read_number(text.substr(colon + 1), endpoint.port)) {
        return fail(
            Errc::Invalid,
            in_quotes(text) + " is not ADDRESS:PORT (an IPv6 address stands in brackets)"
        );
    }
    endpoint.address = *address;
    return endpoint;
}

std::string Endpoint::text() const {
    const std::string host = address.text();
    return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace sekisho

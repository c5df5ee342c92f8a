// Internet addresses, prefixes and endpoints, IPv4 and IPv6, as values: parsing, order,
// containment.
#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho {

// An IPv4 or IPv6 address. IPv4-mapped IPv6 (::ffff:a.b.c.d) is read as the IPv4 address it stands
// for.
class IpAddress {
  public:
    constexpr IpAddress() = default;  // 0.0.0.0
    [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
    [[nodiscard]] static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
    [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

    [[nodiscard]] bool is_v4() const { return v4_; }
    [[nodiscard]] int bits() const { return v4_ ? 32 : 128; }
    [[nodiscard]] std::uint32_t to_v4() const;  // host order; only when is_v4()
    // Network order. IPv4 fills the first 4 bytes, the rest is zero.
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    // True for the bit at `index`, 0 being the most significant.
    [[nodiscard]] bool bit(int index) const {
        return ((bytes_[static_cast<std::size_t>(index) / 8] >> (7 - index % 8)) & 1U) != 0;
    }
    [[nodiscard]] std::string text() const;  // RFC 5952 form for IPv6
    [[nodiscard]] bool is_loopback() const;
    // Not of a private, local, shared, documentation or multicast block (RFC 6890).
    [[nodiscard]] bool is_public() const;

    // Orders IPv4 before IPv6, then by value.
    friend std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b);
    friend bool operator==(const IpAddress& a, const IpAddress& b) = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
    bool v4_ = true;
};

// An address and a length in bits; the bits beyond the length are zero.
class Prefix {
  public:
    constexpr Prefix() = default;  // 0.0.0.0/0
    // Cuts the host bits off. `length` must be within the address's bits.
    Prefix(const IpAddress& address, int length);
    // "192.0.2.0/24", "2001:db8::/32", or an address alone (its full length). Host bits that are
    // set are an error that names the prefix meant.
    [[nodiscard]] static Result<Prefix> parse(std::string_view text);

    [[nodiscard]] const IpAddress& address() const { return address_; }
    [[nodiscard]] int length() const { return length_; }
    [[nodiscard]] bool is_v4() const { return address_.is_v4(); }
    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] bool contains(const Prefix& other) const;
    [[nodiscard]] IpAddress last() const;  // the highest address inside
    [[nodiscard]] std::string text() const;

    friend auto operator<=>(const Prefix&, const Prefix&) = default;

  private:
    IpAddress address_;
    int length_ = 0;
};

// An address and a port: "192.0.2.1:25", "[2001:db8::1]:25".
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace sekisho

// The ports of an IPv4 address that one line may use, where several lines share the address: a
// range (CGN with port blocks, lightweight 4over6) or the ports of a PSID (MAP-E, RFC 7597 §5.1).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::line {

class PortSet {
  public:
    PortSet() = default;  // every port

    // "1024-2047", "5000", or "psid 52/8 offset 4": PSID and its length in bits, and how many bits
    // stand in front of it. RFC 7598 §4.5 lets those be left out by a convention of 6; here they
    // are always written, since networks differ (Japan's MAP-E services: 4).
    [[nodiscard]] static Result<PortSet> parse(std::string_view text);
    // Needs 1 <= first <= last.
    [[nodiscard]] static Result<PortSet> range(std::uint16_t first, std::uint16_t last);
    // Needs 1 <= length, offset + length <= 16 and psid < 2^length.
    [[nodiscard]] static Result<PortSet> psid(unsigned psid, unsigned length, unsigned offset);

    [[nodiscard]] bool is_every() const { return packed() == 0; }
    [[nodiscard]] bool contains(std::uint16_t port) const;
    [[nodiscard]] bool overlaps(const PortSet& other) const;
    [[nodiscard]] std::string text() const;  // that parse() reads; empty for every port

    // For who keeps it: 0 is every port. A number that no set has is Corrupt.
    [[nodiscard]] std::uint64_t packed() const;
    [[nodiscard]] static Result<PortSet> unpack(std::uint64_t packed);

    // All ports of the set have `key` in the bits of `mask`: for indexes. A range has two keys at
    // the most, since its mask leaves as many low bits as its size needs.
    struct Block {
        std::uint16_t mask = 0, first_key = 0, last_key = 0;
    };
    [[nodiscard]] Block block() const;

    friend bool operator==(const PortSet&, const PortSet&) = default;

  private:
    PortSet(std::uint16_t first, std::uint16_t last, std::uint16_t mask, std::uint16_t value)
        : first_(first), last_(last), mask_(mask), value_(value) {}

    // A port belongs to it when it is from first to last and has `value` in the bits of `mask`.
    std::uint16_t first_ = 0, last_ = 0, mask_ = 0, value_ = 0;
};

}  // namespace sekisho::line

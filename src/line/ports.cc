#include "line/ports.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sekisho::line {
namespace {

constexpr unsigned kPortMax = 65535;

// Decimal, or hexadecimal after "0x".
std::optional<unsigned> number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    }
    unsigned value = 0;
    const char* end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, value, base);
    return error == std::errc{} && read == end && value <= kPortMax ? std::optional{value}
                                                                    : std::nullopt;
}

auto not_ports(std::string_view text) {
    return fail(
        Errc::Invalid,
        "\"" + printable(text, 60) + "\" is no set of ports: write 1024-2047, or psid 52/8 offset 4"
    );
}

}  // namespace

Result<PortSet> PortSet::range(std::uint16_t first, std::uint16_t last) {
    if (first == 0 || first > last) {
        return fail(
            Errc::Invalid,
            "ports go from 1 to 65535, the lower first, not " + std::to_string(first) + "-" +
                std::to_string(last)
        );
    }
    return PortSet{first, last, 0, 0};
}

Result<PortSet> PortSet::psid(unsigned psid, unsigned length, unsigned offset) {
    if (length < 1 || length > 16 || offset > 15 || offset + length > 16) {
        return fail(Errc::Invalid, "offset and length of a PSID have 16 bits at the most together");
    }
    if (psid >> length != 0) {
        return fail(
            Errc::Invalid,
            "PSID " + std::to_string(psid) + " doesn't fit in " + std::to_string(length) + " bits"
        );
    }
    const unsigned below = 16 - offset - length;
    // RFC 7597 §5.1: the bits in front of the PSID are not all zero, which keeps the system ports
    // out.
    const unsigned first = offset > 0 ? 1U << (16 - offset) : 0;
    return PortSet{
        static_cast<std::uint16_t>(first),
        kPortMax,
        static_cast<std::uint16_t>(((1U << length) - 1) << below),
        static_cast<std::uint16_t>(psid << below)
    };
}

Result<PortSet> PortSet::parse(std::string_view text) {
    std::vector<std::string_view> words = split(trim(text), ' ');
    std::erase(words, std::string_view{});
    if (words.size() == 4 && iequals(words[0], "psid") && iequals(words[2], "offset")) {
        const std::size_t slash = words[1].find('/');
        const auto value = number(words[1].substr(0, slash));
        const auto length =
            slash == std::string_view::npos ? std::nullopt : number(words[1].substr(slash + 1));
        const auto offset = number(words[3]);
        return value && length && offset ? psid(*value, *length, *offset) : not_ports(text);
    }
    if (words.size() != 1) {
        return not_ports(text);
    }
    const std::size_t dash = words[0].find('-');
    const auto first = number(words[0].substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(words[0].substr(dash + 1));
    return first && last
               ? range(static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last))
               : not_ports(text);
}

bool PortSet::contains(std::uint16_t port) const {
    return is_every() || (port >= first_ && port <= last_ && (port & mask_) == value_);
}

bool PortSet::overlaps(const PortSet& other) const {
    if (is_every() || other.is_every()) {
        return true;
    }
    if (((value_ ^ other.value_) & mask_ & other.mask_) != 0) {
        return false;
    }
    const unsigned mask = mask_ | other.mask_;
    const unsigned value = value_ | other.value_;
    const unsigned last = std::min(last_, other.last_);
    for (unsigned port = std::max(first_, other.first_); port <= last; ++port) {
        if ((port & mask) == value) {
            return true;
        }
    }
    return false;
}

std::string PortSet::text() const {
    if (is_every()) {
        return {};
    }
    if (mask_ == 0) {
        return first_ == last_ ? std::to_string(first_)
                               : std::to_string(first_) + "-" + std::to_string(last_);
    }
    const int below = std::countr_zero(mask_);
    const int length = std::popcount(mask_);
    return "psid " + std::to_string(value_ >> below) + "/" + std::to_string(length) + " offset " +
           std::to_string(16 - below - length);
}

std::uint64_t PortSet::packed() const {
    return std::uint64_t{first_} << 48U | std::uint64_t{last_} << 32U |
           std::uint64_t{mask_} << 16U | value_;
}

Result<PortSet> PortSet::unpack(std::uint64_t packed) {
    const PortSet out{
        static_cast<std::uint16_t>(packed >> 48U),
        static_cast<std::uint16_t>(packed >> 32U),
        static_cast<std::uint16_t>(packed >> 16U),
        static_cast<std::uint16_t>(packed)
    };
    if (out.is_every()) {
        return out;
    }
    // Whatever parse() can't have made is damage.
    const auto again = parse(out.text());
    return again && *again == out ? Result<PortSet>{out}
                                  : fail(Errc::Corrupt, "the ports of a session are damaged");
}

PortSet::Block PortSet::block() const {
    if (mask_ != 0) {
        return {mask_, value_, value_};
    }
    const unsigned size = is_every() ? kPortMax + 1 : std::bit_ceil(last_ - first_ + 1U);
    const auto mask = static_cast<std::uint16_t>(~(size - 1));
    return {
        mask, static_cast<std::uint16_t>(first_ & mask), static_cast<std::uint16_t>(last_ & mask)
    };
}

}  // namespace sekisho::line

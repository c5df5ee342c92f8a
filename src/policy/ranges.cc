#include "policy/ranges.h"

#include "base/ip.h"
#include "policy/policy.h"

#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::policy {
namespace {

constexpr Number kZero{};

// Number of low bits of `number` that are zero, at most `bits`.
int trailing_zeros(Number number, int bits) {
    int count = 0;
    while (count < bits && ((count < 64 ? number.low >> static_cast<unsigned>(count)
                                        : number.high >> static_cast<unsigned>(count - 64)) &
                            1U) == 0) {
        ++count;
    }
    return count;
}

// number | (2^bits - 1)
Number fill_low(Number number, int bits) {
    if (bits >= 64) {
        number.low = ~0ULL;
        number.high |= bits >= 128 ? ~0ULL : (1ULL << static_cast<unsigned>(bits - 64)) - 1;
    } else {
        number.low |= (1ULL << static_cast<unsigned>(bits)) - 1;
    }
    return number;
}

// Walks sorted prefixes as a tree in pre-order: `open_` is the path from the outermost prefix to
// the innermost, `cursor_` the first address of the innermost one that no range has taken yet.
class Sweep {
  public:
    Sweep(
        const std::vector<std::pair<Prefix, ClassId>>& prefixes,
        const std::function<void(const Range&)>& visit
    )
        : prefixes_(prefixes), visit_(visit) {}

    void run() {
        for (std::size_t i = 0; i < prefixes_.size(); ++i) {
            const Prefix& prefix = prefixes_[i].first;
            while (!open_.empty() && !prefixes_[open_.back()].first.contains(prefix)) {
                close();
            }
            const Number start = to_number(prefix.address());
            if (!open_.empty() && !finished_ && cursor_ < start) {
                emit(open_.back(), cursor_, previous(start));
            }
            cursor_ = start;
            finished_ = false;
            open_.push_back(i);
        }
        while (!open_.empty()) {
            close();
        }
    }

  private:
    void close() {
        const std::size_t index = open_.back();
        open_.pop_back();
        // Not Prefix::last(): that of ::/80 would be read as an IPv4-mapped address.
        const Prefix& prefix = prefixes_[index].first;
        const Number last =
            fill_low(to_number(prefix.address()), prefix.address().bits() - prefix.length());
        if (!finished_ && cursor_ <= last) {
            emit(index, cursor_, last);
            cursor_ = next(last);
            finished_ = cursor_ == kZero;
        }
    }

    void emit(std::size_t index, Number first, Number last) {
        visit_(Range{first, last, prefixes_[index].first.is_v4(), prefixes_[index].second, index});
    }

    const std::vector<std::pair<Prefix, ClassId>>& prefixes_;
    const std::function<void(const Range&)>& visit_;
    std::vector<std::size_t> open_;
    Number cursor_;
    bool finished_ = false;  // the range just emitted ended at the last IPv6 address
};

}  // namespace

Number to_number(const IpAddress& address) {
    if (address.is_v4()) {
        return {0, address.to_v4()};
    }
    Number number;
    for (std::size_t i = 0; i < 8; ++i) {
        number.high = (number.high << 8U) | address.bytes()[i];
        number.low = (number.low << 8U) | address.bytes()[i + 8];
    }
    return number;
}

std::string number_text(bool v4, Number number) {
    if (v4) {
        return IpAddress::v4(static_cast<std::uint32_t>(number.low)).text();
    }
    std::array<std::uint8_t, 16> bytes{};
    for (unsigned i = 0; i < 8; ++i) {
        bytes[i] = static_cast<std::uint8_t>(number.high >> (56 - 8 * i));
        bytes[i + 8] = static_cast<std::uint8_t>(number.low >> (56 - 8 * i));
    }
    std::array<char, INET6_ADDRSTRLEN> out{};
    inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
    return out.data();
}

Number next(Number number) {
    ++number.low;
    number.high += number.low == 0 ? 1 : 0;
    return number;
}

Number previous(Number number) {
    number.high -= number.low == 0 ? 1 : 0;
    --number.low;
    return number;
}

void for_each_range(
    const std::vector<std::pair<Prefix, ClassId>>& prefixes,
    const std::function<void(const Range&)>& visit
) {
    Sweep(prefixes, visit).run();
}

std::vector<Range> merged_ranges(const std::vector<std::pair<Prefix, ClassId>>& prefixes) {
    std::vector<Range> merged;
    for_each_range(prefixes, [&merged](const Range& range) {
        if (!merged.empty() && merged.back().v4 == range.v4 &&
            merged.back().class_id == range.class_id && next(merged.back().last) == range.first) {
            merged.back().last = range.last;
        } else {
            merged.push_back(range);
        }
    });
    return merged;
}

std::string range_text(const Range& range) {
    const int width = range.v4 ? 32 : 128;
    int bits = trailing_zeros(range.first, width);
    while (fill_low(range.first, bits) > range.last) {
        --bits;
    }
    const std::string first = number_text(range.v4, range.first);
    if (fill_low(range.first, bits) != range.last) {
        return first + "-" + number_text(range.v4, range.last);
    }
    return bits == 0 ? first : first + "/" + std::to_string(width - bits);
}

}  // namespace sekisho::policy

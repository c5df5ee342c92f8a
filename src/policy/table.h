// Address to the longest prefix that holds it, by two look-ups in sorted disjoint ranges. Private
// to the room.
#pragma once

#include "base/ip.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace sekisho::policy {

// Disjoint ranges as sorted starts, each with the index of its prefix, or -1 in the gaps.
template <class Key>
class Starts {
  public:
    void add(Key first, std::int32_t owner) {
        starts_.push_back(first);
        owners_.push_back(owner);
    }
    [[nodiscard]] std::int32_t find(const Key& key) const {
        const auto after = std::upper_bound(starts_.begin(), starts_.end(), key);
        return after == starts_.begin()
                   ? -1
                   : owners_[static_cast<std::size_t>(std::distance(starts_.begin(), after)) - 1];
    }

  private:
    std::vector<Key> starts_;
    std::vector<std::int32_t> owners_;
};

// Address to prefix; shared between policies that differ only in their rules.
class Table {
  public:
    explicit Table(std::vector<std::pair<Prefix, ClassId>> sorted) : prefixes_(std::move(sorted)) {
        bool started = false;
        bool v4 = true;
        Number expected{};
        const auto add = [this](bool is_v4, Number first, std::int32_t owner) {
            if (is_v4) {
                v4_.add(static_cast<std::uint32_t>(first.low), owner);
            } else {
                v6_.add(first, owner);
            }
        };
        const auto end_gap = [&] {
            const bool at_the_end =
                v4 ? expected.low > 0xffffffffU : expected == Number{};  // nothing lies beyond
            if (started && !at_the_end) {
                add(v4, expected, -1);
            }
        };
        for_each_range(prefixes_, [&](const Range& range) {
            if (started && (v4 != range.v4 || expected != range.first)) {
                end_gap();
            }
            add(range.v4, range.first, static_cast<std::int32_t>(range.prefix));
            started = true;
            v4 = range.v4;
            expected = next(range.last);
        });
        end_gap();
    }

    [[nodiscard]] const std::pair<Prefix, ClassId>* find(const IpAddress& address) const {
        const std::int32_t owner =
            address.is_v4() ? v4_.find(address.to_v4()) : v6_.find(to_number(address));
        return owner < 0 ? nullptr : &prefixes_[static_cast<std::size_t>(owner)];
    }
    [[nodiscard]] const std::vector<std::pair<Prefix, ClassId>>& prefixes() const {
        return prefixes_;
    }

  private:
    std::vector<std::pair<Prefix, ClassId>> prefixes_;
    Starts<std::uint32_t> v4_;
    Starts<Number> v6_;
};

}  // namespace sekisho::policy

#include "gate/enforce/image_v6.h"

#include "base/assert.h"
#include "gate/bpf/layout.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::uint64_t kNoKey = std::numeric_limits<std::uint64_t>::max();
// Up to here a tree has two levels, which cost less than a directory.
constexpr std::size_t kTreeSteps = GATE_NODE_KEYS * (GATE_NODE_KEYS + 2);
// A directory has an entry for each one or two steps: nearly all of them then need one node at
// most.
constexpr int kDirectoryBitsMax = 22;
constexpr std::uint32_t kSmallTreeNodes = GATE_REF_INDEX >> GATE_REF_TREE_NODES;
constexpr std::uint32_t kSmallTreeFirst = (1U << GATE_REF_TREE_NODES) - 1;

static_assert(sizeof(gate_node) == 64 && sizeof(gate_directory) == 32 && sizeof(gate_tree) == 8);

std::uint32_t reference(gate_ref kind, std::size_t index) {
    SEKISHO_ASSERT(index <= GATE_REF_INDEX);
    return static_cast<std::uint32_t>(kind) << GATE_REF_SHIFT | static_cast<std::uint32_t>(index);
}

// A static search tree, filled in one go: the steps in key order are child, key, child, key, ...,
// child.
class Filler {
  public:
    Filler(std::span<gate_node> nodes, std::span<const Step> steps, std::uint32_t before)
        : nodes_(nodes), steps_(steps), current_(before) {}
    void run() {
        fill(0);
        SEKISHO_ASSERT(next_ == steps_.size());
    }

  private:
    // As deep as the tree, at most GATE_TREE_LEVELS.
    // NOLINTNEXTLINE(misc-no-recursion)
    void fill(std::size_t index) {
        if (index >= nodes_.size()) {
            return;
        }
        gate_node& node = nodes_[index];
        const std::span keys(node.keys);
        const std::span values(node.values);
        for (std::size_t i = 0; i <= GATE_NODE_KEYS; ++i) {
            values[i] = current_;  // where no child says it better
            fill(index * (GATE_NODE_KEYS + 1) + 1 + i);
            if (i == GATE_NODE_KEYS) {
                break;
            }
            // Unused keys stand at the end in key order; the last value holds from them on too.
            keys[i] = kNoKey;
            if (next_ < steps_.size()) {
                keys[i] = steps_[next_].first;
                current_ = steps_[next_].second;
                ++next_;
            }
        }
    }

    std::span<gate_node> nodes_;
    std::span<const Step> steps_;
    std::uint32_t current_;
    std::size_t next_ = 0;
};

// The boundaries between classes: from each on, up to the next, one class holds.
std::vector<std::pair<policy::Number, std::uint32_t>> boundaries(
    const std::vector<policy::Range>& ranges
) {
    std::vector<std::pair<policy::Number, std::uint32_t>> out;
    policy::Number open{};
    bool closed = false;  // the last range reached the last address
    for (const policy::Range& range : ranges) {
        if (open < range.first) {
            out.emplace_back(open, 0);
        }
        out.emplace_back(range.first, range.class_id);
        open = policy::next(range.last);
        closed = open == policy::Number{};
    }
    if (!closed) {
        out.emplace_back(open, 0);
    }
    return out;
}

}  // namespace

// The way leads over the high halves of addresses. A /64 that holds a boundary inside gets a tree
// of its own over the low halves.
IndexV6::IndexV6(const std::vector<policy::Range>& ranges) {
    if (ranges.empty()) {
        return;
    }
    const auto all = boundaries(ranges);
    std::vector<Step> high_steps;
    std::uint32_t current = 0;
    for (std::size_t i = 0; i < all.size();) {
        const std::uint64_t high = all[i].first.high;
        const std::uint32_t before = current;
        std::vector<Step> within;
        for (; i < all.size() && all[i].first.high == high; ++i) {
            within.emplace_back(all[i].first.low, all[i].second);
        }
        current = within.back().second;
        if (within.size() == 1 && within.front().first == 0) {
            high_steps.emplace_back(high, current);
            continue;
        }
        high_steps.emplace_back(high, add_tree(within, before));
        if (high != kNoKey && (i == all.size() || all[i].first.high != high + 1)) {
            high_steps.emplace_back(high + 1, current);
        }
    }
    root_ = place(high_steps, 0, 0);
}

IndexV6::IndexV6(std::span<const Step> steps, std::uint32_t before) {
    root_ = place(steps, before, 0);
}

// A reference to what finds the steps. A directory in a directory in a directory at most.
// NOLINTNEXTLINE(misc-no-recursion)
std::uint32_t IndexV6::place(std::span<const Step> steps, std::uint32_t before, int level) {
    return steps.size() > kTreeSteps && level < GATE_DIRECTORY_LEVELS
               ? add_directory(steps, before, level)
               : add_tree(steps, before);
}

std::uint32_t IndexV6::add_tree(std::span<const Step> steps, std::uint32_t before) {
    const std::size_t count =
        std::max<std::size_t>((steps.size() + GATE_NODE_KEYS - 1) / GATE_NODE_KEYS, 1);
    std::size_t reachable = 0;
    for (int level = 0; level < GATE_TREE_LEVELS; ++level) {
        reachable = reachable * (GATE_NODE_KEYS + 1) + 1;
    }
    const std::size_t first = nodes_.size();
    SEKISHO_ASSERT(
        count <= reachable && first + count <= std::numeric_limits<std::uint32_t>::max()
    );
    nodes_.resize(first + count);
    Filler(std::span(nodes_).subspan(first), steps, before).run();
    if (count <= kSmallTreeNodes && first <= kSmallTreeFirst) {
        return reference(GATE_REF_TREE, count << GATE_REF_TREE_NODES | first);
    }
    trees_.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count)});
    return reference(GATE_REF_BIG_TREE, trees_.size() - 1);
}

// Over the bits behind those that all steps have in common, so that networks near each other cost
// no more than ones spread evenly.
// NOLINTNEXTLINE(misc-no-recursion)
std::uint32_t IndexV6::add_directory(std::span<const Step> steps, std::uint32_t before, int level) {
    const std::uint64_t low = steps.front().first;
    const auto width = static_cast<int>(std::bit_width(low ^ steps.back().first));
    const auto most = static_cast<int>(std::bit_width(steps.size())) - 1;
    const int bits = std::min({width, most, kDirectoryBitsMax});
    const std::size_t index = directories_.size();
    gate_directory made{};
    made.base =
        width == 64 ? 0 : low >> static_cast<unsigned>(width) << static_cast<unsigned>(width);
    made.below = before;
    made.above = steps.back().second;
    made.first = static_cast<std::uint32_t>(entries_.size());
    made.entries = 1U << static_cast<unsigned>(bits);
    made.shift = static_cast<std::uint32_t>(width - bits);
    SEKISHO_ASSERT(entries_.size() + made.entries <= std::numeric_limits<std::uint32_t>::max());
    directories_.push_back(made);
    entries_.resize(entries_.size() + made.entries);
    std::uint32_t current = before;
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < made.entries; ++i) {
        const std::size_t from = at;
        while (at < steps.size() && (steps[at].first - made.base) >> made.shift == i) {
            ++at;
        }
        entries_[made.first + i] =
            at == from ? current : place(steps.subspan(from, at - from), current, level + 1);
        current = at == from ? current : steps[at - 1].second;
    }
    return reference(GATE_REF_DIRECTORY, index);
}

}  // namespace sekisho::gate

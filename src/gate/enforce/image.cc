#include "gate/enforce/image.h"

#include "base/assert.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::size_t kSlash24s = std::size_t{1} << 24U;
constexpr std::size_t kPerSlash17 = 128;
constexpr std::uint64_t kNoKey = std::numeric_limits<std::uint64_t>::max();
using Steps = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

static_assert(policy::kClassesMax == GATE_CLASSES && GATE_CLASSES <= GATE_V4_BLOCK);
static_assert(policy::kRulesMax * 2 <= GATE_SLOTS, "old and new rules have counters during a swap");
static_assert(GATE_CELLS + GATE_CLASSES * GATE_CLASSES * sizeof(gate_cell) <= GATE_CHUNK_SIZE);
static_assert(
    sizeof(gate_cell) == 8 && GATE_CELLS + GATE_CLASSES * GATE_CLASSES * 8 <= GATE_LIMITS
);
static_assert(policy::kClassesMax * 3 < GATE_CLIENT_SLOTS, "slot 0 is nobody's");
static_assert(GATE_LIMITS + GATE_LIMITS_MAX * sizeof(gate_limit) <= GATE_CHUNK_SIZE);
static_assert(policy::kRatesMax == GATE_LIMITS_MAX);
static_assert(sizeof(gate_header) <= GATE_CELLS && sizeof(gate_tree) == 8);

std::uint64_t round_up(std::uint64_t bytes) {
    return (bytes + GATE_CHUNK_SIZE - 1) / GATE_CHUNK_SIZE * GATE_CHUNK_SIZE;
}

void put(std::span<std::byte> memory, std::uint64_t offset, const void* from, std::size_t size) {
    SEKISHO_ASSERT(offset <= memory.size() && size <= memory.size() - offset);
    if (size != 0) {
        std::memcpy(memory.data() + offset, from, size);
    }
}

void fill(std::span<std::byte> memory, std::uint64_t offset, std::size_t size, std::uint8_t value) {
    SEKISHO_ASSERT(offset <= memory.size() && size <= memory.size() - offset);
    std::memset(memory.data() + offset, value, size);
}

gate_action to_gate(policy::Action action, bool answers) {
    switch (action) {
        case policy::Action::Refuse:
            return GATE_ACTION_REFUSE;
        case policy::Action::Drop:
            return GATE_ACTION_DROP;
        case policy::Action::Limit:
            return GATE_ACTION_LIMIT;
        case policy::Action::Answer:
            return answers ? GATE_ACTION_ANSWER : GATE_ACTION_REFUSE;
        case policy::Action::Pass:
        case policy::Action::Count:
            break;
    }
    return GATE_ACTION_PASS;
}

}  // namespace

SearchTree::SearchTree(const Steps& steps) {
    SEKISHO_ASSERT(!steps.empty() && steps.front().first == 0);
    const std::size_t count = (steps.size() + GATE_NODE_KEYS - 1) / GATE_NODE_KEYS;
    std::size_t reachable = 0;
    for (int level = 0; level < GATE_TREE_LEVELS; ++level) {
        reachable = reachable * (GATE_NODE_KEYS + 1) + 1;
    }
    SEKISHO_ASSERT(count <= reachable);
    // Unused keys stand at the end in key order; the last value holds from them on too.
    keys_.assign(count * GATE_NODE_KEYS, kNoKey);
    values_.assign(count * GATE_NODE_KEYS, steps.back().second);
    std::size_t next = 0;
    fill(0, steps, next);
    SEKISHO_ASSERT(next == steps.size());
}

// In key order: child, key, child, key, ..., child. As deep as the tree, at most GATE_TREE_LEVELS.
// NOLINTNEXTLINE(misc-no-recursion)
void SearchTree::fill(std::size_t node, const Steps& steps, std::size_t& next) {
    if (node >= nodes()) {
        return;
    }
    for (std::size_t i = 0; i <= GATE_NODE_KEYS; ++i) {
        fill(node * (GATE_NODE_KEYS + 1) + 1 + i, steps, next);
        if (i < GATE_NODE_KEYS && next < steps.size()) {
            keys_[node * GATE_NODE_KEYS + i] = steps[next].first;
            values_[node * GATE_NODE_KEYS + i] = steps[next].second;
            ++next;
        }
    }
}

Image::Image(
    const policy::Policy& policy,
    std::span<const std::uint16_t> slot_of_rule,
    const ImageOptions& options
) {
    SEKISHO_ASSERT(slot_of_rule.size() == policy.rules().size());
    for (const policy::Range& range : policy::merged_ranges(policy.prefixes())) {
        if (range.class_id != 0) {
            (range.v4 ? v4_ : v6_).push_back(range);
        }
    }
    plan_v4();
    plan_v6();
    plan_cells(policy, slot_of_rule, options);

    std::uint64_t nodes = 0;
    for (const SearchTree& tree : trees_) {
        nodes += tree.nodes();
    }
    header_.magic = GATE_MAGIC;
    header_.version = GATE_VERSION;
    header_.generation = options.generation;
    header_.v4_blocks = GATE_V4_END;
    header_.v6_keys = header_.v4_blocks + round_up(blocks_ * 256);
    header_.v6_values = header_.v6_keys + round_up(nodes * GATE_NODE_KEYS * sizeof(std::uint64_t));
    header_.v6_trees = header_.v6_values + round_up(nodes * GATE_NODE_KEYS * sizeof(std::uint32_t));
    if (!trees_.empty()) {
        header_.v6_root = {0, static_cast<std::uint32_t>(trees_.front().nodes())};
    }
    const std::uint64_t size = header_.v6_trees + round_up(trees_.size() * sizeof(gate_tree));
    chunks_ = size / GATE_CHUNK_SIZE;
}

void Image::plan_v4() {
    mixed_.assign(kSlash24s, false);
    for (const policy::Range& range : v4_) {
        if ((range.first.low & 0xffU) != 0) {
            mixed_[range.first.low >> 8U] = true;
        }
        if ((range.last.low & 0xffU) != 0xffU) {
            mixed_[range.last.low >> 8U] = true;
        }
    }
    blocks_ = static_cast<std::size_t>(std::count(mixed_.begin(), mixed_.end(), true));
}

// The root tree is over the high halves of addresses. A /64 that holds a boundary inside gets a
// tree of its own over the low halves.
void Image::plan_v6() {
    if (v6_.empty()) {
        return;
    }
    std::vector<std::pair<policy::Number, std::uint32_t>> steps;
    policy::Number open{};
    bool closed = false;  // the last range reached the last address
    for (const policy::Range& range : v6_) {
        if (open < range.first) {
            steps.emplace_back(open, 0);
        }
        steps.emplace_back(range.first, range.class_id);
        open = policy::next(range.last);
        closed = open == policy::Number{};
    }
    if (!closed) {
        steps.emplace_back(open, 0);
    }

    Steps root;
    std::vector<SearchTree> inner;
    std::uint32_t current = 0;
    for (std::size_t i = 0; i < steps.size();) {
        const std::uint64_t high = steps[i].first.high;
        Steps within;
        if (steps[i].first.low != 0) {
            within.emplace_back(0, current);
        }
        for (; i < steps.size() && steps[i].first.high == high; ++i) {
            within.emplace_back(steps[i].first.low, steps[i].second);
        }
        current = within.back().second;
        if (within.size() == 1) {
            root.emplace_back(high, current);
            continue;
        }
        root.emplace_back(high, GATE_VALUE_TREE | static_cast<std::uint32_t>(inner.size() + 1));
        inner.emplace_back(within);
        if (high != kNoKey && (i == steps.size() || steps[i].first.high != high + 1)) {
            root.emplace_back(high + 1, current);
        }
    }
    trees_.emplace_back(root);
    std::move(inner.begin(), inner.end(), std::back_inserter(trees_));
}

void Image::plan_cells(
    const policy::Policy& policy,
    std::span<const std::uint16_t> slot_of_rule,
    const ImageOptions& options
) {
    const bool answers = options.no_answer.empty();
    for (const policy::RuleSource& rule : policy.rules()) {
        if (rule.action == policy::Action::Answer && rule.stage == policy::Stage::Enforce &&
            !answers) {
            downgrades_.push_back(
                {rule.name,
                 rule.action,
                 policy::Action::Refuse,
                 options.no_answer + ": connections are refused"}
            );
        }
    }
    cells_.assign(std::size_t{GATE_CLASSES} * GATE_CLASSES, gate_cell{});
    for (const policy::Class& client : policy.classes()) {
        for (const policy::Class& server : policy.classes()) {
            const policy::Verdict verdict = policy.cell(client.id, server.id);
            gate_cell& cell = cells_[std::size_t{client.id} * GATE_CLASSES + server.id];
            if (client.id < options.slot_of_class.size()) {
                cell.client = options.slot_of_class[client.id];
            }
            if (verdict.rule < 0) {
                continue;
            }
            cell.slot = slot_of_rule[static_cast<std::size_t>(verdict.rule)];
            const bool limits = verdict.declared == policy::Action::Limit;
            cell.action = static_cast<std::uint8_t>(
                to_gate(limits ? verdict.declared : verdict.action, answers)
            );
            const bool watched =
                limits ? verdict.stage != policy::Stage::Enforce : verdict.would_block();
            cell.flags = watched ? GATE_CELL_WOULD_BLOCK : 0;
            if (limits) {
                cell.limit = limit_of(policy.rules()[static_cast<std::size_t>(verdict.rule)].rate);
            }
        }
    }
}

std::uint16_t Image::limit_of(const policy::Rate& rate) {
    const auto per = std::chrono::duration_cast<std::chrono::nanoseconds>(rate.per);
    const std::uint64_t interval =
        static_cast<std::uint64_t>(per.count()) / std::max<std::uint64_t>(rate.connections, 1);
    // Full at first: all but the one that is asked for may have come just before.
    const gate_limit limit{interval, interval * (std::uint64_t{rate.connections} - 1)};
    const auto same = std::find_if(limits_.begin(), limits_.end(), [&](const gate_limit& one) {
        return one.interval_ns == limit.interval_ns && one.tolerance_ns == limit.tolerance_ns;
    });
    if (same == limits_.end()) {
        SEKISHO_ASSERT(limits_.size() < GATE_LIMITS_MAX);  // policy::kRatesMax
        limits_.push_back(limit);
        return static_cast<std::uint16_t>(limits_.size() - 1);
    }
    return static_cast<std::uint16_t>(same - limits_.begin());
}

void Image::write(std::span<std::byte> memory) const {
    SEKISHO_ASSERT(memory.size() == chunks_ * GATE_CHUNK_SIZE);
    put(memory, 0, &header_, sizeof(header_));
    put(memory, GATE_CELLS, cells_.data(), cells_.size() * sizeof(gate_cell));
    put(memory, GATE_LIMITS, limits_.data(), limits_.size() * sizeof(gate_limit));
    write_v4(memory);
    write_v6(memory);
}

void Image::write_v4(std::span<std::byte> memory) const {
    std::uint32_t block = 0;
    for (std::size_t slash17 = 0; slash17 < kSlash24s / kPerSlash17; ++slash17) {
        put(memory, GATE_V4_BASE + slash17 * sizeof(block), &block, sizeof(block));
        std::uint8_t rank = 0;
        for (std::size_t i = slash17 * kPerSlash17; i < (slash17 + 1) * kPerSlash17; ++i) {
            if (mixed_[i]) {
                fill(memory, GATE_V4_FLAT + i, 1, static_cast<std::uint8_t>(GATE_V4_BLOCK | rank));
                ++rank;
            }
        }
        block += rank;
    }
    const auto block_of = [&](std::size_t slash24) {
        std::uint32_t base = 0;
        std::memcpy(
            &base, memory.data() + GATE_V4_BASE + slash24 / kPerSlash17 * sizeof(base), sizeof(base)
        );
        const auto entry = std::to_integer<std::uint32_t>(memory[GATE_V4_FLAT + slash24]);
        return header_.v4_blocks + std::uint64_t{base + (entry & (GATE_V4_BLOCK - 1))} * 256;
    };
    for (const policy::Range& range : v4_) {
        std::uint64_t at = range.first.low;
        while (at <= range.last.low) {
            const std::size_t slash24 = at >> 8U;
            if (mixed_[slash24]) {
                const std::uint64_t end = std::min(range.last.low, at | 0xffU) + 1;
                fill(memory, block_of(slash24) + (at & 0xffU), end - at, range.class_id);
                at = end;
            } else {
                // A whole /24, and as many more as the range holds: only its ends can be mixed.
                const std::uint64_t end = (range.last.low + 1) >> 8U;
                SEKISHO_ASSERT(end > slash24);
                fill(memory, GATE_V4_FLAT + slash24, end - slash24, range.class_id);
                at = end << 8U;
            }
        }
    }
}

void Image::write_v6(std::span<std::byte> memory) const {
    std::uint32_t first = 0;
    for (std::size_t i = 0; i < trees_.size(); ++i) {
        const SearchTree& tree = trees_[i];
        const gate_tree entry{first, static_cast<std::uint32_t>(tree.nodes())};
        put(memory, header_.v6_trees + i * sizeof(entry), &entry, sizeof(entry));
        const std::uint64_t keys = std::uint64_t{first} * GATE_NODE_KEYS;
        put(memory,
            header_.v6_keys + keys * sizeof(std::uint64_t),
            tree.keys().data(),
            tree.keys().size() * sizeof(std::uint64_t));
        put(memory,
            header_.v6_values + keys * sizeof(std::uint32_t),
            tree.values().data(),
            tree.values().size() * sizeof(std::uint32_t));
        first += entry.nodes;
    }
}

}  // namespace sekisho::gate

#include "gate/enforce/image.h"

#include "base/assert.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image_v6.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::size_t kSlash24s = std::size_t{1} << 24U;
constexpr std::size_t kPerSlash17 = 128;

static_assert(policy::kClassesMax == GATE_CLASSES && GATE_CLASSES <= GATE_V4_BLOCK);
static_assert(policy::kRulesMax * 2 <= GATE_SLOTS, "old and new rules have counters during a swap");
static_assert(GATE_CELLS + GATE_CLASSES * GATE_CLASSES * sizeof(gate_cell) <= GATE_CHUNK_SIZE);
static_assert(
    sizeof(gate_cell) == 8 && GATE_CELLS + GATE_CLASSES * GATE_CLASSES * 8 <= GATE_LIMITS
);
static_assert(GATE_LIMITS + GATE_LIMITS_MAX * sizeof(gate_limit) <= GATE_CHUNK_SIZE);
static_assert(policy::kRatesMax == GATE_LIMITS_MAX);
static_assert(sizeof(gate_header) <= GATE_CELLS);

std::uint64_t round_up(std::uint64_t bytes) {
    return (bytes + GATE_CHUNK_SIZE - 1) / GATE_CHUNK_SIZE * GATE_CHUNK_SIZE;
}

template <class T>
std::uint64_t room_for(const std::vector<T>& all) {
    return round_up(all.size() * sizeof(T));
}

void put(std::span<std::byte> memory, std::uint64_t offset, const void* from, std::size_t size) {
    SEKISHO_ASSERT(offset <= memory.size() && size <= memory.size() - offset);
    if (size != 0) {
        std::memcpy(memory.data() + offset, from, size);
    }
}

template <class T>
void put_all(std::span<std::byte> memory, std::uint64_t offset, const std::vector<T>& all) {
    put(memory, offset, all.data(), all.size() * sizeof(T));
}

void fill(std::span<std::byte> memory, std::uint64_t offset, std::size_t size, std::uint8_t value) {
    SEKISHO_ASSERT(offset <= memory.size() && size <= memory.size() - offset);
    std::memset(memory.data() + offset, value, size);
}

// What the program does for an action, and why not the action itself.
struct Ability {
    gate_action does;
    policy::Action used;
    const char* reason;  // null: it does just that
};
Ability ability(policy::Action action) {
    switch (action) {
        case policy::Action::Refuse:
            return {GATE_ACTION_REFUSE, action, nullptr};
        case policy::Action::Drop:
            return {GATE_ACTION_DROP, action, nullptr};
        case policy::Action::Limit:
            return {GATE_ACTION_LIMIT, action, nullptr};
        case policy::Action::Answer:
            return {
                GATE_ACTION_REFUSE,
                policy::Action::Refuse,
                "the XDP engine can't hand over to a responder: connections are refused"
            };
        case policy::Action::Pass:
        case policy::Action::Count:
            break;
    }
    return {GATE_ACTION_PASS, action, nullptr};
}

}  // namespace

Image::Image(
    const policy::Policy& policy,
    std::span<const std::uint16_t> slot_of_rule,
    std::uint32_t generation
) {
    SEKISHO_ASSERT(slot_of_rule.size() == policy.rules().size());
    std::vector<policy::Range> v6;
    for (const policy::Range& range : policy::merged_ranges(policy.prefixes())) {
        if (range.class_id != 0) {
            (range.v4 ? v4_ : v6).push_back(range);
        }
    }
    v6_ = IndexV6(v6);
    plan_v4();
    plan_cells(policy, slot_of_rule);

    header_.magic = GATE_MAGIC;
    header_.version = GATE_VERSION;
    header_.generation = generation;
    header_.v4_blocks = GATE_V4_END;
    header_.v6_nodes = header_.v4_blocks + round_up(blocks_ * 256);
    header_.v6_trees = header_.v6_nodes + room_for(v6_.nodes());
    header_.v6_directories = header_.v6_trees + room_for(v6_.trees());
    header_.v6_entries = header_.v6_directories + room_for(v6_.directories());
    header_.v6_root = v6_.root();
    const std::uint64_t size = header_.v6_entries + room_for(v6_.entries());
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

void Image::plan_cells(const policy::Policy& policy, std::span<const std::uint16_t> slot_of_rule) {
    for (const policy::RuleSource& rule : policy.rules()) {
        const Ability can = ability(rule.action);
        if (can.reason != nullptr) {
            downgrades_.push_back({rule.name, rule.action, can.used, can.reason});
        }
    }
    cells_.assign(std::size_t{GATE_CLASSES} * GATE_CLASSES, gate_cell{});
    for (const policy::Class& client : policy.classes()) {
        for (const policy::Class& server : policy.classes()) {
            const policy::Verdict verdict = policy.cell(client.id, server.id);
            if (verdict.rule < 0) {
                continue;
            }
            gate_cell& cell = cells_[std::size_t{client.id} * GATE_CLASSES + server.id];
            cell.slot = slot_of_rule[static_cast<std::size_t>(verdict.rule)];
            const bool limits = verdict.declared == policy::Action::Limit;
            cell.action =
                static_cast<std::uint8_t>(ability(limits ? verdict.declared : verdict.action).does);
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
    put_all(memory, header_.v6_nodes, v6_.nodes());
    put_all(memory, header_.v6_trees, v6_.trees());
    put_all(memory, header_.v6_directories, v6_.directories());
    put_all(memory, header_.v6_entries, v6_.entries());
}

}  // namespace sekisho::gate

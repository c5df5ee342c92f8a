// A run: who held one prefix, and when; one block of a BlockPool. Private to the room's index.
#pragma once

#include "base/ip.h"
#include "line/block_pool.h"
#include "line/ports.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sekisho::line {

// Milliseconds of UTC. Within 48 bits, which is 4459 years both ways; what lies beyond is moved
// there.
inline constexpr std::int64_t kOpen = (std::int64_t{1} << 47U) - 1;
[[nodiscard]] std::int64_t kept_ms(std::int64_t ms);

struct RunKey {
    enum Kind : std::uint8_t {
        Whole,   // sessions that have the address or prefix to themselves
        Shared,  // every session that has some ports of it
        Ports,   // sessions that have some ports with `value` in the bits of `mask`
    };
    std::array<std::uint8_t, 16> first{};  // IPv4 in the first 4
    std::uint16_t mask = 0, value = 0;
    std::uint8_t length = 0;  // of the prefix in its own bits
    Kind kind = Whole;
    bool v4 = false;

    [[nodiscard]] static RunKey whole(const Prefix& prefix);
    [[nodiscard]] std::uint32_t hash() const;
    friend bool operator==(const RunKey&, const RunKey&) = default;
};

// What a session needs one run each for.
[[nodiscard]] std::vector<RunKey> run_keys(const Prefix& prefix, const PortSet& ports);

struct Interval {
    std::int64_t from = 0, end = kOpen;
    std::uint32_t session = 0;
    BlockPool::Ref name = 0;  // the session's: who only asks for the name needn't go there
};

// A view of a run in its pool; valid until the pool changes.
class Run {
  public:
    Run(const BlockPool& pool, BlockPool::Ref ref) : block_(pool.at(ref)) {}

    // With room for so many.
    [[nodiscard]] static BlockPool::Ref make(
        BlockPool& pool, const RunKey& key, std::size_t capacity
    );
    // Puts it in; the run may move.
    [[nodiscard]] static BlockPool::Ref add(
        BlockPool& pool, BlockPool::Ref ref, const Interval& interval
    );
    // The open interval of the session gets an end.
    static void close(BlockPool& pool, BlockPool::Ref ref, std::uint32_t session, std::int64_t end);
    // The session goes by another name.
    static void rename(
        BlockPool& pool, BlockPool::Ref ref, std::uint32_t session, BlockPool::Ref name
    );
    // Takes the session out. The run may move; 0: nothing is left, it is given back.
    [[nodiscard]] static BlockPool::Ref remove(
        BlockPool& pool, BlockPool::Ref ref, std::uint32_t session
    );

    void prefetch() const {
        for (const std::size_t line : {64U, 128U, 192U}) {
            __builtin_prefetch(block_ + line);
        }
    }
    [[nodiscard]] const RunKey& key() const { return head().key; }
    [[nodiscard]] bool is_open(std::uint32_t session) const;
    [[nodiscard]] bool has(std::uint32_t session) const;
    // Calls `take(session, name)` for each that held at the time.
    template <class Take>
    void holders(std::int64_t at, Take take) const;

  private:
    struct Head {
        RunKey key;
        std::uint32_t open = 0;   // intervals without end, first in the run, in no order
        std::uint32_t count = 0;  // all; those that ended are ordered by `from`
        std::uint32_t capacity = 0;
        std::uint32_t longest = 0;  // at least as many seconds as any that ended lasted
    };
    struct Packed {
        std::uint32_t from_low = 0, end_low = 0;
        std::int16_t from_high = 0, end_high = 0;
        std::uint32_t session = 0;
        BlockPool::Ref name = 0;
    };
    static_assert(sizeof(Packed) == 20 && sizeof(Head) == 40);

    [[nodiscard]] static std::size_t size(std::uint32_t capacity) {
        return sizeof(Head) + capacity * sizeof(Packed);
    }
    [[nodiscard]] static Packed pack(const Interval& interval);
    [[nodiscard]] static std::int64_t from(const Packed& one) {
        return joined(one.from_low, one.from_high);
    }
    [[nodiscard]] static std::int64_t end(const Packed& one) {
        return joined(one.end_low, one.end_high);
    }
    [[nodiscard]] static std::int64_t joined(std::uint32_t low, std::int16_t high) {
        return std::int64_t{high} * (std::int64_t{1} << 32U) + low;
    }
    [[nodiscard]] static Head& head(char* block) { return *reinterpret_cast<Head*>(block); }
    [[nodiscard]] static Packed* intervals(char* block) {
        return reinterpret_cast<Packed*>(block + sizeof(Head));
    }
    [[nodiscard]] const Head& head() const { return *reinterpret_cast<const Head*>(block_); }
    [[nodiscard]] const Packed* begin() const {
        return reinterpret_cast<const Packed*>(block_ + sizeof(Head));
    }
    [[nodiscard]] static BlockPool::Ref resized(
        BlockPool& pool, BlockPool::Ref ref, std::uint32_t capacity
    );
    [[nodiscard]] static const Packed* find(
        const Packed* from, const Packed* to, std::uint32_t session
    );
    static void insert_ended(Head& head, Packed* intervals, const Interval& interval);
    // The first of those that ended which began after the time.
    [[nodiscard]] static Packed* after(const Head& head, Packed* intervals, std::int64_t at);

    const char* block_;
};

template <class Take>
void Run::holders(std::int64_t at, Take take) const {
    const Head& head = this->head();
    const Packed* first = begin();
    for (const Packed* one = first; one != first + head.open; ++one) {
        if (from(*one) <= at) {
            take(one->session, one->name);
        }
    }
    const std::int64_t earliest = at - std::int64_t{head.longest} * 1000;
    // What began earlier than any can have lasted has ended.
    for (const Packed* one = after(head, const_cast<Packed*>(first), at);
         one-- != first + head.open && from(*one) >= earliest;) {
        if (end(*one) > at) {
            take(one->session, one->name);
        }
    }
}

}  // namespace sekisho::line

#include "line/run.h"

#include "base/assert.h"
#include "base/ip.h"
#include "line/block_pool.h"
#include "line/ports.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

namespace sekisho::line {
namespace {

std::uint64_t mixed(std::uint64_t x) {  // the finaliser of MurmurHash3
    x ^= x >> 33U;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33U;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33U);
}

}  // namespace

std::int64_t kept_ms(std::int64_t ms) {
    return std::clamp(ms, -kOpen, kOpen - 1);
}

RunKey RunKey::whole(const Prefix& prefix) {
    RunKey key;
    key.first = prefix.address().bytes();
    key.length = static_cast<std::uint8_t>(prefix.length());
    key.v4 = prefix.is_v4();
    return key;
}

std::uint32_t RunKey::hash() const {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, first.data(), sizeof(high));
    std::memcpy(&low, first.data() + sizeof(high), sizeof(low));
    const std::uint64_t rest = std::uint64_t{mask} << 48U | std::uint64_t{value} << 32U |
                               std::uint64_t{length} << 16U | std::uint64_t{kind} << 8U |
                               static_cast<std::uint64_t>(v4);
    return static_cast<std::uint32_t>(mixed(mixed(mixed(high) ^ low) ^ rest));
}

std::vector<RunKey> run_keys(const Prefix& prefix, const PortSet& ports) {
    RunKey key = RunKey::whole(prefix);
    if (!prefix.is_v4() || ports.is_every()) {
        return {key};
    }
    key.kind = RunKey::Shared;
    std::vector<RunKey> out{key};
    const PortSet::Block block = ports.block();
    key.kind = RunKey::Ports;
    key.mask = block.mask;
    key.value = block.first_key;
    out.push_back(key);
    if (block.last_key != block.first_key) {
        key.value = block.last_key;
        out.push_back(key);
    }
    return out;
}

Run::Packed Run::pack(const Interval& interval) {
    return {
        static_cast<std::uint32_t>(interval.from),
        static_cast<std::uint32_t>(interval.end),
        static_cast<std::int16_t>(interval.from >> 32),
        static_cast<std::int16_t>(interval.end >> 32),
        interval.session,
        interval.name
    };
}

Run::Packed* Run::after(const Head& head, Packed* intervals, std::int64_t at) {
    return std::upper_bound(
        intervals + head.open,
        intervals + head.count,
        at,
        [](std::int64_t wanted, const Packed& one) { return wanted < from(one); }
    );
}

BlockPool::Ref Run::make(BlockPool& pool, const RunKey& key, std::size_t capacity) {
    const auto room = static_cast<std::uint32_t>(capacity);
    const BlockPool::Ref ref = pool.take(size(room));
    new (pool.at(ref)) Head{key, 0, 0, room, 0};
    return ref;
}

BlockPool::Ref Run::resized(BlockPool& pool, BlockPool::Ref ref, std::uint32_t capacity) {
    const BlockPool::Ref next = pool.take(size(capacity));
    char* old = pool.at(ref);
    Head& known = head(old);
    std::memcpy(pool.at(next), old, size(known.count));
    pool.give(ref, size(known.capacity));
    head(pool.at(next)).capacity = capacity;
    return next;
}

void Run::insert_ended(Head& head, Packed* intervals, const Interval& interval) {
    Packed* place = after(head, intervals, interval.from);
    std::copy_backward(place, intervals + head.count, intervals + head.count + 1);
    *place = pack(interval);
    ++head.count;
    const std::int64_t seconds = (interval.end - interval.from + 999) / 1000;
    head.longest = std::max(
        head.longest,
        static_cast<std::uint32_t>(
            std::min<std::int64_t>(seconds, std::numeric_limits<std::uint32_t>::max())
        )
    );
}

BlockPool::Ref Run::add(BlockPool& pool, BlockPool::Ref ref, const Interval& interval) {
    if (const Head& known = head(pool.at(ref)); known.count == known.capacity) {
        ref = resized(pool, ref, known.capacity + (known.capacity + 1) / 2);
    }
    Head& here = head(pool.at(ref));
    Packed* all = intervals(pool.at(ref));
    if (interval.end != kOpen) {
        insert_ended(here, all, interval);
        return ref;
    }
    std::copy_backward(all + here.open, all + here.count, all + here.count + 1);
    all[here.open] = pack(interval);
    ++here.open;
    ++here.count;
    return ref;
}

const Run::Packed* Run::find(const Packed* from, const Packed* to, std::uint32_t session) {
    return std::find_if(from, to, [session](const Packed& one) { return one.session == session; });
}

bool Run::is_open(std::uint32_t session) const {
    const Packed* end = begin() + head().open;
    return find(begin(), end, session) != end;
}

bool Run::has(std::uint32_t session) const {
    const Packed* end = begin() + head().count;
    return find(begin(), end, session) != end;
}

void Run::close(BlockPool& pool, BlockPool::Ref ref, std::uint32_t session, std::int64_t end) {
    Head& here = head(pool.at(ref));
    Packed* all = intervals(pool.at(ref));
    const auto place = find(all, all + here.open, session) - all;
    SEKISHO_ASSERT(place < static_cast<std::ptrdiff_t>(here.open));
    const std::int64_t began = from(all[place]);
    const BlockPool::Ref name = all[place].name;
    std::copy(all + place + 1, all + here.count, all + place);
    --here.open;
    --here.count;
    // What ended before it was held, holds never; it keeps its place until it is forgotten.
    insert_ended(here, all, {began, std::max(end, began), session, name});
}

void Run::rename(BlockPool& pool, BlockPool::Ref ref, std::uint32_t session, BlockPool::Ref name) {
    Packed* all = intervals(pool.at(ref));
    for (Packed* one = all; one != all + head(pool.at(ref)).count; ++one) {
        one->name = one->session == session ? name : one->name;
    }
}

BlockPool::Ref Run::remove(BlockPool& pool, BlockPool::Ref ref, std::uint32_t session) {
    Head& here = head(pool.at(ref));
    Packed* all = intervals(pool.at(ref));
    const auto place = find(all, all + here.count, session) - all;
    SEKISHO_ASSERT(place < static_cast<std::ptrdiff_t>(here.count));
    std::copy(all + place + 1, all + here.count, all + place);
    --here.count;
    here.open -= place < static_cast<std::ptrdiff_t>(here.open) ? 1 : 0;
    if (here.count == 0) {
        pool.give(ref, size(here.capacity));
        return 0;
    }
    return here.capacity > 2 * here.count ? resized(pool, ref, here.count) : ref;
}

}  // namespace sekisho::line

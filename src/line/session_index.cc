#include "line/session_index.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/block_pool.h"
#include "line/hash_slots.h"
#include "line/line.h"
#include "line/ports.h"
#include "line/run.h"
#include "line/session_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

constexpr std::uint32_t kNone = HashSlots::kNone;

std::uint32_t hash_of(std::string_view text, std::uint32_t also) {
    const std::uint64_t hash = std::hash<std::string_view>{}(text) + also * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

// Blocks of the pool: an id is its size and its bytes, a name how many sessions have it, two sizes
// and the bytes, held hashes their number and themselves.
struct NameHead {
    std::uint32_t sessions = 0;
    std::uint16_t line = 0, realm = 0;
};
constexpr std::size_t kIdHead = sizeof(std::uint16_t);
constexpr std::size_t kTextMax = std::numeric_limits<std::uint16_t>::max();

template <class T>
T read(const char* at) {
    T value{};
    std::memcpy(&value, at, sizeof(value));
    return value;
}

std::size_t held_bytes(std::size_t count) {
    return (count + 1) * sizeof(std::uint32_t);
}

bool is_too_long(const Session& session) {
    return std::max({session.id.size(), session.line.size(), session.realm.size()}) > kTextMax;
}

std::pair<std::string_view, std::string_view> name_at(const char* block) {
    const auto head = read<NameHead>(block);
    const char* text = block + sizeof(head);
    return {{text, head.line}, {text + head.line, head.realm}};
}

}  // namespace

std::string_view SessionIndex::id_of(const Record& record) const {
    const char* block = pool_.at(record.id);
    return {block + kIdHead, read<std::uint16_t>(block)};
}

std::pair<std::string_view, std::string_view> SessionIndex::name_of(const Record& record) const {
    return name_at(pool_.at(record.name));
}

std::span<const std::uint32_t> SessionIndex::held(const Record& record) const {
    if (record.held == 0) {
        return {};
    }
    const auto* block = reinterpret_cast<const std::uint32_t*>(pool_.at(record.held));
    return {block + 1, *block};
}

std::uint32_t SessionIndex::nas_number(const std::string& name) {
    const auto [known, fresh] =
        nas_by_name_.try_emplace(name, static_cast<std::uint32_t>(nas_.size()));
    if (fresh) {
        nas_.push_back({name, kNone});
    }
    return known->second;
}

std::uint32_t SessionIndex::newest(const std::string& nas, std::string_view id) const {
    const auto known = nas_by_name_.find(nas);
    if (known == nas_by_name_.end()) {
        return kNone;
    }
    const std::uint32_t number = known->second;
    return sessions_.find(hash_of(id, number), [&](std::uint32_t at) {
        const Record& one = record(at);
        return one.nas == number && id_of(one) == id;
    });
}

void SessionIndex::name(Record& record, std::string_view line, std::string_view realm) {
    const std::uint32_t hash = hash_of(line, hash_of(realm, 0));
    record.name = names_.find(hash, [&](std::uint32_t ref) {
        return name_at(pool_.at(ref)) == std::pair{line, realm};
    });
    if (record.name == kNone) {
        const NameHead head{
            0, static_cast<std::uint16_t>(line.size()), static_cast<std::uint16_t>(realm.size())
        };
        record.name = pool_.take(sizeof(head) + line.size() + realm.size());
        char* block = pool_.at(record.name);
        std::memcpy(block, &head, sizeof(head));
        std::ranges::copy(line, block + sizeof(head));
        std::ranges::copy(realm, block + sizeof(head) + line.size());
        names_.insert(hash, record.name);
    }
    ++reinterpret_cast<NameHead*>(pool_.at(record.name))->sessions;
}

void SessionIndex::unname(Record& record) {
    auto* head = reinterpret_cast<NameHead*>(pool_.at(record.name));
    if (--head->sessions > 0) {
        return;
    }
    const auto [line, realm] = name_of(record);
    names_.erase(hash_of(line, hash_of(realm, 0)), [&](std::uint32_t ref) {
        return ref == record.name;
    });
    pool_.give(record.name, sizeof(NameHead) + line.size() + realm.size());
}

void SessionIndex::rename(std::uint32_t at, std::string_view line, std::string_view realm) {
    Record& one = record(at);
    unname(one);
    name(one, line, realm);
    for (const std::uint32_t hash : held(one)) {
        const std::uint32_t run =
            runs_.find(hash, [&](std::uint32_t ref) { return Run{pool_, ref}.has(at); });
        SEKISHO_ASSERT(run != kNone);
        Run::rename(pool_, run, at, one.name);
    }
}

std::uint32_t SessionIndex::free_place() {
    if (free_ != kNone) {
        const std::uint32_t at = free_;
        free_ = record(at).next_open;
        return at;
    }
    SEKISHO_ASSERT(used_ != kNone);
    if (used_ >> kRecordBits == records_.size()) {
        records_.emplace_back(std::size_t{1} << kRecordBits);
    }
    return used_++;
}

void SessionIndex::open_on_nas(std::uint32_t at) {
    Record& one = record(at);
    std::uint32_t& first = nas_[one.nas].first_open;
    one.previous_open = kNone;
    one.next_open = first;
    if (first != kNone) {
        record(first).previous_open = at;
    }
    first = at;
}

void SessionIndex::close_on_nas(std::uint32_t at) {
    const Record& one = record(at);
    if (one.next_open != kNone) {
        record(one.next_open).previous_open = one.previous_open;
    }
    if (one.previous_open != kNone) {
        record(one.previous_open).next_open = one.next_open;
    } else {
        nas_[one.nas].first_open = one.next_open;
    }
}

// The session without its prefixes.
std::uint32_t SessionIndex::add(const Session& session) {
    const std::uint32_t number = nas_number(session.nas);
    const std::uint32_t last = newest(session.nas, session.id);
    const std::uint32_t at = free_place();
    Record& one = record(at);
    one = Record{};
    one.start = kept_ms(to_ms(session.start));
    one.end = session.end ? std::max(kept_ms(to_ms(*session.end)), one.start) : kOpen;
    one.seen = kept_ms(to_ms(session.seen));
    one.ports = session.ports;
    one.nas = number;
    name(one, session.line, session.realm);
    one.id = pool_.take(kIdHead + session.id.size());
    const auto size = static_cast<std::uint16_t>(session.id.size());
    std::memcpy(pool_.at(one.id), &size, sizeof(size));
    std::ranges::copy(session.id, pool_.at(one.id) + kIdHead);
    if (one.end == kOpen) {
        open_on_nas(at);
    }
    const std::uint32_t hash = hash_of(session.id, number);
    if (last == kNone) {
        sessions_.insert(hash, at);
    } else {
        sessions_.replace(hash, [last](std::uint32_t other) { return other == last; }, at);
    }
    ++count_;
    return at;
}

std::uint32_t SessionIndex::run_of(const RunKey& key, std::uint32_t hash) const {
    return runs_.find(hash, [&](std::uint32_t ref) {
        const Run run{pool_, ref};
        run.prefetch();  // one wait for all of a short one
        return run.key() == key;
    });
}

void SessionIndex::note_held(Record& record, std::uint32_t hash) {
    const auto before = held(record);
    const BlockPool::Ref next = pool_.take(held_bytes(before.size() + 1));
    auto* block = reinterpret_cast<std::uint32_t*>(pool_.at(next));
    block[0] = static_cast<std::uint32_t>(before.size() + 1);
    *std::ranges::copy(before, block + 1).out = hash;
    if (record.held != 0) {
        pool_.give(record.held, held_bytes(before.size()));
    }
    record.held = next;
}

void SessionIndex::note_shape(RunKey key) {
    key.first = {};
    key.value = 0;
    std::vector<RunKey>& shapes = key.v4 ? shapes4_ : shapes6_;
    if (std::ranges::find(shapes, key) == shapes.end()) {
        shapes.push_back(key);
    }
}

// `others`: how many more are to come at once.
void SessionIndex::hold(
    std::uint32_t at, const RunKey& key, std::int64_t from, std::size_t others
) {
    const std::uint32_t hash = key.hash();
    std::uint32_t run = run_of(key, hash);
    // A store that is read back names nothing twice.
    if (run != kNone && others == 0 && Run{pool_, run}.has(at)) {
        return;
    }
    const std::int64_t end = record(at).end;
    const Interval interval{from, end == kOpen ? kOpen : std::max(end, from), at, record(at).name};
    if (run == kNone) {
        note_shape(key);
        run = Run::make(pool_, key, 1 + others);
        runs_.insert(hash, run);
    }
    if (const BlockPool::Ref moved = Run::add(pool_, run, interval); moved != run) {
        runs_.replace(hash, [run](std::uint32_t ref) { return ref == run; }, moved);
    }
    note_held(record(at), hash);
}

void SessionIndex::hold(std::uint32_t at, const Prefix& prefix, Time from) {
    // What is late in coming doesn't reach back before the session.
    const std::int64_t since = std::max(kept_ms(to_ms(from)), record(at).start);
    for (const RunKey& key : run_keys(prefix, record(at).ports)) {
        hold(at, key, since);
    }
}

void SessionIndex::end(std::uint32_t at, Time when) {
    Record& one = record(at);
    SEKISHO_ASSERT(one.end == kOpen);
    one.end = std::max(kept_ms(to_ms(when)), one.start);
    close_on_nas(at);
    for (const std::uint32_t hash : held(one)) {
        const std::uint32_t run =
            runs_.find(hash, [&](std::uint32_t ref) { return Run{pool_, ref}.is_open(at); });
        SEKISHO_ASSERT(run != kNone);
        Run::close(pool_, run, at, one.end);
    }
}

Status SessionIndex::put(const Session& session) {
    if (is_too_long(session)) {
        return fail(Errc::Invalid, "a session has a name of more than 65535 bytes");
    }
    const std::uint32_t last = newest(session.nas, session.id);
    std::optional<KnownSession> known;
    if (last != kNone) {
        const Record& one = record(last);
        const auto [line, realm] = name_of(one);
        known = KnownSession{std::string{line}, std::string{realm}, from_ms(one.start), {}};
        if (one.end != kOpen) {
            known->end = from_ms(one.end);
        }
    }
    switch (change_by(known, session)) {
        case Change::None:
            return {};
        case Change::Replace:
            end(last, session.start);
            [[fallthrough]];
        case Change::Add: {
            const std::uint32_t at = add(session);
            for (const Prefix& prefix : session.prefixes) {
                hold(at, prefix, session.start);
            }
            return {};
        }
        case Change::Refresh:
            break;
    }
    Record& one = record(last);
    one.seen = std::max(one.seen, kept_ms(to_ms(session.seen)));
    if (known && known->line.empty()) {
        rename(last, session.line, session.realm);
    }
    for (const Prefix& prefix : session.prefixes) {
        hold(last, prefix, session.seen);
    }
    if (session.end) {
        end(last, *session.end);
    }
    return {};
}

Result<std::uint32_t> SessionIndex::restore(const Session& session) {
    const std::uint32_t last = newest(session.nas, session.id);
    // Only the newest of one nas and id may be open.
    if (is_too_long(session) || (last != kNone && record(last).end == kOpen)) {
        return fail(Errc::Corrupt, "session " + printable(session.id) + " can't be as it was kept");
    }
    return add(session);
}

void SessionIndex::restore_held(
    const Prefix& prefix, std::span<const std::pair<std::uint32_t, Time>> held
) {
    std::vector<std::pair<RunKey, std::vector<std::size_t>>> runs;  // few keys, if not one
    for (std::size_t i = 0; i < held.size(); ++i) {
        for (const RunKey& key : run_keys(prefix, record(held[i].first).ports)) {
            auto known = std::ranges::find(runs, key, [](const auto& run) { return run.first; });
            if (known == runs.end()) {
                known = runs.insert(known, {key, {}});
            }
            known->second.push_back(i);
        }
    }
    for (const auto& [key, places] : runs) {
        for (const std::size_t i : places) {
            const auto& [at, from] = held[i];
            const std::int64_t since = std::max(kept_ms(to_ms(from)), record(at).start);
            hold(at, key, since, places.size() - 1);
        }
    }
}

void SessionIndex::stop(const std::string& nas, const std::string& id, Time at) {
    const std::uint32_t last = newest(nas, id);
    if (last != kNone && record(last).end == kOpen) {
        end(last, at);
    }
}

void SessionIndex::stop_all(const std::string& nas, Time at) {
    const auto known = nas_by_name_.find(nas);
    if (known == nas_by_name_.end()) {
        return;
    }
    // What began after the restart isn't ended by news of it that come late.
    for (std::uint32_t one = nas_[known->second].first_open; one != kNone;) {
        const std::uint32_t next = record(one).next_open;
        if (record(one).start <= to_ms(at)) {
            end(one, at);
        }
        one = next;
    }
}

Session SessionIndex::session(const Record& record, const Prefix& prefix) const {
    // Two waits for memory at once.
    __builtin_prefetch(pool_.at(record.name));
    Session out;
    out.id = id_of(record);
    out.nas = nas_[record.nas].name;
    const auto [line, realm] = name_of(record);
    out.line = line;
    out.realm = realm;
    out.prefixes.push_back(prefix);
    out.start = from_ms(record.start);
    if (record.end != kOpen) {
        out.end = from_ms(record.end);
    }
    out.seen = from_ms(record.seen);
    out.ports = record.ports;
    return out;
}

template <class Take>
void SessionIndex::each_holder(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port, Take take
) const {
    struct Probe {
        RunKey key;
        std::uint32_t hash = 0;
    };
    std::array<Probe, 8> probes;
    const std::int64_t when = kept_ms(to_ms(at));
    for (std::span<const RunKey> shapes{address.is_v4() ? shapes4_ : shapes6_}; !shapes.empty();) {
        const auto some = shapes.first(std::min(shapes.size(), probes.size()));
        shapes = shapes.subspan(some.size());
        std::size_t count = 0;
        for (const RunKey& shape : some) {
            // Who shares an address is found by the port, or all of them without one.
            if (shape.kind == (port ? RunKey::Shared : RunKey::Ports)) {
                continue;
            }
            Probe& probe = probes.at(count++);
            probe.key = shape;
            probe.key.first = Prefix{address, shape.length}.address().bytes();
            probe.key.value = port ? *port & shape.mask : 0;
            probe.hash = probe.key.hash();
            runs_.prefetch(probe.hash);
        }
        for (const Probe& probe : std::span{probes}.first(count)) {
            const std::uint32_t run = run_of(probe.key, probe.hash);
            if (run == kNone) {
                continue;
            }
            Run{pool_, run}.holders(when, [&](std::uint32_t held, BlockPool::Ref name) {
                if (probe.key.kind != RunKey::Ports || record(held).ports.contains(*port)) {
                    take(held, name, probe.key);
                }
            });
        }
    }
}

std::vector<Session> SessionIndex::holders(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port
) const {
    std::vector<Session> out;
    const auto take = [&](std::uint32_t held, BlockPool::Ref /*name*/, const RunKey& key) {
        out.push_back(session(record(held), Prefix{address, key.length}));
    };
    each_holder(address, at, port, take);
    return out;
}

// As resolve() does it; equal names have one reference.
Holder SessionIndex::holder(const IpAddress& address, Time at, std::optional<std::uint16_t> port)
    const {
    BlockPool::Ref first = 0;
    bool whole = false;
    bool two = false;
    const auto take = [&](std::uint32_t /*held*/, BlockPool::Ref name, const RunKey& key) {
        two = two || (first != 0 && first != name);
        whole = whole || key.kind != RunKey::Shared;
        first = first == 0 ? name : first;
    };
    each_holder(address, at, port, take);
    Holder out;
    if (first == 0) {
        return out;
    }
    const auto [line, realm] = name_at(pool_.at(first));
    if (two || (!whole && !line.empty())) {
        out.certainty = Certainty::Ambiguous;
    } else if (!line.empty()) {
        out = {Certainty::Subscriber, std::string{line}, std::string{realm}};
    }
    return out;
}

void SessionIndex::forget(std::uint32_t at) {
    Record& one = record(at);
    for (const std::uint32_t hash : held(one)) {
        const auto holds = [&](std::uint32_t ref) { return Run{pool_, ref}.has(at); };
        const std::uint32_t run = runs_.find(hash, holds);
        SEKISHO_ASSERT(run != kNone);
        const auto same = [run](std::uint32_t ref) { return ref == run; };
        const BlockPool::Ref left = Run::remove(pool_, run, at);
        if (left == 0) {
            runs_.erase(hash, same);
        } else {
            runs_.replace(hash, same, left);
        }
    }
    if (one.held != 0) {
        pool_.give(one.held, held_bytes(held(one).size()));
    }
    sessions_.erase(hash_of(id_of(one), one.nas), [at](std::uint32_t other) {
        return other == at;
    });
    unname(one);
    pool_.give(one.id, kIdHead + id_of(one).size());
    one = Record{};
    one.next_open = std::exchange(free_, at);
    --count_;
}

bool SessionIndex::forget_before(Time time, std::size_t part) {
    const std::size_t to = std::min<std::size_t>(used_, forget_at_ + part);
    for (; forget_at_ < to; ++forget_at_) {
        const auto at = static_cast<std::uint32_t>(forget_at_);
        if (record(at).id != 0 && record(at).end < to_ms(time)) {
            forget(at);
        }
    }
    if (forget_at_ < used_) {
        return false;
    }
    forget_at_ = 0;
    return true;
}

std::size_t SessionIndex::bytes() const {
    return pool_.bytes() + runs_.bytes() + sessions_.bytes() + names_.bytes() +
           records_.size() * (sizeof(Record) << kRecordBits);
}

}  // namespace sekisho::line

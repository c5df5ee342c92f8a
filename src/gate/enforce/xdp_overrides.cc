#include "gate/enforce/xdp_overrides.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image_map.h"
#include "policy/overlay.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

static_assert(policy::kOverridesMax == GATE_OVERRIDES);

std::uint64_t number(const IpAddress& address, std::size_t from) {
    std::uint64_t out = 0;
    for (std::size_t i = from; i < from + 8; ++i) {
        out = (out << 8U) | address.bytes().at(i);
    }
    return out;
}

gate_override_key key_of(std::uint32_t generation, const Prefix& prefix) {
    gate_override_key key{};
    key.generation = static_cast<std::uint16_t>(generation);
    key.length = static_cast<std::uint8_t>(prefix.length());
    if (prefix.is_v4()) {
        key.v4 = 1;
        key.high = prefix.address().to_v4();
    } else {
        key.high = number(prefix.address(), 0);
        key.low = number(prefix.address(), 8);
    }
    return key;
}

// On the clock of the program; 0: no end.
std::uint64_t monotonic(const std::optional<Time>& until) {
    if (!until) {
        return 0;
    }
    timespec mono{};
    clock_gettime(CLOCK_MONOTONIC, &mono);
    const auto current = std::int64_t{mono.tv_sec} * 1'000'000'000 + mono.tv_nsec;
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(*until - now()).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(current + left, 1));
}

std::uint64_t bit_of(const Prefix& prefix) {
    const int length = prefix.length();
    return std::uint64_t{1} << static_cast<unsigned>(
               prefix.is_v4() ? 32 - length : (length == 128 ? 0 : 65 - length)
           );
}

gate_override_lengths lengths_of(const std::vector<policy::Override>& entries) {
    gate_override_lengths out{};
    for (const policy::Override& one : entries) {
        (one.prefix.is_v4() ? out.v4 : out.v6) |= bit_of(one.prefix);
    }
    return out;
}

bool by_prefix(const policy::Override& a, const policy::Override& b) {
    return a.prefix < b.prefix;
}
bool less(const policy::Override& a, const policy::Override& b) {
    return std::tie(a.prefix, a.class_id, a.until) < std::tie(b.prefix, b.class_id, b.until);
}
std::vector<policy::Override> sorted(std::vector<policy::Override> overrides) {
    if (!std::is_sorted(overrides.begin(), overrides.end(), less)) {
        std::sort(overrides.begin(), overrides.end(), less);
    }
    return overrides;
}

}  // namespace

Status XdpOverrides::put(
    std::uint32_t generation, const policy::Override& one, std::uint64_t connections
) {
    const gate_override_key key = key_of(generation, one.prefix);
    const gate_override value{monotonic(one.until), connections, one.class_id, 0};
    if (bpf_map_update_elem(entries_, &key, &value, BPF_ANY) != 0) {
        return fail(bpf_error("overriding the class of " + one.prefix.text(), errno));
    }
    return {};
}

Status XdpOverrides::erase(std::uint32_t generation, const Prefix& prefix) {
    const gate_override_key key = key_of(generation, prefix);
    if (bpf_map_delete_elem(entries_, &key) != 0 && errno != ENOENT) {
        return fail(bpf_error("giving " + prefix.text() + " its own class back", errno));
    }
    return {};
}

// Tells the program which lengths to ask for. Two words, each replaced whole.
Status XdpOverrides::announce(std::uint32_t generation, const gate_override_lengths& lengths) {
    if (bpf_map_update_elem(lengths_, &generation, &lengths, BPF_ANY) != 0) {
        return fail(bpf_error("lengths of the overridden prefixes", errno));
    }
    return {};
}

Status XdpOverrides::empty(std::uint32_t generation) {
    const Entries& entries = generation == generation_ ? current_ : prepared_;
    for (const policy::Override& one : entries) {
        if (Status erased = erase(generation, one.prefix); !erased) {
            return erased;
        }
    }
    return announce(generation, {});
}

Status XdpOverrides::prepare(const std::vector<policy::Override>& overrides) {
    if (Status emptied = empty(next_generation()); !emptied) {  // of a policy that came to nothing
        return emptied;
    }
    prepared_ = sorted(overrides);
    for (const policy::Override& one : prepared_) {
        const auto counted = connections(generation_, one.prefix);
        if (Status placed = put(next_generation(), one, counted); !placed) {
            return placed;
        }
    }
    return announce(next_generation(), lengths_of(prepared_));
}

void XdpOverrides::commit() {
    const std::uint32_t old = generation_;
    generation_ = next_generation();
    doubtful_ = false;
    std::swap(current_, prepared_);
    // No packet asks for the old ones any more; what can't be erased is by the next prepare().
    if (empty(old)) {
        prepared_.clear();
    }
}

// Most often one comes, goes, or becomes another: only what lies between the first and the last
// difference is looked at more than once.
Status XdpOverrides::change(const std::vector<policy::Override>& overrides) {
    Entries wanted = sorted(overrides);
    Entries come, go;  // one that changes is in both
    const auto [first_new, first_old] =
        std::mismatch(wanted.begin(), wanted.end(), current_.begin(), current_.end());
    auto last_new = wanted.end();
    auto last_old = current_.end();
    while (last_new != first_new && last_old != first_old &&
           *std::prev(last_new) == *std::prev(last_old)) {
        --last_new;
        --last_old;
    }
    std::set_difference(first_new, last_new, first_old, last_old, std::back_inserter(come), less);
    std::set_difference(first_old, last_old, first_new, last_new, std::back_inserter(go), less);
    if (doubtful_) {
        come = wanted;
    }
    if (Status changed = change(come, go, wanted); !changed) {
        Entries both;  // a failure half-way leaves nothing in the maps that isn't known here
        std::set_union(
            current_.begin(),
            current_.end(),
            come.begin(),
            come.end(),
            std::back_inserter(both),
            less
        );
        current_ = std::move(both);
        doubtful_ = true;
        return changed;
    }
    current_ = std::move(wanted);
    doubtful_ = false;
    return {};
}

// What comes before what goes: an address never falls back to its own class in between.
Status XdpOverrides::change(const Entries& come, const Entries& go, const Entries& wanted) {
    gate_override_lengths lengths = lengths_of(current_);
    const gate_override_lengths more = lengths_of(come);
    lengths.v4 |= more.v4;
    lengths.v6 |= more.v6;
    if (Status told = announce(generation_, lengths); !told) {
        return told;
    }
    for (const policy::Override& one : come) {
        const bool known = std::binary_search(current_.begin(), current_.end(), one, by_prefix);
        const auto counted = known ? connections(generation_, one.prefix) : 0;
        if (Status placed = put(generation_, one, counted); !placed) {
            return placed;
        }
    }
    for (const policy::Override& one : go) {
        if (std::binary_search(wanted.begin(), wanted.end(), one, by_prefix)) {
            continue;  // it has only become another one
        }
        if (Status erased = erase(generation_, one.prefix); !erased) {
            return erased;
        }
    }
    return announce(generation_, lengths_of(wanted));
}

std::uint64_t XdpOverrides::connections(std::uint32_t generation, const Prefix& prefix) const {
    const gate_override_key key = key_of(generation, prefix);
    gate_override value{};
    return bpf_map_lookup_elem(entries_, &key, &value) == 0 ? value.connections : 0;
}

Result<std::vector<OverrideCount>> XdpOverrides::counts() const {
    std::vector<OverrideCount> out;
    out.reserve(current_.size());
    for (const policy::Override& one : current_) {
        if (out.empty() || out.back().prefix != one.prefix) {
            out.push_back({one.prefix, connections(generation_, one.prefix)});
        }
    }
    return out;
}

}  // namespace sekisho::gate

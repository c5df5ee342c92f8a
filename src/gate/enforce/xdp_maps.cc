#include "gate/enforce/xdp_maps.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image_map.h"
#include "policy/policy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::array<const char*, GATE_STATS> kStatNames{
    "fragments_passed",
    "unreadable_passed",
    "resets_sent",
    "refused_unanswered",
    "events",
    "packets_in_later_events",
    "event_ring_full",
    "events_lost",
    "over_limit",
    "no_policy_passed",
};

Time wall_time(std::uint64_t monotonic_ns) {
    timespec mono{};
    clock_gettime(CLOCK_MONOTONIC, &mono);
    const auto current = std::int64_t{mono.tv_sec} * 1'000'000'000 + mono.tv_nsec;
    const std::int64_t age = current - static_cast<std::int64_t>(monotonic_ns);
    return now() - std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(age));
}

IpAddress to_ip(const gate_address& from, bool v4) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy(std::begin(from.bytes), std::end(from.bytes), bytes.begin());
    if (!v4) {
        return IpAddress::v6(bytes);
    }
    const auto word = [&bytes](std::size_t i) { return std::uint32_t{bytes[i]}; };
    return IpAddress::v4((word(0) << 24U) | (word(1) << 16U) | (word(2) << 8U) | word(3));
}

}  // namespace

Result<Tally> xdp_tally(int map, std::uint16_t slot, gate_direction direction) {
    const int cpus = std::max(libbpf_num_possible_cpus(), 1);
    std::vector<gate_count> each(static_cast<std::size_t>(cpus));
    const std::uint32_t key = std::uint32_t{slot} * 2 + static_cast<std::uint32_t>(direction);
    if (bpf_map_lookup_elem(map, &key, each.data()) != 0) {
        return fail(bpf_error("counters of the XDP program", errno));
    }
    Tally sum;
    for (const gate_count& one : each) {
        sum = sum + Tally{one.packets, one.bytes};
    }
    return sum;
}

Status xdp_zero(int map, const std::vector<std::uint16_t>& slots) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) {
        return fail(Errc::Unavailable, "the number of processors is not known");
    }
    const std::vector<gate_count> zero(static_cast<std::size_t>(cpus));
    for (const std::uint16_t slot : slots) {
        for (std::uint32_t direction = 0; direction < 2; ++direction) {
            const std::uint32_t key = std::uint32_t{slot} * 2 + direction;
            if (bpf_map_update_elem(map, &key, zero.data(), BPF_ANY) != 0) {
                return fail(bpf_error("counters of the XDP program", errno));
            }
        }
    }
    return {};
}

std::vector<Named> xdp_statistics(int map) {
    const int cpus = std::max(libbpf_num_possible_cpus(), 1);
    std::vector<Named> out;
    for (std::uint32_t key = 0; key < GATE_STATS; ++key) {
        std::vector<std::uint64_t> each(static_cast<std::size_t>(cpus));
        if (bpf_map_lookup_elem(map, &key, each.data()) == 0) {
            std::uint64_t sum = 0;
            for (const std::uint64_t one : each) {
                sum += one;
            }
            out.push_back({kStatNames.at(key), sum});
        }
    }
    return out;
}

Flow xdp_flow(const gate_event& event) {
    Flow flow;
    flow.at = wall_time(event.at_ns);
    flow.since = event.first_ns == event.at_ns ? flow.at : wall_time(event.first_ns);
    flow.direction = event.direction == GATE_TO_PORT25 ? policy::Direction::ToPort25
                                                       : policy::Direction::FromPort25;
    const bool to = event.direction == GATE_TO_PORT25;
    const bool v4 = event.v4 != 0;
    flow.client = to_ip(to ? event.source : event.destination, v4);
    flow.server = to_ip(to ? event.destination : event.source, v4);
    flow.client_port = to ? event.source_port : event.destination_port;
    flow.blocked = event.action != GATE_ACTION_PASS;
    flow.count = event.count;
    flow.interface_index = event.ifindex;
    return flow;
}

Status xdp_allow_new_sources(int map, std::uint32_t each) {
    const std::vector<gate_new_sources> all(
        static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)), {0, 0, each}
    );
    const std::uint32_t key = 0;
    if (bpf_map_update_elem(map, &key, all.data(), BPF_ANY) != 0) {
        return fail(bpf_error("sources of the XDP program", errno));
    }
    return {};
}

}  // namespace sekisho::gate

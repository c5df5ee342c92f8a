// The maps of the XDP program.
#pragma once

#include "gate/bpf/layout.h"

#include <bpf/bpf_helpers.h>

#include <linux/bpf.h>

// The shape of every image. INNER_MAP lets images differ in size; MMAPABLE lets the engine fill one
// with plain stores before the program can see it.
struct image_map {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, GATE_CHUNK_SIZE);
};

// The one slot that names the policy in force. Replacing its content is the swap.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
    __array(values, struct image_map);
} policy_in_force SEC(".maps");

// slot * 2 + direction. Slots belong to rule names and outlive a policy, so counters never step
// back.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, GATE_SLOTS * 2);
    __type(key, __u32);
    __type(value, struct gate_count);
} counters SEC(".maps");

// Client slot * 2 + direction; by class name, as the slots of rules are by theirs.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, GATE_CLIENT_SLOTS * 2);
    __type(key, __u32);
    __type(value, struct gate_count);
} clients SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, GATE_STATS);
    __type(key, __u32);
    __type(value, __u64);
} stats SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, GATE_RING_SIZE);
} events SEC(".maps");

struct source_key {
    __u8 address[8];  // IPv4, or the /64 of IPv6, so that a line can't fill the map by itself
    __u16 slot;
    __u8 action;
    __u8 direction;
    __u32 v4;
};
struct source_state {
    __u64 second;  // ktime / 1e9 of the running second
    __u32 sent;    // events in it
    __u32 held;    // packets that no event has reported yet
    __u64 first_ns;
    struct gate_event last;  // of those held
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, GATE_SOURCES);
    __type(key, struct source_key);
    __type(value, struct source_state);
} sources SEC(".maps");

// How many sources that were not remembered a processor takes up in a second. Beyond `most` (set by
// the engine) a flood of forged sources would only push out those that matter, at a cost that makes
// it one.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct gate_new_sources);
} new_sources SEC(".maps");

// When each source was last seen, as a byte of seconds >> GATE_AGE_SHIFT, by a hash of its key.
struct gate_ages {
    __u8 of[1u << GATE_AGES_BITS];
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct gate_ages);
} ages_of_sources SEC(".maps");

struct limit_key {
    __u8 address[8];  // IPv4, or the /64 of IPv6
    __u16 slot;
    __u16 v4;
};
// When the source's next connection would be due were it to come at its rate (GCRA), ns of ktime.
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, GATE_SOURCES);
    __type(key, struct limit_key);
    __type(value, __u64);
} limited SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, GATE_OVERRIDES* GATE_GENERATIONS);
    __type(key, struct gate_override_key);
    __type(value, struct gate_override);
} overrides SEC(".maps");

// By generation.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GATE_GENERATIONS);
    __type(key, __u32);
    __type(value, struct gate_override_lengths);
} override_lengths SEC(".maps");

static __always_inline void count_stat(__u32 which) {
    __u64* value = bpf_map_lookup_elem(&stats, &which);
    if (value) {
        ++*value;
    }
}

static __always_inline void count_in(void* map, __u32 slot, __u32 direction, __u64 bytes) {
    __u32 key = slot * 2 + direction;
    struct gate_count* count = bpf_map_lookup_elem(map, &key);
    if (count) {
        count->packets += 1;
        count->bytes += bytes;
    }
}

static __always_inline void count_packet(struct gate_cell cell, __u32 direction, __u64 bytes) {
    count_in(&counters, cell.slot, direction, bytes);
    count_in(&clients, cell.client, direction, bytes);
}

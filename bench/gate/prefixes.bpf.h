// Addresses to look up, and plain LPM tries to look them up by.
#pragma once

#include "gate/bpf/parse.bpf.h"

struct v4_key {
    __u32 length;
    __u8 address[4];
};
struct v6_key {
    __u32 length;
    __u8 address[16];
};
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 2000000);
    __type(key, struct v4_key);
    __type(value, __u32);
} trie_v4 SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 2000000);
    __type(key, struct v6_key);
    __type(value, __u32);
} trie_v6 SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, GATE_CLASSES* GATE_CLASSES);
    __type(key, __u32);
    __type(value, struct gate_cell);
} trie_cells SEC(".maps");

// The space that bench_gate.cc puts its prefixes in: 16.0.0.0/4, and 2001:db8::/32 by /64s.
static __always_inline void draw(struct gate_address* address, __u8 v4) {
    const __u32 random = bpf_get_prandom_u32();
    if (v4) {
        *(__u32*)address->bytes = bpf_htonl((random & 0x0fffffff) | 0x10000000);
    } else {
        *(__u32*)address->bytes = bpf_htonl(0x20010db8);
        *(__u32*)(address->bytes + 4) = random;
        *(__u64*)(address->bytes + 8) = 1;
    }
}

static __always_inline __u32 trie_class(const struct gate_address* address, __u8 v4) {
    __u32* found;
    if (v4) {
        struct v4_key key = {.length = 32};
        __builtin_memcpy(key.address, address->bytes, 4);
        found = bpf_map_lookup_elem(&trie_v4, &key);
    } else {
        struct v6_key key = {.length = 128};
        __builtin_memcpy(key.address, address->bytes, 16);
        found = bpf_map_lookup_elem(&trie_v6, &key);
    }
    return found ? *found : 0;
}

// 0: found.
static __always_inline int trie_cell(
    const struct gate_address* source,
    const struct gate_address* destination,
    __u8 v4,
    struct gate_cell* cell
) {
    const __u32 index = (trie_class(source, v4) & (GATE_CLASSES - 1)) * GATE_CLASSES +
                        (trie_class(destination, v4) & (GATE_CLASSES - 1));
    const struct gate_cell* found = bpf_map_lookup_elem(&trie_cells, &index);
    if (!found) {
        return -1;
    }
    *cell = *found;
    return 0;
}

// Single prefixes that are of another class for a time, asked before the policy's own classes.
#pragma once

#include "gate/bpf/limit.bpf.h"
#include "gate/bpf/verdict.bpf.h"

struct override_query {
    struct gate_address address;
    __u64 lengths;  // those not yet asked for, as gate_override_lengths has them
    __u32 generation;
    __u32 found;  // class + 1
    __u8 v4;
    __u8 opens;  // a new connection of this address
};

static __always_inline __u64 high_bits(__u64 number, __u32 bits) {
    return bits >= 64 ? number : number & ~(~0ull >> (bits & 63));
}

// The next length; 1 ends the loop.
static long override_step(__u32 index, struct override_query* q) {
    if (!q->lengths) {
        return 1;
    }
    const __u64 asked = q->lengths & 1;
    q->lengths >>= 1;
    if (!asked) {
        return 0;
    }
    struct gate_override_key key = {.generation = q->generation, .v4 = q->v4};
    if (q->v4) {
        __u32 number;
        __builtin_memcpy(&number, q->address.bytes, sizeof(number));
        key.length = 32 - index;
        key.high = bpf_ntohl(number) & (~0u << (index & 31));
    } else if (index == 0) {
        key.length = 128;
        key.high = read_be64(q->address.bytes);
        key.low = read_be64(q->address.bytes + 8);
    } else {
        key.length = 65 - index;
        key.high = high_bits(read_be64(q->address.bytes), 65 - index);
    }
    struct gate_override* found = bpf_map_lookup_elem(&overrides, &key);
    if (!found || (found->until_ns && found->until_ns <= bpf_ktime_get_ns())) {
        return 0;
    }
    if (q->opens) {
        __sync_fetch_and_add(&found->connections, 1);
    }
    q->found = found->class_id + 1;
    return 1;
}

// Class + 1, or 0: not overridden. A global function: verified once, for both ends.
__noinline int override_of(const struct override_query* asked) {
    if (!asked) {
        return 0;
    }
    struct override_query q = *asked;
    // ::ffff:a.b.c.d stands for the IPv4 address, as everywhere in the policy.
    if (!q.v4 && read_be64(q.address.bytes) == 0 &&
        read_be64(q.address.bytes + 8) >> 32 == 0xffff) {
        __builtin_memcpy(q.address.bytes, q.address.bytes + 12, 4);
        q.v4 = 1;
    }
    const __u32 generation = q.generation;
    const struct gate_override_lengths* lengths =
        bpf_map_lookup_elem(&override_lengths, &generation);
    if (!lengths) {
        return 0;
    }
    q.lengths = q.v4 ? lengths->v4 : lengths->v6;
    q.found = 0;
    bpf_loop(GATE_OVERRIDE_LENGTHS, override_step, &q, 0);
    return q.found;
}

// Whether any prefix is overridden: most gates have none, and then this is all it costs.
static __always_inline int has_overrides(const struct gate_header* header) {
    const __u32 generation = header->generation;
    const struct gate_override_lengths* lengths =
        bpf_map_lookup_elem(&override_lengths, &generation);
    return lengths && (lengths->v4 | lengths->v6);
}

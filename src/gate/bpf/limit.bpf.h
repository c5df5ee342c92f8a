// The action limit: each source (an IPv4 address, or an IPv6 /64) may open new connections at a
// rate. GCRA: one number a source says when its next connection would be due.
#pragma once

#include "gate/bpf/parse.bpf.h"

#define LIMIT_TRIES 4 /* of processors that count the same source at once */

// A new connection, or a header cut before its flags: whoever cuts it may be hiding some.
static __always_inline int opens_connection(void* data, void* end, const struct segment* s) {
    struct tcphdr* tcp = transport_header(data, s);
    if ((void*)tcp + 14 > end) {
        return 1;
    }
    const __u8 flags = ((__u8*)tcp)[13];
    return (flags & 0x12) == 0x02;  // SYN without ACK
}

// 1: beyond the rate. Taken only when it is within.
static __always_inline int over_limit(
    const struct gate_limit* limit, const struct gate_address* source, __u16 slot, __u8 v4
) {
    const __u64 now = bpf_ktime_get_ns();
    struct limit_key key = {.slot = slot, .v4 = v4};
    __builtin_memcpy(key.address, source->bytes, sizeof(key.address));  // IPv4: zeros behind it
    __u64* due = bpf_map_lookup_elem(&limited, &key);
    if (!due) {
        bpf_map_update_elem(&limited, &key, &now, BPF_NOEXIST);
        due = bpf_map_lookup_elem(&limited, &key);
        if (!due) {
            return 0;
        }
    }
#pragma unroll
    for (int i = 0; i < LIMIT_TRIES; ++i) {
        const __u64 before = *due;
        const __u64 from = before > now ? before : now;
        if (from - now > limit->tolerance_ns) {
            return 1;
        }
        if (__sync_val_compare_and_swap(due, before, from + limit->interval_ns) == before) {
            return 0;
        }
    }
    return 0;
}

// What becomes of the packet: a cell that passes, or one that refuses or would.
static __always_inline struct gate_cell limit_cell(
    const struct gate_header* header,
    void* data,
    void* end,
    const struct segment* s,
    const struct gate_address* source,
    struct gate_cell cell
) {
    const struct gate_limit* limits = (const void*)header + GATE_LIMITS;
    const __u8 flags = cell.flags;
    cell.action = GATE_ACTION_PASS;
    cell.flags = 0;
    if (opens_connection(data, end, s) &&
        over_limit(&limits[cell.limit & (GATE_LIMITS_MAX - 1)], source, cell.slot, s->v4)) {
        count_stat(GATE_STAT_OVER_LIMIT);
        cell.action = flags & GATE_CELL_WOULD_BLOCK ? GATE_ACTION_PASS : GATE_ACTION_REFUSE;
        cell.flags = flags;
    }
    return cell;
}

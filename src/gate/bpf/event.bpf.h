// Events for user space about blocked and would-be-blocked packets, at most GATE_EVENTS_PER_SECOND
// a second for each source, so that one bot can't push the others out. What is not reported by
// itself is in the count of the source's next event; the counters by rule are exact beside.
#pragma once

#include "gate/bpf/parse.bpf.h"

#define NS_PER_SECOND 1000000000ull

static __always_inline void report(
    __u32 ifindex,
    const struct segment* s,
    const struct gate_address* source,
    const struct gate_address* destination,
    struct gate_cell cell,
    __u32 direction
) {
    const __u64 now = bpf_ktime_get_ns();
    const struct gate_address* client = direction == GATE_TO_PORT25 ? source : destination;
    struct source_key key = {.v4 = s->v4};
    __builtin_memcpy(key.address.bytes, client->bytes, 8);
    struct source_state* state = bpf_map_lookup_elem(&sources, &key);
    if (!state) {
        struct source_state fresh = {.second = now / NS_PER_SECOND};
        bpf_map_update_elem(&sources, &key, &fresh, BPF_NOEXIST);
        state = bpf_map_lookup_elem(&sources, &key);
        if (!state) {
            count_stat(GATE_STAT_EVENTS_LOST);
            return;
        }
    }
    const __u64 second = now / NS_PER_SECOND;
    if (state->second != second) {
        state->second = second;
        state->sent = 0;
    }
    if (state->sent >= GATE_EVENTS_PER_SECOND) {
        __sync_fetch_and_add(&state->held, 1);
        count_stat(GATE_STAT_EVENTS_HELD);
        return;
    }
    struct gate_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        __sync_fetch_and_add(&state->held, 1);
        count_stat(GATE_STAT_EVENTS_LOST);
        return;
    }
    __sync_fetch_and_add(&state->sent, 1);
    event->at_ns = now;
    event->source = *source;
    event->destination = *destination;
    event->ifindex = ifindex;
    event->count = __sync_lock_test_and_set(&state->held, 0) + 1;
    event->source_port = s->source_port;
    event->destination_port = s->destination_port;
    event->slot = cell.slot;
    event->action = cell.action;
    event->flags = cell.flags;
    event->direction = direction;
    event->v4 = s->v4;
    __builtin_memset(event->pad, 0, sizeof(event->pad));
    bpf_ringbuf_submit(event, 0);
    count_stat(GATE_STAT_EVENTS);
}

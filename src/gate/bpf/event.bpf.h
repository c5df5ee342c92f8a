// Events for user space about blocked and would-be-blocked packets: at most GATE_EVENTS_PER_SECOND
// a second for each source and rule, so that one bot can't push the others out. Those beyond are
// held and reported together, by the first packet of a later second or by flush_held(), as an event
// of their own: of the same rule and verdict, with the times of the first and the last of them, so
// that user space charges them to whoever held the address then. The counters by rule are exact
// beside.
#pragma once

#include "gate/bpf/parse.bpf.h"

#define NS_PER_SECOND 1000000000ull

// An event of what is held; nothing if there is nothing. Taking the number is atomic. Two
// processors that hold packets of one source at once may mix the times and destinations of their
// last packets, never the rule, the verdict or the number.
static __always_inline void report_held(const struct source_key* key, struct source_state* state) {
    if (!state->held) {
        return;
    }
    struct gate_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        return;  // still held: the next call tries again
    }
    *event = state->last;
    event->first_ns = state->first_ns;
    event->count = __sync_lock_test_and_set(&state->held, 0);
    if (!event->count) {  // another processor was faster
        bpf_ringbuf_discard(event, 0);
        return;
    }
    event->slot = key->slot;
    event->action = key->action;
    event->direction = key->direction;
    bpf_ringbuf_submit(event, 0);
    count_stat(GATE_STAT_EVENTS);
}

static __always_inline void hold(struct source_state* state, const struct gate_event* event) {
    if (__sync_fetch_and_add(&state->held, 1) == 0) {
        state->first_ns = event->at_ns;
    }
    state->last = *event;
}

// This second's share of sources that were not remembered; null never, but for the verifier.
static __always_inline struct gate_new_sources* share_of(__u64 second) {
    const __u32 zero = 0;
    struct gate_new_sources* new = bpf_map_lookup_elem(&new_sources, &zero);
    if (new && new->second != second) {
        new->second = second;
        new->taken = 0;
    }
    return new;
}

// Where a source's age is kept. Sources that share a place make each other look remembered, which
// costs a look-up and nothing else.
static __always_inline __u8* age_of(const struct source_key* key) {
    const __u32 zero = 0;
    struct gate_ages* ages = bpf_map_lookup_elem(&ages_of_sources, &zero);
    __u64 mixed;
    __builtin_memcpy(&mixed, key->address, sizeof(mixed));
    mixed = (mixed ^ key->slot) * 0x9e3779b97f4a7c15ull;
    return ages ? &ages->of[mixed >> (64 - GATE_AGES_BITS)] : 0;
}

// What is remembered of the source, taking it up if there is room in this second; null: no room.
// Where the room is used up, which a flood of forged sources does, most packets end here by one
// byte of a small table, instead of by a cold bucket of the large one.
static __always_inline struct source_state* state_of(const struct source_key* key, __u64 second) {
    struct gate_new_sources* new = share_of(second);
    __u8* age = age_of(key);
    if (!new || !age) {
        return 0;
    }
    const __u8 now = second >> GATE_AGE_SHIFT;
    const int full = new->taken >= new->most;
    if (full && (__u8)(now - *age) > GATE_AGE_MOST) {
        return 0;
    }
    struct source_state* state = bpf_map_lookup_elem(&sources, key);
    if (!state) {
        if (full) {
            return 0;
        }
        ++new->taken;
        struct source_state fresh = {.second = second};
        bpf_map_update_elem(&sources, key, &fresh, BPF_NOEXIST);
        state = bpf_map_lookup_elem(&sources, key);
    }
    if (state && *age != now) {
        *age = now;
    }
    return state;
}

static __always_inline void report(
    __u32 ifindex,
    const struct segment* s,
    const struct gate_address* source,
    const struct gate_address* destination,
    struct gate_cell cell,
    __u32 direction
) {
    const __u64 second = bpf_ktime_get_coarse_ns() / NS_PER_SECOND;
    const struct gate_address* client = direction == GATE_TO_PORT25 ? source : destination;
    struct source_key key = {
        .slot = cell.slot, .action = cell.action, .direction = direction, .v4 = s->v4
    };
    __builtin_memcpy(key.address, client->bytes, sizeof(key.address));
    struct source_state* state = state_of(&key, second);
    if (!state) {
        count_stat(GATE_STAT_EVENTS_LOST);
        return;
    }
    if (state->second != second) {
        report_held(&key, state);
        state->second = second;
        state->sent = 0;
    }
    const __u64 now = bpf_ktime_get_ns();
    struct gate_event event = {
        .at_ns = now,
        .first_ns = now,
        .source = *source,
        .destination = *destination,
        .ifindex = ifindex,
        .count = 1,
        .source_port = s->source_port,
        .destination_port = s->destination_port,
        .slot = cell.slot,
        .action = cell.action,
        .flags = cell.flags,
        .direction = direction,
        .v4 = s->v4,
    };
    if (state->sent >= GATE_EVENTS_PER_SECOND) {
        hold(state, &event);
        count_stat(GATE_STAT_EVENTS_HELD);
        return;
    }
    if (bpf_ringbuf_output(&events, &event, sizeof(event), 0)) {
        hold(state, &event);
        count_stat(GATE_STAT_RING_FULL);
        return;
    }
    __sync_fetch_and_add(&state->sent, 1);
    count_stat(GATE_STAT_EVENTS);
}

// For a source that fell silent: nothing else would ever report what is held of it.
static long flush_one(
    void* map, struct source_key* key, struct source_state* state, __u64* second
) {
    if (state->second != *second) {
        report_held(key, state);
    }
    return 0;
}
static __always_inline void flush_held(void) {
    __u64 second = bpf_ktime_get_ns() / NS_PER_SECOND;
    bpf_for_each_map_elem(&sources, flush_one, &second, 0);
}

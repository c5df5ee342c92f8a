// What the gate does with a frame: what has nothing to do with TCP port 25 leaves before any
// look-up; the rest is judged by the policy in force, counted, reported, and passed, refused or
// dropped.
#pragma once

#include "gate/bpf/event.bpf.h"
#include "gate/bpf/frame.bpf.h"
#include "gate/bpf/limit.bpf.h"
#include "gate/bpf/override.bpf.h"
#include "gate/bpf/parse.bpf.h"
#include "gate/bpf/reset.bpf.h"
#include "gate/bpf/verdict.bpf.h"

static __always_inline int read_addresses(
    void* data,
    void* end,
    const struct segment* s,
    struct gate_address* source,
    struct gate_address* destination
) {
    if (s->v4) {
        struct iphdr* ip = network_header(data, s);
        if ((void*)(ip + 1) > end) {
            return -1;
        }
        __builtin_memcpy(source->bytes, &ip->saddr, 4);
        __builtin_memcpy(destination->bytes, &ip->daddr, 4);
    } else {
        struct ipv6hdr* ip = network_header(data, s);
        if ((void*)(ip + 1) > end) {
            return -1;
        }
        __builtin_memcpy(source->bytes, &ip->saddr, 16);
        __builtin_memcpy(destination->bytes, &ip->daddr, 16);
    }
    return 0;
}

// Everything behind the port: kept out of the common packet's way. A global function, which the
// verifier checks once for all ways that lead to it.
__noinline int judge(frame_context* ctx, struct segment* s) {
    if (!s) {
        return FRAME_PASS;
    }
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct gate_address source = {};
    struct gate_address destination = {};
    if (read_addresses(data, end, s, &source, &destination)) {
        return FRAME_PASS;
    }
    const __u64 bytes = frame_length(ctx);
    const __u32 zero = 0;
    void* image = bpf_map_lookup_elem(&policy_in_force, &zero);
    const struct gate_header* header = image ? bpf_map_lookup_elem(image, &zero) : 0;
    if (!header) {
        count_stat(GATE_STAT_NO_POLICY);
        return FRAME_PASS;
    }
    __u32 from = 0;
    __u32 to = 0;
    if (has_overrides(header)) {
        struct override_query query = {.generation = header->generation};
        query.address = source;
        query.v4 = s->v4;
        query.opens = s->destination_port == PORT_SMTP && opens_connection(data, end, s);
        from = override_of(&query);
        query.address = destination;
        query.v4 = s->v4;
        query.opens = 0;
        to = override_of(&query);
    }
    from = from ? from - 1 : class_of(image, header, &source, s->v4);
    to = to ? to - 1 : class_of(image, header, &destination, s->v4);
    struct gate_cell cell = {};
    __u32 direction = GATE_TO_PORT25;
    if (s->destination_port == PORT_SMTP) {
        cell = cell_of(header, from, to);
        count_packet(cell.slot, direction, bytes);
        if (cell.action == GATE_ACTION_LIMIT) {
            cell = limit_cell(header, data, end, s, &source, cell);
        }
        if (cell.action != GATE_ACTION_PASS || cell.flags & GATE_CELL_WOULD_BLOCK) {
            report(frame_interface(ctx), s, &source, &destination, cell, direction);
        }
    }
    // Port 25 on both ends: passing as a question isn't enough, it may be an answer.
    if (s->source_port == PORT_SMTP && cell.action == GATE_ACTION_PASS) {
        direction = GATE_FROM_PORT25;
        cell = cell_of(header, to, from);
        count_packet(cell.slot, direction, bytes);
        if (cell.action == GATE_ACTION_LIMIT) {  // the question was counted where it passed
            cell.action = GATE_ACTION_PASS;
            cell.flags = 0;
        }
        if (cell.action != GATE_ACTION_PASS || cell.flags & GATE_CELL_WOULD_BLOCK) {
            report(frame_interface(ctx), s, &source, &destination, cell, direction);
        }
    }
    if (cell.action == GATE_ACTION_PASS) {
        return FRAME_PASS;
    }
    // An answer has a question that was let through on another way; a reset to the server would
    // tell it nothing that silence doesn't.
    if (cell.action == GATE_ACTION_DROP || direction == GATE_FROM_PORT25) {
        return FRAME_DROP;
    }
    return answer_reset(ctx, s, &source, &destination);
}

// The header inside of a PPPoE session or a tunnel: rare where the common packet is none of both,
// so a function of its own.
__noinline int parse_inner(frame_context* ctx, struct segment* s) {
    if (!s) {
        return PARSED_OTHER;
    }
    frame_pull(ctx, FRAME_MOST);
    return s->v4 ? parse_v4((void*)(long)ctx->data, (void*)(long)ctx->data_end, s)
                 : parse_v6(ctx, s);
}

// A frame that doesn't leave at once. A function of its own, so that those which do have no stack.
__noinline int look_closer(frame_context* ctx) {
    struct segment s = {};
    int what = parse_frame(ctx, &s);
    if (what == PARSED_INNER) {
        what = parse_inner(ctx, &s);
    }
    if (what == PARSED_INNER) {  // a tunnel in a PPPoE session
        what = parse_inner(ctx, &s);
    }
    return what == PARSED_SMTP ? judge(ctx, &s) : FRAME_PASS;
}

static __always_inline int gate(frame_context* ctx) {
    if (leaves_at_once((void*)(long)ctx->data, (void*)(long)ctx->data_end)) {
        return FRAME_PASS;
    }
    return look_closer(ctx);
}

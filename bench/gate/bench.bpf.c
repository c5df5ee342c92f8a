// The verdict with random addresses, by the gate's image and by plain LPM tries, in one harness:
// parse, draw two addresses, two look-ups, one cell, one counter. And what the harness itself
// costs.
#include "gate/bpf/parse.bpf.h"
#include "gate/bpf/verdict.bpf.h"
#include "prefixes.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct flow {
    struct gate_address source, destination;
    __u64 bytes;
    __u8 v4;
};

// What all of them do first. 0: not a frame to measure.
static __always_inline int begin(struct xdp_md* ctx, struct flow* f) {
    struct segment s = {};
    if (parse_frame(ctx, &s) != PARSED_SMTP) {
        return 0;
    }
    f->bytes = ctx->data_end - ctx->data;
    f->v4 = s.v4;
    draw(&f->source, s.v4);
    draw(&f->destination, s.v4);
    return 1;
}

static __always_inline int finish(struct gate_cell cell, __u64 bytes) {
    count_packet(cell, GATE_TO_PORT25, bytes);
    return cell.action == GATE_ACTION_PASS ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int empty(struct xdp_md* ctx) {
    return XDP_PASS;
}

SEC("xdp")
int harness(struct xdp_md* ctx) {
    struct flow f = {};
    if (!begin(ctx, &f)) {
        return XDP_PASS;
    }
    struct gate_cell cell = {.slot = (f.source.bytes[3] ^ f.destination.bytes[3]) & 1};
    return finish(cell, f.bytes);
}

SEC("xdp")
int by_image(struct xdp_md* ctx) {
    struct flow f = {};
    if (!begin(ctx, &f)) {
        return XDP_PASS;
    }
    const __u32 zero = 0;
    void* image = bpf_map_lookup_elem(&policy_in_force, &zero);
    const struct gate_header* header = image ? bpf_map_lookup_elem(image, &zero) : 0;
    if (!header) {
        return XDP_ABORTED;
    }
    const __u32 from = class_of(image, header, &f.source, f.v4);
    const __u32 to = class_of(image, header, &f.destination, f.v4);
    return finish(cell_of(header, from, to), f.bytes);
}

SEC("xdp")
int by_trie(struct xdp_md* ctx) {
    struct flow f = {};
    if (!begin(ctx, &f)) {
        return XDP_PASS;
    }
    struct gate_cell cell = {};
    return trie_cell(&f.source, &f.destination, f.v4, &cell) ? XDP_ABORTED : finish(cell, f.bytes);
}

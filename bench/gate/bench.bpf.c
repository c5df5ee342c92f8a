// The verdict with random addresses, by the gate's image and by plain LPM tries, in one harness:
// parse, draw two addresses, two look-ups, one cell, one counter. And what the harness itself
// costs.
#include "gate/bpf/parse.bpf.h"
#include "gate/bpf/verdict.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

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
    count_packet(cell.slot, GATE_TO_PORT25, bytes);
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

SEC("xdp")
int by_trie(struct xdp_md* ctx) {
    struct flow f = {};
    if (!begin(ctx, &f)) {
        return XDP_PASS;
    }
    const __u32 index = (trie_class(&f.source, f.v4) & (GATE_CLASSES - 1)) * GATE_CLASSES +
                        (trie_class(&f.destination, f.v4) & (GATE_CLASSES - 1));
    struct gate_cell* cell = bpf_map_lookup_elem(&trie_cells, &index);
    return cell ? finish(*cell, f.bytes) : XDP_ABORTED;
}

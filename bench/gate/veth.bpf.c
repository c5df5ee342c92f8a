// For packets on a veth pair: the generator, ends that do nothing, and a gate by plain LPM tries.
#include "gate/bpf/gate.bpf.h"
#include "prefixes.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// What the generator sends, and where.
#define FRAME_V4 60
#define FRAME_V6 74
__u8 frame[FRAME_V6];
__u32 out_interface;

// When each window of so many packets was over: setting a run up and taking it down costs the
// kernel milliseconds, which are none of the packets'.
#define WINDOW 2048
#define MARKS 4096
__u64 sent;
__u64 marks[MARKS];

static __always_inline void mark(void) {
    if (sent % WINDOW == 0) {
        marks[sent / WINDOW % MARKS] = bpf_ktime_get_ns();
    }
    ++sent;
}

// The frame from a random source. Written whole each time: the kernel uses its pages again, with
// what the receiver did to them.
SEC("xdp")
int generate(struct xdp_md* ctx) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct ethhdr* eth = data;
    struct iphdr* ip = (void*)(eth + 1);
    struct ipv6hdr* ip6 = (void*)(eth + 1);
    struct gate_address source = {};
    if (data + FRAME_V6 <= end) {
        __builtin_memcpy(data, frame, FRAME_V6);
        draw(&source, 0);
        __builtin_memcpy(&ip6->saddr, source.bytes, 16);
    } else if (data + FRAME_V4 <= end) {
        __builtin_memcpy(data, frame, FRAME_V4);
        draw(&source, 1);
        __builtin_memcpy(&ip->saddr, source.bytes, 4);
        ip->check = fold(sum_words(ip, sizeof(*ip) / 2));
    } else {
        return XDP_ABORTED;
    }
    mark();
    return bpf_redirect(out_interface, 0);
}

SEC("xdp")
int drop_all(struct xdp_md* ctx) {
    return XDP_DROP;
}

// As the gate does it, but without events, overrides and answers: parse, two look-ups, one cell,
// one counter.
SEC("xdp")
int gate_by_trie(struct xdp_md* ctx) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    if (leaves_at_once(data, end)) {
        return XDP_PASS;
    }
    struct segment s = {};
    struct gate_address source = {};
    struct gate_address destination = {};
    if (parse_frame(ctx, &s) != PARSED_SMTP ||
        read_addresses(data, end, &s, &source, &destination)) {
        return XDP_PASS;
    }
    struct gate_cell cell = {};
    if (trie_cell(&source, &destination, s.v4, &cell)) {
        return XDP_ABORTED;
    }
    count_packet(cell, GATE_TO_PORT25, frame_length(ctx));
    return cell.action == GATE_ACTION_PASS ? XDP_PASS : XDP_DROP;
}

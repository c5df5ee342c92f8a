// The gate on frames, in XDP.
#include "gate/bpf/gate.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("xdp")
int sekisho_gate(struct xdp_md* ctx) {
    return gate(ctx);
}

// Run by the engine once a second.
SEC("syscall")
int sekisho_flush(void* context) {
    flush_held();
    return 0;
}

// For the other end of a veth pair in native mode, which takes what XDP_TX sends only while it has
// an XDP program of its own.
SEC("xdp")
int sekisho_pass(struct xdp_md* ctx) {
    return XDP_PASS;
}

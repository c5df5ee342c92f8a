// The gate on packets at the ingress of traffic control, where XDP isn't to be had. Its maps are
// those of the XDP program.
#define GATE_TC
#include "gate/bpf/gate.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("tc")
int sekisho_gate_tc(struct __sk_buff* ctx) {
    frame_pull(ctx, FRAME_HEADERS);
    return gate(ctx);
}

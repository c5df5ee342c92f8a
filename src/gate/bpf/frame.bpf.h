// Where the program stands: in XDP, on the frame as the card wrote it, or (GATE_TC) at the ingress
// of traffic control, on the kernel's packet. The rest of the program is the same source for both.
#pragma once

#include "gate/bpf/layout.h"

#include <bpf/bpf_helpers.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#define FRAME_HEADERS 128 /* holds the headers of every common packet */
#define FRAME_MOST 4096   /* what is looked into: XDP sees no frame as long */

#ifdef GATE_TC

typedef struct __sk_buff frame_context;
#define FRAME_PASS TC_ACT_UNSPEC /* on to the filters behind ours */
#define FRAME_DROP TC_ACT_SHOT

static __always_inline __u32 frame_length(frame_context* ctx) {
    return ctx->len;
}
static __always_inline __u32 frame_interface(frame_context* ctx) {
    return ctx->ifindex;
}
// The outermost VLAN tag is not in the frame any more, but beside it.
static __always_inline int frame_tags_taken(frame_context* ctx) {
    return ctx->vlan_present != 0;
}
// Makes the first bytes readable: a card may have left all but a few of them in other pages.
// Pointers into the frame are void then.
static __always_inline void frame_pull(frame_context* ctx, __u32 most) {
    const __u32 wanted = ctx->len < most ? ctx->len : most;
    if (ctx->data + wanted > ctx->data_end) {
        bpf_skb_pull_data(ctx, wanted);
    }
}
// Pointers into the frame are void then; 0 when done. Segments that the kernel had merged, and a
// checksum over the whole that it had been told, are forgotten: growing does the latter.
static __always_inline int frame_cut(frame_context* ctx, __u32 length) {
    return bpf_skb_change_tail(ctx, length, 0) || bpf_skb_change_tail(ctx, length + 1, 0) ||
           bpf_skb_change_tail(ctx, length, 0);
}
static __always_inline int frame_send_back(frame_context* ctx) {
    return bpf_redirect(ctx->ifindex, 0);
}
// Whether the sender left the checksum for the card to fill in: of the transport header where it
// stood when the packet came. No field of the context says so, but this helper leaves a checksum
// alone then. `scratch` is the offset of two bytes that it may spoil.
static __always_inline int frame_checksum_deferred(frame_context* ctx, __u32 scratch) {
    const __u16 before = 0x1234;
    __u16 after = 0;
    if (bpf_skb_store_bytes(ctx, scratch, &before, sizeof(before), 0) ||
        bpf_l4_csum_replace(ctx, scratch, 0, 1, sizeof(__u16)) ||
        bpf_skb_load_bytes(ctx, scratch, &after, sizeof(after))) {
        return -1;
    }
    return after == before;
}

#else

typedef struct xdp_md frame_context;
#define FRAME_PASS XDP_PASS
#define FRAME_DROP XDP_DROP

static __always_inline __u32 frame_length(frame_context* ctx) {
    return ctx->data_end - ctx->data;
}
static __always_inline __u32 frame_interface(frame_context* ctx) {
    return ctx->ingress_ifindex;
}
static __always_inline int frame_tags_taken(frame_context* ctx) {
    return 0;
}
static __always_inline void frame_pull(frame_context* ctx, __u32 most) {}
static __always_inline int frame_cut(frame_context* ctx, __u32 length) {
    const int more = (int)length - (int)frame_length(ctx);
    return more < 0 && bpf_xdp_adjust_tail(ctx, more);
}
static __always_inline int frame_send_back(frame_context* ctx) {
    return XDP_TX;
}
static __always_inline int frame_checksum_deferred(frame_context* ctx, __u32 scratch) {
    return 0;
}

#endif

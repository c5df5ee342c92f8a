// Turns the refused segment into the reset that its receiver would have sent had nobody listened
// (RFC 9293 §3.10.7.1), and sends it back out of the interface it came from: MAC addresses
// exchanged, VLAN tags, PPPoE session and tunnel kept, IP options and extension headers gone.
#pragma once

#include "gate/bpf/parse.bpf.h"

#define FRAME_MIN 60 /* without the check sequence; shorter ones need padding on a real wire */
#define HOPS 64
#define PPP_PROTOCOL 2 /* octets */

static __always_inline __u64 sum_words(const void* from, int words) {
    const __u16* word = from;
    __u64 sum = 0;
#pragma unroll
    for (int i = 0; i < words; ++i) {
        sum += word[i];
    }
    return sum;
}

// RFC 1071
static __always_inline __u16 fold(__u64 sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

static __always_inline void fill_tcp(
    struct tcphdr* tcp, const struct tcphdr* asked, __u32 segment_len
) {
    __builtin_memset(tcp, 0, sizeof(*tcp));
    tcp->source = asked->dest;
    tcp->dest = asked->source;
    tcp->doff = sizeof(*tcp) / 4;
    tcp->rst = 1;
    if (asked->ack) {
        tcp->seq = asked->ack_seq;
    } else {
        const __u32 header = (__u32)asked->doff * 4;
        const __u32 data = segment_len > header ? segment_len - header : 0;
        tcp->ack = 1;
        tcp->ack_seq = bpf_htonl(bpf_ntohl(asked->seq) + data + asked->syn + asked->fin);
    }
}

static __always_inline void fill_v4(void* at, struct gate_address* from, struct gate_address* to) {
    struct iphdr* ip = at;
    __builtin_memset(ip, 0, sizeof(*ip));
    ip->version = 4;
    ip->ihl = 5;
    ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(struct tcphdr));
    ip->frag_off =
        bpf_htons(0x4000);  // don't fragment, so the identification may be 0 (RFC 6864 §4.1)
    ip->ttl = HOPS;
    ip->protocol = IPPROTO_TCP;
    __builtin_memcpy(&ip->saddr, from->bytes, 4);
    __builtin_memcpy(&ip->daddr, to->bytes, 4);
    ip->check = fold(sum_words(ip, sizeof(*ip) / 2));
}

static __always_inline void fill_v6(void* at, struct gate_address* from, struct gate_address* to) {
    struct ipv6hdr* ip = at;
    __builtin_memset(ip, 0, sizeof(*ip));
    ip->version = 6;
    ip->payload_len = bpf_htons(sizeof(struct tcphdr));
    ip->nexthdr = IPPROTO_TCP;
    ip->hop_limit = HOPS;
    __builtin_memcpy(&ip->saddr, from->bytes, 16);
    __builtin_memcpy(&ip->daddr, to->bytes, 16);
}

// What is around the packet, turned round: the tunnel's addresses and length, and that of PPPoE.
// `size`: of the inner packet.
static __always_inline int turn_tunnel(void* data, void* end, const struct segment* s, __u32 size) {
    const __u32 whole = s->network - s->outer + size;
    void* at = data + (s->outer & OFFSET_MASK);
    if (s->outer_v4) {
        struct iphdr* ip = at;
        if ((void*)(ip + 1) > end) {
            return -1;
        }
        const __be32 source = ip->saddr;
        ip->saddr = ip->daddr;
        ip->daddr = source;
        ip->tot_len = bpf_htons(whole);
        ip->frag_off = bpf_htons(0x4000);
        ip->id = 0;
        ip->ttl = HOPS;
        ip->check = 0;
        ip->check = fold(sum_words(ip, sizeof(*ip) / 2));
        return 0;
    }
    struct ipv6hdr* ip = at;
    if ((void*)(ip + 1) > end) {
        return -1;
    }
    const struct in6_addr source = ip->saddr;
    ip->saddr = ip->daddr;
    ip->daddr = source;
    ip->payload_len = bpf_htons(whole - sizeof(*ip));
    ip->hop_limit = HOPS;
    return 0;
}

static __always_inline int turn_round(void* data, void* end, const struct segment* s, __u32 size) {
    if (s->outer && turn_tunnel(data, end, s, size)) {
        return -1;
    }
    if (!s->pppoe) {
        return 0;
    }
    const __u32 packet = s->outer ? s->outer : s->network;
    struct pppoe_header* pppoe =
        data + ((packet - PPP_PROTOCOL - sizeof(struct pppoe_header)) & OFFSET_MASK);
    if ((void*)(pppoe + 1) > end) {
        return -1;
    }
    pppoe->length = bpf_htons(PPP_PROTOCOL + (s->network - packet) + size);
    return 0;
}

// Cuts the frame to `wanted` bytes, but not below what an Ethernet frame must have; what then
// follows the segment is zeroed, for it would show bytes of the packet that was refused.
static __always_inline int cut_frame(frame_context* ctx, __u32 wanted) {
    const __u32 have = frame_length(ctx);
    const __u32 keep = have >= FRAME_MIN && wanted < FRAME_MIN ? FRAME_MIN : wanted;
    if (frame_cut(ctx, keep)) {
        return -1;
    }
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    for (__u32 i = 0; i < 6; ++i) {
        __u8* byte = data + wanted + i;
        if ((void*)(byte + 1) <= end) {
            *byte = 0;
        }
    }
    return 0;
}

// No answer is right to a reset, to a segment that isn't whole, and to a frame that was not for us
// alone.
static __always_inline int answerable(void* data, void* end, const struct segment* s) {
    struct ethhdr* eth = data;
    struct tcphdr* tcp = transport_header(data, s);
    return (void*)(eth + 1) <= end && (void*)(tcp + 1) <= end && !s->fragment && !s->no_answer &&
           !tcp->rst && tcp->doff >= sizeof(*tcp) / 4 && s->transport_len >= (__u32)tcp->doff * 4 &&
           !(eth->h_dest[0] & 1);
}

static __always_inline int send_reset(
    frame_context* ctx,
    const struct segment* s,
    struct gate_address* source,
    struct gate_address* destination
) {
    if (!answerable((void*)(long)ctx->data, (void*)(long)ctx->data_end, s)) {
        return -1;
    }
    const __u32 header = s->v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
    const int deferred =
        frame_checksum_deferred(ctx, (s->transport & OFFSET_MASK) + offsetof(struct tcphdr, check));
    // What fills in the checksum later looks for the TCP header where it was.
    if (deferred < 0 || (deferred && s->transport != s->network + header)) {
        return -1;
    }
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct ethhdr* eth = data;
    struct tcphdr* tcp = transport_header(data, s);
    if ((void*)(eth + 1) > end || (void*)(tcp + 1) > end) {
        return -1;
    }
    struct tcphdr reset;
    fill_tcp(&reset, tcp, s->transport_len);
    const __u64 pseudo = sum_words(source, 8) + sum_words(destination, 8) + bpf_htons(IPPROTO_TCP) +
                         bpf_htons(sizeof(reset));
    reset.check = deferred ? ~fold(pseudo) : fold(pseudo + sum_words(&reset, sizeof(reset) / 2));

    void* ip = network_header(data, s);
    if (ip + sizeof(struct ipv6hdr) + sizeof(reset) <= end && !s->v4) {
        fill_v6(ip, destination, source);
        __builtin_memcpy(ip + sizeof(struct ipv6hdr), &reset, sizeof(reset));
    } else if (ip + sizeof(struct iphdr) + sizeof(reset) <= end && s->v4) {
        fill_v4(ip, destination, source);
        __builtin_memcpy(ip + sizeof(struct iphdr), &reset, sizeof(reset));
    } else {
        return -1;
    }
    if (turn_round(data, end, s, header + sizeof(reset))) {
        return -1;
    }
    __u8 mac[ETH_ALEN];
    __builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
    __builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
    __builtin_memcpy(eth->h_source, mac, ETH_ALEN);
    return cut_frame(ctx, (s->network & OFFSET_MASK) + header + sizeof(reset));
}

// The verdict: sent back with the frame rewritten, or dropped where there is no answer.
static __always_inline int answer_reset(
    frame_context* ctx,
    const struct segment* s,
    struct gate_address* source,
    struct gate_address* destination
) {
    if (send_reset(ctx, s, source, destination)) {
        count_stat(GATE_STAT_UNANSWERED);
        return FRAME_DROP;
    }
    count_stat(GATE_STAT_RESETS);
    return frame_send_back(ctx);
}

// From a frame to the two ends of a TCP segment on port 25. Everything else leaves by the shortest
// way. PPPoE sessions (RFC 2516) are looked into, and one tunnel of IP in IP (RFC 2003, 2473, 4213:
// DS-Lite, MAP-E, 6in4), whose inner addresses are judged.
#pragma once

#include "gate/bpf/frame.bpf.h"
#include "gate/bpf/maps.bpf.h"

#include <bpf/bpf_endian.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <stddef.h>

#define PORT_SMTP 25
#define VLAN_TAGS_MAX 2
#define PPP_IPV4 0x21
#define PPP_IPV6 0x57
#define IP_OFFSET_MASK 0x1fff
#define IP_MORE_FRAGMENTS 0x2000
#define IP6_OFFSET_MASK 0xfff8
#define IP6_MORE_FRAGMENTS 0x0001

struct vlan_tag {
    __be16 tci;
    __be16 proto;
};
struct pppoe_header {
    __u8 version_type;  // 0x11
    __u8 code;          // 0 in a session
    __be16 session;
    __be16 length;  // of what follows, the PPP protocol included
} __attribute__((packed));
struct ip6_extension {
    __u8 next;
    __u8 length;  // in 8 octets beyond the first 8; for AH in 4 octets beyond the first 8
};
struct ip6_fragment {
    __u8 next;
    __u8 reserved;
    __be16 offset;
    __be32 id;
};

struct segment {
    __u32 network;        // offset of the IP header
    __u32 outer;          // offset of the IP header of the tunnel around it; 0: no tunnel
    __u32 transport;      // offset of the TCP header
    __u32 transport_len;  // bytes of the TCP segment by the IP header's length; 0: not known
    __u8 v4;
    __u8 fragment;  // a first fragment with more to come
    __u8 outer_v4;
    __u8 pppoe;      // a PPPoE session is around it
    __u8 no_answer;  // what is around it can't be turned round as it is
    __u16 source_port;
    __u16 destination_port;
};

// Offsets that lay in memory have lost their bounds for the verifier; a mask that changes nothing
// gives them back. Beyond it nothing is judged: no frame that XDP sees is as long.
#define OFFSET_MASK 0x7fff

static __always_inline void* network_header(void* data, const struct segment* s) {
    return data + (s->network & OFFSET_MASK);
}
static __always_inline void* transport_header(void* data, const struct segment* s) {
    return data + (s->transport & OFFSET_MASK);
}

enum parsed { PARSED_OTHER, PARSED_SMTP, PARSED_INNER /* go on at s->network */ };

static __always_inline enum parsed parse_ports(void* data, void* end, struct segment* s) {
    __be16* ports = transport_header(data, s);
    if ((void*)(ports + 2) > end || s->transport > OFFSET_MASK) {
        count_stat(GATE_STAT_UNREADABLE);
        return PARSED_OTHER;
    }
    // Compared as they are on the wire: the common packet costs two comparisons here.
    if (ports[1] != bpf_htons(PORT_SMTP) && ports[0] != bpf_htons(PORT_SMTP)) {
        return PARSED_OTHER;
    }
    s->source_port = bpf_ntohs(ports[0]);
    s->destination_port = bpf_ntohs(ports[1]);
    return PARSED_SMTP;
}

// 4: IPv4 in IP, 41: IPv6 in IP.
static __always_inline int is_tunnel(__u8 next) {
    return next == IPPROTO_IPIP || next == IPPROTO_IPV6;
}

static __always_inline enum parsed enter_tunnel(struct segment* s, __u8 next, __u32 at, __u8 v4) {
    if (s->outer || at > OFFSET_MASK) {
        return PARSED_OTHER;  // a tunnel in a tunnel passes unjudged
    }
    s->outer = s->network;
    s->outer_v4 = v4;
    s->network = at;
    s->v4 = next == IPPROTO_IPIP;
    return PARSED_INNER;
}

static __always_inline enum parsed parse_v4(void* data, void* end, struct segment* s) {
    struct iphdr* ip = network_header(data, s);
    if ((void*)(ip + 1) > end || (ip->protocol != IPPROTO_TCP && !is_tunnel(ip->protocol))) {
        return PARSED_OTHER;
    }
    const __u32 header = (__u32)ip->ihl * 4;
    if (ip->version != 4 || header < sizeof(*ip)) {
        return PARSED_OTHER;  // no host takes it for IPv4 (RFC 1122 §3.2.1.1)
    }
    const __u16 offset = bpf_ntohs(ip->frag_off);
    if (ip->protocol != IPPROTO_TCP) {
        // In a first fragment of the tunnel's the inner header is whole.
        s->fragment = (offset & IP_MORE_FRAGMENTS) != 0;
        s->no_answer |= header != sizeof(*ip);
        return offset & IP_OFFSET_MASK ? PARSED_OTHER
                                       : enter_tunnel(s, ip->protocol, s->network + header, 1);
    }
    if (offset & IP_OFFSET_MASK) {
        // It carries no port. Its first fragment was judged; without that one nothing reassembles.
        count_stat(GATE_STAT_FRAGMENTS);
        return PARSED_OTHER;
    }
    const __u32 total = bpf_ntohs(ip->tot_len);
    s->fragment |= (offset & IP_MORE_FRAGMENTS) != 0;
    s->transport = s->network + header;
    s->transport_len = total > header ? total - header : 0;
    s->v4 = 1;
    return parse_ports(data, end, s);
}

static __always_inline int is_extension(__u8 next) {
    return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
           next == IPPROTO_FRAGMENT || next == IPPROTO_AH || next == IPPROTO_MH ||
           next == 139 /* HIP */ || next == 140 /* Shim6 */;
}

static __always_inline enum parsed v6_ports(
    void* data, void* end, const struct ipv6hdr* ip, __u32 at, struct segment* s
) {
    const __u32 total = (__u32)bpf_ntohs(ip->payload_len) + sizeof(*ip);
    const __u32 headers = at - (s->network & OFFSET_MASK);
    s->transport = at;
    s->transport_len = total > headers ? total - headers : 0;
    s->v4 = 0;
    return parse_ports(data, end, s);
}

// RFC 8200 §4. A chain of more than GATE_EXT_HEADERS headers passes unjudged; its answer, which
// comes from the other host without such a chain, does not. A function of its own: few packets have
// extension headers, and the verifier walks through the loop only once.
__noinline int parse_v6_chain(frame_context* ctx, struct segment* s) {
    if (!s) {
        return PARSED_OTHER;
    }
    frame_pull(ctx, FRAME_MOST);
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct ipv6hdr* ip = network_header(data, s);
    if ((void*)(ip + 1) > end) {
        return PARSED_OTHER;
    }
    __u8 next = ip->nexthdr;
    __u32 at = (s->network & OFFSET_MASK) + sizeof(*ip);
    for (int i = 0; i < GATE_EXT_HEADERS && is_extension(next); ++i) {
        struct ip6_extension* ext = data + at;
        if ((void*)(ext + 4) > end) {  // every one of them is at least 8 octets
            return PARSED_OTHER;
        }
        if (next == IPPROTO_FRAGMENT) {
            const __u16 offset = bpf_ntohs(((struct ip6_fragment*)ext)->offset);
            if (offset & IP6_OFFSET_MASK) {
                if (ext->next == IPPROTO_TCP) {
                    count_stat(GATE_STAT_FRAGMENTS);
                }
                return PARSED_OTHER;
            }
            s->fragment |= (offset & IP6_MORE_FRAGMENTS) != 0;
            at += 8;
        } else if (next == IPPROTO_AH) {
            at += ((__u32)ext->length + 2) * 4;  // RFC 4302 §2.2
        } else {
            at += ((__u32)ext->length + 1) * 8;
        }
        next = ext->next;
    }
    if (is_tunnel(next)) {
        return enter_tunnel(s, next, at, 0);
    }
    if (next != IPPROTO_TCP) {
        if (is_extension(next)) {
            count_stat(GATE_STAT_UNREADABLE);
        }
        return PARSED_OTHER;
    }
    return v6_ports(data, end, ip, at, s);
}

static __always_inline enum parsed parse_v6(frame_context* ctx, struct segment* s) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct ipv6hdr* ip = network_header(data, s);
    if ((void*)(ip + 1) > end || ip->version != 6) {
        return PARSED_OTHER;
    }
    if (ip->nexthdr == IPPROTO_TCP) {
        return v6_ports(data, end, ip, (s->network & OFFSET_MASK) + sizeof(*ip), s);
    }
    return is_extension(ip->nexthdr) || is_tunnel(ip->nexthdr) ? parse_v6_chain(ctx, s)
                                                               : PARSED_OTHER;
}

// The PPP protocol has two octets, or one where both ends agreed to compress it (RFC 1661 §6.5);
// hosts take either, so the gate does.
static __always_inline enum parsed enter_pppoe(void* data, void* end, struct segment* s) {
    struct pppoe_header* pppoe = network_header(data, s);
    __u8* protocol = (void*)(pppoe + 1);
    if ((void*)(protocol + 2) > end || pppoe->version_type != 0x11 || pppoe->code != 0) {
        return PARSED_OTHER;
    }
    const int compressed = protocol[0] & 1;
    const __u8 what = compressed ? protocol[0] : protocol[1];
    if (!compressed && protocol[0] != 0) {
        return PARSED_OTHER;
    }
    s->pppoe = 1;
    s->no_answer = compressed;
    s->network += sizeof(*pppoe) + (compressed ? 1 : 2);
    s->v4 = what == PPP_IPV4;
    return what == PPP_IPV4 || what == PPP_IPV6 ? PARSED_INNER : PARSED_OTHER;
}

static __always_inline enum parsed parse_frame(frame_context* ctx, struct segment* s) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct ethhdr* eth = data;
    if ((void*)(eth + 1) > end) {
        return PARSED_OTHER;
    }
    __be16 proto = eth->h_proto;
    s->network = sizeof(*eth);
#pragma unroll
    for (int i = 0; i < VLAN_TAGS_MAX; ++i) {
        if (i + frame_tags_taken(ctx) == VLAN_TAGS_MAX) {
            break;
        }
        if (proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD)) {
            struct vlan_tag* tag = data + s->network;
            if ((void*)(tag + 1) > end) {
                return PARSED_OTHER;
            }
            proto = tag->proto;
            s->network += sizeof(*tag);
        }
    }
    if (proto == bpf_htons(ETH_P_IP)) {
        return parse_v4(data, end, s);
    }
    if (proto == bpf_htons(ETH_P_IPV6)) {
        return parse_v6(ctx, s);
    }
    if (proto == bpf_htons(ETH_P_PPP_SES)) {
        return enter_pppoe(data, end, s);
    }
    return PARSED_OTHER;
}

// Nearly every packet is untagged, IPv4 without options or IPv6 without extension headers, and has
// nothing to do with port 25. Such a one leaves here: no look-up, no stack, each field read once,
// by offsets into the frame. 0: has to be looked at.
static __always_inline int leaves_at_once(const void* data, const void* end) {
    const __u32 ip = sizeof(struct ethhdr);
    const __u32 tcp4 = ip + sizeof(struct iphdr);
    const __u32 tcp6 = ip + sizeof(struct ipv6hdr);
    __u32 ports = 0;  // both, as they are on the wire
    if (data + tcp4 + sizeof(ports) > end) {
        return 0;
    }
    const __be16 proto = *(const __be16*)(data + offsetof(struct ethhdr, h_proto));
    const __u8 first = *(const __u8*)(data + ip);
    if (proto == bpf_htons(ETH_P_IP)) {
        const __u8 protocol = *(const __u8*)(data + ip + offsetof(struct iphdr, protocol));
        const __be16 fragment = *(const __be16*)(data + ip + offsetof(struct iphdr, frag_off));
        if (first != 0x45 || is_tunnel(protocol) || fragment & bpf_htons(IP_OFFSET_MASK)) {
            return 0;
        }
        if (protocol != IPPROTO_TCP) {
            return 1;
        }
        ports = *(const __u32*)(data + tcp4);
    } else if (proto == bpf_htons(ETH_P_IPV6) && data + tcp6 + sizeof(ports) <= end) {
        const __u8 next = *(const __u8*)(data + ip + offsetof(struct ipv6hdr, nexthdr));
        if (first >> 4 != 6 || (next != IPPROTO_TCP && next != IPPROTO_UDP)) {
            return 0;
        }
        if (next == IPPROTO_UDP) {
            return 1;
        }
        ports = *(const __u32*)(data + tcp6);
    } else {
        return 0;
    }
    return (__u16)ports != bpf_htons(PORT_SMTP) && ports >> 16 != bpf_htons(PORT_SMTP);
}

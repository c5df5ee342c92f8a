// From a frame to the two ends of a TCP segment on port 25. Everything else leaves by the shortest
// way.
#pragma once

#include "gate/bpf/maps.bpf.h"

#include <bpf/bpf_endian.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#define PORT_SMTP 25
#define VLAN_TAGS_MAX 2
#define IP_OFFSET_MASK 0x1fff
#define IP_MORE_FRAGMENTS 0x2000
#define IP6_OFFSET_MASK 0xfff8
#define IP6_MORE_FRAGMENTS 0x0001

struct vlan_tag {
    __be16 tci;
    __be16 proto;
};
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
    __u32 transport;      // offset of the TCP header
    __u32 transport_len;  // bytes of the TCP segment by the IP header's length; 0: not known
    __u8 v4;
    __u8 fragment;  // a first fragment with more to come
    __u16 source_port;
    __u16 destination_port;
};

// Offsets that lay in memory have lost their bounds for the verifier; a mask that changes nothing
// gives them back: two tags end at 22, eight extension headers below 17,000.
#define NETWORK_MASK 0x3f
#define TRANSPORT_MASK 0x7fff

static __always_inline void* network_header(void* data, const struct segment* s) {
    return data + (s->network & NETWORK_MASK);
}
static __always_inline void* transport_header(void* data, const struct segment* s) {
    return data + (s->transport & TRANSPORT_MASK);
}

enum parsed { PARSED_OTHER, PARSED_SMTP };

static __always_inline enum parsed parse_ports(void* data, void* end, struct segment* s) {
    __be16* ports = transport_header(data, s);
    if ((void*)(ports + 2) > end) {
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

static __always_inline enum parsed parse_v4(void* data, void* end, struct segment* s) {
    struct iphdr* ip = network_header(data, s);
    if ((void*)(ip + 1) > end || ip->protocol != IPPROTO_TCP) {
        return PARSED_OTHER;
    }
    const __u32 header = (__u32)ip->ihl * 4;
    if (ip->version != 4 || header < sizeof(*ip)) {
        return PARSED_OTHER;  // no host takes it for IPv4 (RFC 1122 §3.2.1.1)
    }
    const __u16 offset = bpf_ntohs(ip->frag_off);
    if (offset & IP_OFFSET_MASK) {
        // It carries no port. Its first fragment was judged; without that one nothing reassembles.
        count_stat(GATE_STAT_FRAGMENTS);
        return PARSED_OTHER;
    }
    const __u32 total = bpf_ntohs(ip->tot_len);
    s->fragment = (offset & IP_MORE_FRAGMENTS) != 0;
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

// RFC 8200 §4. A chain of more than GATE_EXT_HEADERS headers passes unjudged; its answer, which
// comes from the other host without such a chain, does not.
static __always_inline enum parsed parse_v6(void* data, void* end, struct segment* s) {
    struct ipv6hdr* ip = network_header(data, s);
    if ((void*)(ip + 1) > end || ip->version != 6) {
        return PARSED_OTHER;
    }
    __u8 next = ip->nexthdr;
    __u32 at = s->network + sizeof(*ip);
    if (next != IPPROTO_TCP) {
        if (!is_extension(next)) {
            return PARSED_OTHER;
        }
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
        if (next != IPPROTO_TCP) {
            if (is_extension(next)) {
                count_stat(GATE_STAT_UNREADABLE);
            }
            return PARSED_OTHER;
        }
    }
    const __u32 total = (__u32)bpf_ntohs(ip->payload_len) + sizeof(*ip);
    const __u32 headers = at - s->network;
    s->transport = at;
    s->transport_len = total > headers ? total - headers : 0;
    s->v4 = 0;
    return parse_ports(data, end, s);
}

static __always_inline enum parsed parse_frame(void* data, void* end, struct segment* s) {
    struct ethhdr* eth = data;
    if ((void*)(eth + 1) > end) {
        return PARSED_OTHER;
    }
    __be16 proto = eth->h_proto;
    s->network = sizeof(*eth);
#pragma unroll
    for (int i = 0; i < VLAN_TAGS_MAX; ++i) {
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
        return parse_v6(data, end, s);
    }
    return PARSED_OTHER;
}

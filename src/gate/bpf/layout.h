// What the XDP program and the engine in user space both read: the image of a policy, the events
// and the counters. One declaration for both; restricted C that is also C++. Numbers are in the
// host's byte order unless a field says otherwise.
//
// A policy is ONE array map, its image: chunks of 64 KiB that a single outer slot points to. A
// packet takes the pointer once, so it is judged wholly by the old policy or wholly by the new one.
//
//   chunk 0                 header at 0, cells at GATE_CELLS (class x class), rates at GATE_LIMITS
//   GATE_V4_BASE            per IPv4 /17 the number of its first block
//   GATE_V4_FLAT            per IPv4 /24 one byte: its class, or GATE_V4_BLOCK | index of its block
//                           counted from the base of its /17
//   header.v4_blocks        blocks of 256 classes, one for each /24 that is not of one class
//   header.v6_nodes         IPv6 search trees: nodes of 5 keys in one cache line, child j of node k
//                           is 6k + 1 + j
//   header.v6_trees         those of too many nodes for a reference to say
//   header.v6_directories   where many boundaries are near each other: entry (address - base) >>
//   header.v6_entries       shift of a directory refers to the rest of the way
//
// An IPv6 address is looked up by its high 64 bits, from header.v6_root on: by directories, then by
// a tree. A /64 that is not of one class refers to one more tree, over the low 64 bits.
#pragma once

#include <linux/types.h>

#define GATE_MAGIC 0x53474154u /* "SGAT" */
#define GATE_VERSION 5u

#define GATE_CHUNK_BITS 16
#define GATE_CHUNK_SIZE (1u << GATE_CHUNK_BITS)

#define GATE_CLASSES 64u
#define GATE_CELLS 16384u  /* byte offset in chunk 0: 64 x 64 cells of 8 bytes */
#define GATE_LIMITS 49152u /* byte offset in chunk 0, up to its end */
#define GATE_LIMITS_MAX 1024u

#define GATE_V4_BASE (1ull << GATE_CHUNK_BITS)          /* 2^15.. entries of 4 bytes */
#define GATE_V4_BASE_SIZE (131072ull * 4)               /* one for each /17 */
#define GATE_V4_FLAT (GATE_V4_BASE + GATE_V4_BASE_SIZE) /* 2^24 bytes */
#define GATE_V4_END (GATE_V4_FLAT + (1ull << 24))       /* first free chunk */
#define GATE_V4_BLOCK 0x80u

#define GATE_NODE_KEYS 5u
#define GATE_TREE_LEVELS 10     /* 6^0 + ... + 6^9 nodes: over 60 million keys */
#define GATE_DIRECTORY_LEVELS 3 /* directories in directories */

/* A reference: a class, or where to go on. Kind in the two high bits. */
#define GATE_REF_SHIFT 30
#define GATE_REF_INDEX 0x3fffffffu
#define GATE_REF_TREE_NODES 24 /* GATE_REF_TREE: nodes in 6 bits from here, the first below */
enum gate_ref {
    GATE_REF_CLASS,
    GATE_REF_TREE,
    GATE_REF_BIG_TREE,  /* index of a gate_tree */
    GATE_REF_DIRECTORY, /* index of a gate_directory */
};

#define GATE_SLOTS 8192u       /* counters; slot 0 counts what no rule names */
#define GATE_CLIENT_SLOTS 256u /* counters of client classes: those of three policies */
#define GATE_EXT_HEADERS 8
#define GATE_EVENTS_PER_SECOND 8u
#define GATE_SOURCES 65536u
#define GATE_NEW_SOURCES_MIN 4096u /* a second, by each processor */
#define GATE_AGES_BITS 18u         /* one byte each: 256 KiB, which a processor's cache holds */
#define GATE_AGE_SHIFT 6u          /* steps of 64 s */
#define GATE_AGE_MOST 3u           /* steps for which a source counts as remembered */
#define GATE_RING_SIZE (1u << 20)
#define GATE_GENERATIONS 2u
#define GATE_OVERRIDES 65536u /* of one generation */
#define GATE_OVERRIDE_LENGTHS 34

enum gate_action {
    GATE_ACTION_PASS = 0,
    GATE_ACTION_REFUSE = 1,
    GATE_ACTION_DROP = 2,
    GATE_ACTION_LIMIT = 3,  /* new connections beyond a rate are refused; the rest passes */
    GATE_ACTION_ANSWER = 4, /* passes to the responder of this machine, to which other tables lead
                               it: what can't get there is refused; answers are dropped */
};
enum gate_cell_flag {
    GATE_CELL_WOULD_BLOCK = 1, /* passes now, but is reported as what would be blocked; with
                                  GATE_ACTION_LIMIT: what is beyond the rate */
};
enum gate_direction {
    GATE_TO_PORT25 = 0,
    GATE_FROM_PORT25 = 1,
};

struct gate_cell {
    __u16 slot; /* counter of the rule */
    __u8 action;
    __u8 flags;
    __u16 limit;  /* which of the rates, for GATE_ACTION_LIMIT */
    __u16 client; /* counter of the client's class */
};

/* A rate as GCRA takes it: one connection each `interval_ns`, `tolerance_ns` ahead at most. */
struct gate_limit {
    __u64 interval_ns;
    __u64 tolerance_ns;
};

/* values[i] holds from keys[i - 1] up to keys[i]; references. */
struct gate_node {
    __u64 keys[GATE_NODE_KEYS];
    __u32 values[GATE_NODE_KEYS + 1];
};
struct gate_tree {
    __u32 first; /* node */
    __u32 nodes;
};
struct gate_directory {
    __u64 base;  /* of the high 64 bits */
    __u32 below; /* reference for what is below `base`, */
    __u32 above; /* and behind the last entry */
    __u32 first; /* entry */
    __u32 entries;
    __u32 shift; /* 0 to 63 */
    __u32 pad;
};

struct gate_header {
    __u32 magic;
    __u32 version;
    __u64 v4_blocks; /* byte offsets in the image, each the start of a chunk */
    __u64 v6_nodes;
    __u64 v6_trees;
    __u64 v6_directories;
    __u64 v6_entries;
    __u64 zero;       /* is 0, which the verifier doesn't know: see tree_find() */
    __u32 v6_root;    /* reference */
    __u32 generation; /* which overrides go with it: their classes are this policy's */
};

/* An override: a prefix that is of another class for a time. They are changed one by one while the
   policy is in force; a new policy brings a generation of its own. */
struct gate_override_key {
    __u64 high; /* of the address as a number; IPv4 all in it */
    __u64 low;
    __u16 generation;
    __u8 length;
    __u8 v4;
    __u32 pad;
};
struct gate_override {
    __u64 until_ns;    /* CLOCK_MONOTONIC; 0: no end */
    __u64 connections; /* that the prefix opened to port 25 */
    __u32 class_id;
    __u32 pad;
};
/* Which lengths are in use, from the longest on. IPv4: bit k is /(32 - k); IPv6: bit 0 is /128, bit
   k is /(65 - k). */
struct gate_override_lengths {
    __u64 v4;
    __u64 v6;
};

struct gate_new_sources {
    __u64 second; /* CLOCK_MONOTONIC */
    __u32 taken;  /* in it */
    __u32 most;
};

struct gate_count {
    __u64 packets;
    __u64 bytes; /* of frames, as received */
};

enum gate_stat {
    GATE_STAT_FRAGMENTS,   /* non-first fragments of TCP passed unjudged: they carry no port */
    GATE_STAT_UNREADABLE,  /* TCP by its IP header, but cut before the ports, or too many headers */
    GATE_STAT_RESETS,      /* RST segments sent */
    GATE_STAT_UNANSWERED,  /* refused without a RST: an RST itself, a fragment, a cut header */
    GATE_STAT_EVENTS,      /* events handed to user space */
    GATE_STAT_EVENTS_HELD, /* packets not reported each, but in the count of a later event */
    GATE_STAT_RING_FULL,   /* packets that found the ring full: in the count of a later event too */
    GATE_STAT_EVENTS_LOST, /* packets that no event reports: no room for another source, or too
                              many new ones in a second */
    GATE_STAT_OVER_LIMIT,  /* new connections beyond the rate of their rule */
    GATE_STAT_NO_POLICY,   /* packets of port 25 passed because no policy was loaded */
    GATE_STATS
};

struct gate_address {
    __u8 bytes[16]; /* network order; IPv4 in the first four */
};

struct gate_event {
    __u64 at_ns;    /* CLOCK_MONOTONIC */
    __u64 first_ns; /* of the first packet that it stands for; at_ns is of the last */
    struct gate_address source;
    struct gate_address destination;
    __u32 ifindex;
    __u32 count; /* packets that it stands for: of one source, rule, verdict and direction */
    __u16 source_port;
    __u16 destination_port;
    __u16 slot;
    __u8 action; /* what happened to the packet */
    __u8 flags;  /* of the cell */
    __u8 direction;
    __u8 v4;
    __u8 pad[6];
};

// From the two addresses to a cell of the policy in force.
#pragma once

#include "gate/bpf/parse.bpf.h"

// A pointer into the image. `align` is the size of what is read there: offsets are multiples of it,
// and the mask lets the verifier see that the read stays inside the chunk.
static __always_inline void* image_at(void* image, __u64 offset, __u64 align) {
    __u32 chunk = offset >> GATE_CHUNK_BITS;
    void* base = bpf_map_lookup_elem(image, &chunk);
    return base ? base + (offset & (GATE_CHUNK_SIZE - align)) : 0;
}

static __always_inline __u32
class_of_v4(void* image, const struct gate_header* header, __u32 address) {
    const __u8* flat = image_at(image, GATE_V4_FLAT + (address >> 8), 1);
    if (!flat) {
        return 0;
    }
    const __u32 entry = *flat;
    if (!(entry & GATE_V4_BLOCK)) {
        return entry;
    }
    const __u32* base = image_at(image, GATE_V4_BASE + ((__u64)(address >> 15) << 2), 4);
    if (!base) {
        return 0;
    }
    const __u64 block = (__u64)*base + (entry & (GATE_V4_BLOCK - 1));
    const __u8* leaf = image_at(image, header->v4_blocks + (block << 8) + (address & 0xff), 1);
    return leaf ? *leaf : 0;
}

// 1 if a < b, without a branch: addresses are random, so a branch would be predicted wrongly, and
// the verifier follows one path instead of two for every key.
static __always_inline __u64 below(__u64 a, __u64 b) {
    return ((~a & b) | ((~a | b) & (a - b))) >> 63;
}

struct search {
    void* image;
    __u64 keys;  // byte offset of the keys of the tree's first node
    __u64 wanted;
    __u64 nodes;
    __u64 node;
    __u64 best;  // index of a key, counted from the first of the tree
};

// One level down; 1 ends the loop.
static long search_step(__u32 level, struct search* s) {
    if (s->node >= s->nodes) {
        return 1;
    }
    const __u64* keys = image_at(s->image, s->keys + (s->node << 6), 64);
    if (!keys) {
        return 1;
    }
    __u64 above = 0;
#pragma unroll
    for (int i = 0; i < (int)GATE_NODE_KEYS; ++i) {
        above += below(s->wanted, keys[i]);
    }
    const __u64 kept = GATE_NODE_KEYS - above;
    if (kept) {  // nearer than what the levels above found
        s->best = (s->node << 3) + kept - 1;
    }
    s->node = s->node * (GATE_NODE_KEYS + 1) + kept + 1;
    return 0;
}

// The value of the greatest key that is not above `wanted`. The first key of every tree is 0. A
// helper's loop (Linux 5.17) instead of one of C: its body is verified by itself, not once for each
// way through the four searches a packet can need. The zero that the verifier can't know keeps the
// ranges of `node` and `best` the same from level to level, so that it sees the loop converge.
static __always_inline __u32
tree_find(void* image, const struct gate_header* header, struct gate_tree tree, __u64 wanted) {
    struct search s = {
        .image = image,
        .keys = header->v6_keys + ((__u64)tree.first << 6),
        .wanted = wanted,
        .nodes = tree.nodes,
        .node = header->zero,
        .best = header->zero,
    };
    bpf_loop(GATE_TREE_LEVELS, search_step, &s, 0);
    const __u64 index = ((__u64)tree.first << 3) + s.best;
    const __u32* value = image_at(image, header->v6_values + (index << 2), 4);
    return value ? *value : 0;
}

static __always_inline __u64 read_be64(const __u8* bytes) {
    __u64 value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return bpf_be64_to_cpu(value);
}

static __always_inline __u32
class_of_v6(void* image, const struct gate_header* header, const struct gate_address* address) {
    const __u64 high = read_be64(address->bytes);
    const __u64 low = read_be64(address->bytes + 8);
    // ::ffff:a.b.c.d stands for the IPv4 address, as everywhere in the policy.
    if (high == 0 && low >> 32 == 0xffff) {
        return class_of_v4(image, header, (__u32)low);
    }
    struct gate_tree tree = header->v6_root;
    if (tree.nodes == 0) {
        return 0;
    }
    __u32 value = tree_find(image, header, tree, high);
    if (value & GATE_VALUE_TREE) {
        const __u64 index = value & ~GATE_VALUE_TREE;
        const struct gate_tree* inner = image_at(image, header->v6_trees + (index << 3), 8);
        if (!inner) {
            return 0;
        }
        tree = *inner;
        value = tree_find(image, header, tree, low);
    }
    return value;
}

static __always_inline __u32 class_of(
    void* image, const struct gate_header* header, const struct gate_address* address, __u8 v4
) {
    if (!v4) {
        return class_of_v6(image, header, address);
    }
    __u32 number;
    __builtin_memcpy(&number, address->bytes, sizeof(number));
    return class_of_v4(image, header, bpf_ntohl(number));
}

static __always_inline struct gate_cell cell_of(
    const struct gate_header* header, __u32 client, __u32 server
) {
    const __u32 index =
        ((client & (GATE_CLASSES - 1)) * GATE_CLASSES) + (server & (GATE_CLASSES - 1));
    const struct gate_cell* cells = (const void*)header + GATE_CELLS;
    return cells[index];
}

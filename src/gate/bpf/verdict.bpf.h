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

static __always_inline __u32 ref_kind(__u32 ref) {
    return ref >> GATE_REF_SHIFT;
}
static __always_inline int is_tree(__u32 ref) {
    return ref_kind(ref) == GATE_REF_TREE || ref_kind(ref) == GATE_REF_BIG_TREE;
}

struct search {
    void* image;
    __u64 tree;  // byte offset of its first node
    __u64 wanted;
    __u64 nodes;
    __u64 node;
    __u64 value;  // the last node's that was seen
};

// One level down, one cache line; 1 ends the loop.
static long search_step(__u32 level, struct search* s) {
    const struct gate_node* node =
        image_at(s->image, s->tree + s->node * sizeof(struct gate_node), sizeof(struct gate_node));
    if (!node) {
        return 1;
    }
    __u64 kept = GATE_NODE_KEYS;
#pragma unroll
    for (int i = 0; i < (int)GATE_NODE_KEYS; ++i) {
        kept -= below(s->wanted, node->keys[i]);
    }
    if (kept > GATE_NODE_KEYS) {
        return 1;  // never; for the verifier
    }
    s->value = node->values[kept];
    s->node = s->node * (GATE_NODE_KEYS + 1) + kept + 1;
    return s->node >= s->nodes;
}

// What holds at `wanted` by the tree. A helper's loop (Linux 5.17) instead of one of C: its body is
// verified by itself, not once for each way through the searches a packet can need. The zero that
// the verifier can't know keeps the ranges of `node` and `value` the same from level to level, so
// that it sees the loop converge.
static __always_inline __u32
tree_find(void* image, const struct gate_header* header, __u32 ref, __u64 wanted) {
    struct gate_tree tree = {
        .first = ref & ((1u << GATE_REF_TREE_NODES) - 1),
        .nodes = (ref & GATE_REF_INDEX) >> GATE_REF_TREE_NODES,
    };
    if (ref_kind(ref) == GATE_REF_BIG_TREE) {
        const __u64 index = ref & GATE_REF_INDEX;
        const struct gate_tree* big =
            image_at(image, header->v6_trees + index * sizeof(tree), sizeof(tree));
        if (!big) {
            return 0;
        }
        tree = *big;
    }
    struct search s = {
        .image = image,
        .tree = header->v6_nodes + tree.first * (__u64)sizeof(struct gate_node),
        .wanted = wanted,
        .nodes = tree.nodes,
        .node = header->zero,
        .value = header->zero,
    };
    if (!search_step(0, &s)) {  // most trees are one node
        bpf_loop(GATE_TREE_LEVELS - 1, search_step, &s, 0);
    }
    return s.value;
}

static __always_inline __u32
directory_find(void* image, const struct gate_header* header, __u32 ref, __u64 wanted) {
    const __u64 index = ref & GATE_REF_INDEX;
    const struct gate_directory* directory =
        image_at(image, header->v6_directories + index * sizeof(*directory), sizeof(*directory));
    if (!directory) {
        return 0;
    }
    if (wanted < directory->base) {
        return directory->below;
    }
    const __u64 entry = (wanted - directory->base) >> (directory->shift & 63);
    if (entry >= directory->entries) {
        return directory->above;
    }
    const __u32* next = image_at(
        image, header->v6_entries + (directory->first + entry) * sizeof(*next), sizeof(*next)
    );
    return next ? *next : 0;
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
    __u32 ref = header->v6_root;
#pragma unroll
    for (int i = 0; i < GATE_DIRECTORY_LEVELS; ++i) {
        if (ref_kind(ref) == GATE_REF_DIRECTORY) {
            ref = directory_find(image, header, ref, high);
        }
    }
    if (is_tree(ref)) {
        ref = tree_find(image, header, ref, high);
    }
    return is_tree(ref) ? tree_find(image, header, ref, low) : ref;
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

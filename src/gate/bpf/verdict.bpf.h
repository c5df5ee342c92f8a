// From the two addresses to a cell of the policy in force.
#pragma once

#include "gate/bpf/parse.bpf.h"

// A pointer into the image. `align` is the size of what is read there: offsets are multiples of it, and
// the mask lets the verifier see that the read stays inside the chunk.
static __always_inline void *image_at(void *image, __u64 offset, __u64 align) {
    __u32 chunk = offset >> GATE_CHUNK_BITS;
    void *base = bpf_map_lookup_elem(image, &chunk);
    return base ? base + (offset & (GATE_CHUNK_SIZE - align)) : 0;
}

static __always_inline __u32 class_of_v4(void *image, const struct gate_header *header, __u32 address) {
    const __u8 *flat = image_at(image, GATE_V4_FLAT + (address >> 8), 1);
    if (!flat) {
        return 0;
    }
    const __u32 entry = *flat;
    if (!(entry & GATE_V4_BLOCK)) {
        return entry;
    }
    const __u32 *base = image_at(image, GATE_V4_BASE + ((__u64)(address >> 15) << 2), 4);
    if (!base) {
        return 0;
    }
    const __u64 block = (__u64)*base + (entry & (GATE_V4_BLOCK - 1));
    const __u8 *leaf = image_at(image, header->v4_blocks + (block << 8) + (address & 0xff), 1);
    return leaf ? *leaf : 0;
}

// 1 if a < b, without a branch: the verifier then follows one path instead of two for every key.
static __always_inline __u64 below(__u64 a, __u64 b) {
    return ((~a & b) | ((~a | b) & (a - b))) >> 63;
}

// The value of the greatest key that is not above `wanted`. The first key of every tree is 0.
static __noinline __u32 tree_find(
    void *image, const struct gate_header *header, struct gate_tree *tree, __u64 wanted
) {
    const __u32 first = tree->first;
    const __u32 nodes = tree->nodes;
    __u64 node = 0;
    __u64 best = 0;
    for (int level = 0; level < GATE_TREE_LEVELS; ++level) {
        if (node >= nodes) {
            break;
        }
        const __u64 *keys = image_at(image, header->v6_keys + ((first + node) << 6), 64);
        if (!keys) {
            return 0;
        }
        __u64 above = 0;
#pragma unroll
        for (int i = 0; i < (int)GATE_NODE_KEYS; ++i) {
            above += below(wanted, keys[i]);
        }
        const __u64 kept = GATE_NODE_KEYS - above;
        if (kept) {
            best = ((first + node) << 3) + kept - 1;
        }
        node = node * (GATE_NODE_KEYS + 1) + kept + 1;
    }
    const __u32 *value = image_at(image, header->v6_values + (best << 2), 4);
    return value ? *value : 0;
}

static __always_inline __u64 read_be64(const __u8 *bytes) {
    __u64 value;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return bpf_be64_to_cpu(value);
}

static __always_inline __u32 class_of_v6(
    void *image, const struct gate_header *header, const struct gate_address *address
) {
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
    __u32 value = tree_find(image, header, &tree, high);
    if (value & GATE_VALUE_TREE) {
        const __u64 index = value & ~GATE_VALUE_TREE;
        const struct gate_tree *inner = image_at(image, header->v6_trees + (index << 3), 8);
        if (!inner) {
            return 0;
        }
        tree = *inner;
        value = tree_find(image, header, &tree, low);
    }
    return value;
}

static __always_inline __u32 class_of(
    void *image, const struct gate_header *header, const struct gate_address *address, __u8 v4
) {
    if (!v4) {
        return class_of_v6(image, header, address);
    }
    __u32 number;
    __builtin_memcpy(&number, address->bytes, sizeof(number));
    return class_of_v4(image, header, bpf_ntohl(number));
}

static __always_inline struct gate_cell cell_of(
    const struct gate_header *header, __u32 client, __u32 server
) {
    const __u32 index = ((client & (GATE_CLASSES - 1)) * GATE_CLASSES) + (server & (GATE_CLASSES - 1));
    const struct gate_cell *cells = (const void *)header + GATE_CELLS;
    return cells[index];
}

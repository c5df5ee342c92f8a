// A 4-ary heap of small nodes in which each node can be moved and removed by its handle: adding,
// moving and removing are O(log n), looking at the first is O(1). Several heaps may share one list
// of places as long as no handle is in two of them at once.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sekisho::queue {

// `Node` has `handle` and `before(other)`, a strict order. `Nodes` is the list they are kept in.
template <class Node, class Nodes = std::vector<Node>>
class Heap {
  public:
    using Handle = std::uint32_t;
    using Places = std::vector<std::uint32_t>;  // by handle
    static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

    [[nodiscard]] bool empty() const { return nodes_.empty(); }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] const Node& top() const { return nodes_.front(); }

    // Puts the node in, or moves it when its handle is in.
    void put(Places& places, const Node& node) {
        SEKISHO_ASSERT(node.handle != kNowhere);
        if (node.handle >= places.size()) {
            places.resize(std::size_t{node.handle} + 1, kNowhere);
        }
        const std::uint32_t at = places[node.handle];
        if (at == kNowhere) {
            nodes_.push_back(node);
            up(places, nodes_.size() - 1, node);
        } else if (node.before(nodes_[at])) {
            up(places, at, node);
        } else {
            down(places, at, node);
        }
    }

    // The handle is in this heap.
    void remove(Places& places, Handle handle) {
        const std::size_t at = places[handle];
        SEKISHO_ASSERT(at < nodes_.size() && nodes_[at].handle == handle);
        places[handle] = kNowhere;
        const Node last = nodes_.back();
        nodes_.pop_back();
        if (nodes_.size() * 4 < nodes_.capacity() && nodes_.capacity() > kKept) {
            nodes_.shrink_to_fit();
        }
        if (at == nodes_.size()) {
            return;
        }
        // The last one takes the freed place and may belong further up or further down.
        if (at > 0 && last.before(nodes_[(at - 1) / kChildren])) {
            up(places, at, last);
        } else {
            down(places, at, last);
        }
    }

  private:
    static constexpr std::size_t kChildren = 4;
    static constexpr std::size_t kKept = 64;

    void set(Places& places, std::size_t at, const Node& node) {
        nodes_[at] = node;
        places[node.handle] = static_cast<std::uint32_t>(at);
    }

    void up(Places& places, std::size_t at, const Node& node) {
        while (at > 0) {
            const std::size_t parent = (at - 1) / kChildren;
            if (!node.before(nodes_[parent])) {
                break;
            }
            set(places, at, nodes_[parent]);
            at = parent;
        }
        set(places, at, node);
    }

    void down(Places& places, std::size_t at, const Node& node) {
        for (;;) {
            const std::size_t first = at * kChildren + 1;
            if (first >= nodes_.size()) {
                break;
            }
            std::size_t least = first;
            const std::size_t last = std::min(first + kChildren, nodes_.size());
            for (std::size_t child = first + 1; child < last; ++child) {
                if (nodes_[child].before(nodes_[least])) {
                    least = child;
                }
            }
            if (!nodes_[least].before(node)) {
                break;
            }
            set(places, at, nodes_[least]);
            at = least;
        }
        set(places, at, node);
    }

    Nodes nodes_;
};

}  // namespace sekisho::queue

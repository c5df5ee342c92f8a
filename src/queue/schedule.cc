#include "queue/schedule.h"

#include "base/assert.h"
#include "base/time.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sekisho::queue {
namespace {
constexpr std::size_t kChildren = 4;
}

void Schedule::set(std::size_t at, const Node& node) {
    heap_[at] = node;
    place_[node.handle] = static_cast<std::uint32_t>(at);
}

void Schedule::up(std::size_t at, const Node& node) {
    while (at > 0) {
        const std::size_t parent = (at - 1) / kChildren;
        if (!node.before(heap_[parent])) {
            break;
        }
        set(at, heap_[parent]);
        at = parent;
    }
    set(at, node);
}

void Schedule::down(std::size_t at, const Node& node) {
    for (;;) {
        const std::size_t first = at * kChildren + 1;
        if (first >= heap_.size()) {
            break;
        }
        std::size_t least = first;
        const std::size_t last = std::min(first + kChildren, heap_.size());
        for (std::size_t child = first + 1; child < last; ++child) {
            if (heap_[child].before(heap_[least])) {
                least = child;
            }
        }
        if (!heap_[least].before(node)) {
            break;
        }
        set(at, heap_[least]);
        at = least;
    }
    set(at, node);
}

void Schedule::put(Handle handle, Time due, std::uint64_t tie) {
    SEKISHO_ASSERT(handle != kNowhere);
    if (handle >= place_.size()) {
        place_.resize(std::size_t{handle} + 1, kNowhere);
    }
    const Node node{.due_ms = to_ms(due), .tie = tie, .handle = handle};
    if (place_[handle] == kNowhere) {
        heap_.push_back(node);
        up(heap_.size() - 1, node);
        return;
    }
    const std::size_t at = place_[handle];
    if (node.before(heap_[at])) {
        up(at, node);
    } else {
        down(at, node);
    }
}

void Schedule::remove(Handle handle) {
    if (!contains(handle)) {
        return;
    }
    const std::size_t at = place_[handle];
    place_[handle] = kNowhere;
    const Node last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) {
        return;
    }
    // The last one takes the freed place and may belong further up or further down.
    if (at > 0 && last.before(heap_[(at - 1) / kChildren])) {
        up(at, last);
    } else {
        down(at, last);
    }
}

std::optional<Schedule::Top> Schedule::top() const {
    if (heap_.empty()) {
        return std::nullopt;
    }
    return Top{.handle = heap_.front().handle, .due = from_ms(heap_.front().due_ms)};
}

}  // namespace sekisho::queue

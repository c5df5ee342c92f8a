// Which message is due next: a 4-ary heap over small handles, with each handle's place kept, so
// that adding, moving and removing are O(log n) and looking is O(1). 28 bytes a message.
#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sekisho::queue {

class Schedule {
  public:
    using Handle = std::uint32_t;
    struct Top {
        Handle handle = 0;
        Time due{};
    };

    // Puts the handle in, or moves it when it is in. Equal times keep the order of `tie`.
    void put(Handle handle, Time due, std::uint64_t tie);
    void remove(Handle handle);  // nothing when it isn't in
    [[nodiscard]] bool contains(Handle handle) const {
        return handle < place_.size() && place_[handle] != kNowhere;
    }
    [[nodiscard]] std::optional<Top> top() const;
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

  private:
    struct Node {
        std::int64_t due_ms = 0;
        std::uint64_t tie = 0;
        Handle handle = 0;
        [[nodiscard]] bool before(const Node& other) const {
            return due_ms != other.due_ms ? due_ms < other.due_ms : tie < other.tie;
        }
    };
    static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

    void set(std::size_t at, const Node& node);
    void up(std::size_t at, const Node& node);
    void down(std::size_t at, const Node& node);

    std::vector<Node> heap_;
    std::vector<std::uint32_t> place_;  // by handle
};

}  // namespace sekisho::queue

// Which message is next: fair between owners (accounts) and grades, and within one owner's grade
// (a flow) by due time. Start-time fair queueing on two levels, so that an owner's first message is
// next, or nearly, however many others wait: each grade has a virtual clock, each flow begins its
// next message at the end of its last one, or just before the clock when that is over; the least
// begins. The grades share by kGradeShares in the same way.
//
// One flow may not fill the places in delivery either: it gets as many as are still free, so one
// alone takes half of them, two a third each, and a new one always finds some.
//
// Putting, moving, removing and taking are O(log n). 20 bytes a message and about 90 a flow.
#pragma once

#include "base/time.h"
#include "queue/chunks.h"
#include "queue/heap.h"
#include "queue/lane.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sekisho::queue {

// Messages in delivery at once. Most only wait for a connection; their bytes aren't in memory then.
inline constexpr std::uint32_t kInDeliveryMax = 10'000;

class Schedule {
  public:
    using Handle = std::uint32_t;  // of a message
    using FlowId = std::uint32_t;

    explicit Schedule(std::uint32_t in_delivery_max = kInDeliveryMax)
        : in_delivery_max_(in_delivery_max) {}

    // A message comes into the queue, and leaves it. `fresh`: it wasn't tried yet.
    [[nodiscard]] FlowId join(const Lane& lane, bool fresh);
    void part(FlowId flow, bool fresh);
    void tried(FlowId flow);  // one that was fresh
    [[nodiscard]] Grade grade(FlowId flow) const { return flows_[flow].grade; }

    // Puts the message in, or moves it when it is in. Equal times keep the order of `tie`.
    void put(FlowId flow, Handle handle, Time due, std::uint64_t tie);
    void remove(FlowId flow, Handle handle);  // nothing when it isn't in
    [[nodiscard]] bool contains(Handle handle) const {
        return handle < places_.size() && places_[handle] != Messages::kNowhere;
    }
    [[nodiscard]] std::size_t size() const { return size_; }

    // The message to be taken now, still in the schedule; then take() it.
    [[nodiscard]] std::optional<Handle> next(Time now);
    void take(FlowId flow, Handle handle, std::uint16_t cost);
    void finished(FlowId flow);  // of one that was taken: it needs its place no longer

    // When next() could give something that it doesn't give yet. A time of the past while there is
    // something to take.
    [[nodiscard]] std::optional<Time> next_due() const;

  private:
    struct MessageNode {
        std::int64_t due_ms = 0;
        std::uint32_t tie = 0;
        Handle handle = 0;
        [[nodiscard]] bool before(const MessageNode& other) const {
            return due_ms != other.due_ms ? due_ms < other.due_ms : tie < other.tie;
        }
    };
    struct FlowNode {
        std::int64_t key = 0;
        FlowId handle = 0;
        [[nodiscard]] bool before(const FlowNode& other) const {
            return key != other.key ? key < other.key : handle < other.handle;
        }
    };
    using Messages = Heap<MessageNode, FewOf<MessageNode>>;
    using Flows = Heap<FlowNode>;
    enum class State : std::uint8_t {
        Empty,
        Sleeping,  // in sleeping_, by the due time of its first
        Ready,     // in its grade's ready, by its virtual start
        Blocked,   // in blocked_, in order of coming: it has its share in delivery
    };
    struct Flow {
        std::uint64_t owner = 0;
        Messages messages;
        std::int64_t finish = 0;  // virtual end of its last message
        std::uint32_t members = 0, fresh = 0, in_delivery = 0;
        Grade grade = Grade::Interactive;
        State state = State::Empty;
    };
    struct Class {
        Flows ready;
        std::int64_t clock = 0;              // virtual start of its last message
        std::int64_t start = 0, finish = 0;  // its own, on the grades' clock
    };
    static constexpr FlowId kNone = HandleTable::kNone;

    [[nodiscard]] static std::uint64_t hash(std::uint64_t owner, Grade grade);
    [[nodiscard]] FlowId find(std::uint64_t owner, Grade grade) const;
    // Messages of the owner that weren't tried yet, of all grades.
    [[nodiscard]] std::uint32_t backlog(std::uint64_t owner) const;
    [[nodiscard]] FlowId make_flow(std::uint64_t owner, Grade grade);
    [[nodiscard]] Flows* heap_of(const Flow& flow);
    void detach(FlowId id);
    void attach(FlowId id);  // Sleeping or Empty
    void make_ready(FlowId id);
    void block(FlowId id);
    [[nodiscard]] std::optional<std::size_t> choose() const;

    std::uint32_t in_delivery_max_;
    std::uint32_t in_delivery_ = 0;
    std::size_t size_ = 0;
    Messages::Places places_;
    Flows::Places flow_places_;
    Chunks<Flow> flows_;
    std::vector<FlowId> free_;
    HandleTable table_;  // by owner and grade
    Flows sleeping_, blocked_;
    std::int64_t blocked_count_ = 0;
    std::array<Class, kGrades> classes_;
    std::int64_t clock_ = 0;
};

}  // namespace sekisho::queue

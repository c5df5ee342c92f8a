#include "queue/schedule.h"

#include "base/assert.h"
#include "base/time.h"
#include "queue/lane.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sekisho::queue {
namespace {

// Virtual time for a cost of 1 at a share of 1; a multiple of every share.
constexpr std::int64_t kUnit = 64;

constexpr std::size_t index(Grade grade) {
    return static_cast<std::size_t>(grade);
}

}  // namespace

std::uint64_t Schedule::hash(std::uint64_t owner, Grade grade) {
    return owner ^ (static_cast<std::uint64_t>(grade) << 56U);
}

Schedule::FlowId Schedule::find(std::uint64_t owner, Grade grade) const {
    return table_.find(hash(owner, grade), [&](FlowId id) {
        return flows_[id].owner == owner && flows_[id].grade == grade;
    });
}

std::uint32_t Schedule::backlog(std::uint64_t owner) const {
    std::uint32_t fresh = 0;
    for (std::size_t i = 0; i < kGrades; ++i) {
        const FlowId id = find(owner, static_cast<Grade>(i));
        fresh += id == kNone ? 0 : flows_[id].fresh;
    }
    return fresh;
}

Schedule::FlowId Schedule::make_flow(std::uint64_t owner, Grade grade) {
    FlowId id = 0;
    if (free_.empty()) {
        id = static_cast<FlowId>(flows_.size());
        SEKISHO_ASSERT(id != kNone);
        flows_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    flows_[id].owner = owner;
    flows_[id].grade = grade;
    table_.insert(hash(owner, grade), id, [&](FlowId one) {
        return hash(flows_[one].owner, flows_[one].grade);
    });
    return id;
}

Schedule::FlowId Schedule::join(const Lane& lane, bool fresh) {
    Grade grade = Grade::Interactive;
    if (lane.grade) {
        grade = *lane.grade;
    } else if (backlog(lane.owner) >= kBulkBacklog) {
        grade = Grade::Bulk;
    }
    FlowId id = find(lane.owner, grade);
    if (id == kNone) {
        id = make_flow(lane.owner, grade);
    }
    flows_[id].fresh += fresh ? 1 : 0;
    ++flows_[id].members;
    return id;
}

void Schedule::tried(FlowId flow) {
    --flows_[flow].fresh;
}

void Schedule::part(FlowId id, bool fresh) {
    Flow& flow = flows_[id];
    if (fresh) {
        tried(id);
    }
    if (--flow.members > 0) {
        return;
    }
    SEKISHO_ASSERT(flow.messages.empty() && flow.in_delivery == 0);
    table_.erase(hash(flow.owner, flow.grade), id, [&](FlowId one) {
        return hash(flows_[one].owner, flows_[one].grade);
    });
    flow = Flow{};
    free_.push_back(id);
}

Schedule::Flows* Schedule::heap_of(const Flow& flow) {
    switch (flow.state) {
        case State::Sleeping:
            return &sleeping_;
        case State::Ready:
            return &classes_[index(flow.grade)].ready;
        case State::Blocked:
            return &blocked_;
        case State::Empty:
            break;
    }
    return nullptr;
}

void Schedule::detach(FlowId id) {
    if (Flows* heap = heap_of(flows_[id])) {
        heap->remove(flow_places_, id);
    }
    flows_[id].state = State::Empty;
}

void Schedule::attach(FlowId id) {
    Flow& flow = flows_[id];
    SEKISHO_ASSERT(flow.state == State::Empty);
    if (!flow.messages.empty()) {
        flow.state = State::Sleeping;
        sleeping_.put(flow_places_, {.key = flow.messages.top().due_ms, .handle = id});
    }
}

void Schedule::make_ready(FlowId id) {
    detach(id);
    Flow& flow = flows_[id];
    Class& grade = classes_[index(flow.grade)];
    if (grade.ready.empty()) {
        grade.start = std::max(clock_, grade.finish);
    }
    flow.state = State::Ready;
    // Who has had nothing for a while comes before all who are in the middle of their backlog.
    const std::int64_t start = flow.finish > grade.clock ? flow.finish : grade.clock - 1;
    grade.ready.put(flow_places_, {.key = start, .handle = id});
}

void Schedule::block(FlowId id) {
    detach(id);
    flows_[id].state = State::Blocked;
    blocked_.put(flow_places_, {.key = ++blocked_count_, .handle = id});
}

void Schedule::put(FlowId id, Handle handle, Time due, std::uint64_t tie) {
    Flow& flow = flows_[id];
    size_ += contains(handle) ? 0 : 1;
    flow.messages.put(
        places_, {.due_ms = to_ms(due), .tie = static_cast<std::uint32_t>(tie), .handle = handle}
    );
    if (flow.state == State::Empty) {
        attach(id);
    } else if (flow.state == State::Sleeping) {
        sleeping_.put(flow_places_, {.key = flow.messages.top().due_ms, .handle = id});
    }
}

void Schedule::remove(FlowId id, Handle handle) {
    if (!contains(handle)) {
        return;
    }
    Flow& flow = flows_[id];
    flow.messages.remove(places_, handle);
    --size_;
    if (flow.messages.empty()) {
        detach(id);
    } else if (flow.state == State::Sleeping) {
        sleeping_.put(flow_places_, {.key = flow.messages.top().due_ms, .handle = id});
    }
}

std::optional<std::size_t> Schedule::choose() const {
    std::optional<std::size_t> chosen;
    for (std::size_t i = 0; i < classes_.size(); ++i) {
        if (!classes_[i].ready.empty() &&
            (!chosen || classes_[i].start < classes_[*chosen].start)) {
            chosen = i;
        }
    }
    return chosen;
}

std::optional<Schedule::Handle> Schedule::next(Time now) {
    const std::int64_t now_ms = to_ms(now);
    while (!sleeping_.empty() && sleeping_.top().key <= now_ms) {
        make_ready(sleeping_.top().handle);
    }
    if (in_delivery_ >= in_delivery_max_) {
        return std::nullopt;
    }
    while (const std::optional<std::size_t> grade = choose()) {
        const FlowId id = classes_[*grade].ready.top().handle;
        const Flow& flow = flows_[id];
        if (flow.messages.top().due_ms > now_ms) {  // its first was put off or taken out meanwhile
            detach(id);
            attach(id);
        } else if (flow.in_delivery >= in_delivery_max_ - in_delivery_) {
            block(id);
        } else {
            return flow.messages.top().handle;
        }
    }
    return std::nullopt;
}

void Schedule::take(FlowId id, Handle handle, std::uint16_t cost) {
    Flow& flow = flows_[id];
    Class& grade = classes_[index(flow.grade)];
    SEKISHO_ASSERT(flow.state == State::Ready && grade.ready.top().handle == id);
    const std::int64_t work = std::int64_t{cost} * kUnit;
    grade.clock = std::max(grade.clock, grade.ready.top().key);
    flow.finish = grade.clock + work;
    clock_ = grade.start;
    grade.start = grade.finish = clock_ + work / kGradeShares[index(flow.grade)];
    detach(id);
    flow.messages.remove(places_, handle);
    --size_;
    ++flow.in_delivery;
    ++in_delivery_;
    attach(id);
}

void Schedule::finished(FlowId id) {
    Flow& flow = flows_[id];
    SEKISHO_ASSERT(flow.in_delivery > 0 && in_delivery_ > 0);
    --flow.in_delivery;
    --in_delivery_;
    // Everyone's share has grown. Its own flow and the one that waits longest look again; the
    // others at the next place that becomes free, and all of them when none is left to become so.
    if (flow.state == State::Blocked) {
        detach(id);
        attach(id);
    }
    do {
        if (blocked_.empty()) {
            break;
        }
        const FlowId longest = blocked_.top().handle;
        detach(longest);
        attach(longest);
    } while (in_delivery_ == 0);
}

std::optional<Time> Schedule::next_due() const {
    std::optional<Time> soonest;
    const auto consider = [&](std::int64_t ms) {
        if (!soonest || from_ms(ms) < *soonest) {
            soonest = from_ms(ms);
        }
    };
    if (in_delivery_ >= in_delivery_max_) {
        return soonest;  // finished() is what changes that
    }
    if (!sleeping_.empty()) {
        consider(sleeping_.top().key);
    }
    for (const Class& grade : classes_) {
        if (!grade.ready.empty()) {
            consider(flows_[grade.ready.top().handle].messages.top().due_ms);
        }
    }
    return soonest;
}

}  // namespace sekisho::queue

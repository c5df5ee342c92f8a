#include "queue/index.h"

#include "base/assert.h"
#include "base/time.h"
#include "queue/chunks.h"
#include "queue/queue_id.h"
#include "queue/record.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sekisho::queue {
namespace {

bool in_delivery(Place place) {
    return place == Place::InDelivery || place == Place::Finishing;
}

void add(std::uint64_t& value, std::int64_t by) {
    value += static_cast<std::uint64_t>(by);
}

}  // namespace

std::optional<Index::Handle> Index::handle(MessageNumber number) const {
    const Handle found =
        table_.find(number, [&](Handle one) { return slots_[one].number == number; });
    return found == HandleTable::kNone ? std::nullopt : std::optional(found);
}

Index::Handle Index::create(MessageNumber number) {
    Handle created = 0;
    if (free_.empty()) {
        created = static_cast<Handle>(slots_.size());
        SEKISHO_ASSERT(created != HandleTable::kNone);
        slots_.emplace_back();
    } else {
        created = free_.back();
        free_.pop_back();
    }
    slots_[created] = Slot{.number = number};
    table_.insert(number, created, [&](Handle one) { return slots_[one].number; });
    return created;
}

void Index::count(const Slot& slot, std::int64_t by) {
    add(counts_.queued, by);
    add(counts_.scheduled, slot.place == Place::Scheduled ? by : 0);
    add(counts_.in_delivery, slot.place == Place::InDelivery ? by : 0);
    add(counts_.finishing, slot.place == Place::Finishing ? by : 0);
    add(counts_.held, slot.held ? by : 0);
    add(counts_.damaged, slot.damaged ? by : 0);
}

void Index::count_live(const Slot& slot, std::int64_t by) {
    Live& live = live_[slot.body.ordinal];
    const std::int64_t bytes = by * static_cast<std::int64_t>(slot.bytes());
    add(live.count, by);
    add(live.bytes, bytes);
    add(counts_.live_bytes, bytes);
    if (live.count == 0) {
        live_.erase(slot.body.ordinal);
    }
}

void Index::place(Handle handle, Place place) {
    Slot& slot = slots_[handle];
    if (in_delivery(slot.place) && !in_delivery(place)) {
        schedule_.finished(slot.flow);
    }
    if (place == Place::Scheduled) {
        schedule_.put(slot.flow, handle, slot.due(), slot.number);
    } else {
        schedule_.remove(slot.flow, handle);
    }
    count(slot, -1);
    slot.place = place;
    count(slot, 1);
}

void Index::set_attempts(Slot& slot, int attempts) {
    if (slot.attempts == 0 && attempts > 0) {
        schedule_.tried(slot.flow);
    }
    slot.attempts = static_cast<std::uint32_t>(attempts);
}

void Index::settle(Handle handle) {
    const Slot& slot = slots_[handle];
    place(handle, slot.held || slot.damaged ? Place::Waiting : Place::Scheduled);
}

void Index::message(const MessageRecord& record) {
    const std::optional<Handle> old = handle(record.number);
    const Handle at = old ? *old : create(record.number);
    Slot& slot = slots_[at];
    if (old) {
        count_live(slot, -1);
        count(slot, -1);
        set_attempts(slot, record.attempts);
    } else {
        slot.flow = schedule_.join(record.lane, record.attempts == 0);
        slot.grade = schedule_.grade(slot.flow);
        slot.cost = record.lane.cost;
        slot.attempts = static_cast<std::uint32_t>(record.attempts);
    }
    const Place place = slot.place;
    slot.body = record.at;
    slot.outcome = slot.hold = {};
    slot.size = static_cast<std::uint32_t>(record.size / kRecordAlign);
    slot.due_ms = to_ms(record.due);
    slot.expires_ms = to_ms(record.expires);
    slot.held = record.held;
    count_live(slot, 1);
    count(slot, 1);
    // A message that is carried while it is in delivery stays there.
    if (!old || place == Place::Scheduled || place == Place::Waiting) {
        settle(at);
    }
}

bool Index::outcome(MessageNumber number, Location at, Time due, int attempts) {
    const std::optional<Handle> found = handle(number);
    if (!found) {
        return false;
    }
    Slot& slot = slots_[*found];
    slot.outcome = at;
    slot.due_ms = to_ms(due);
    set_attempts(slot, attempts);
    settle(*found);
    return true;
}

bool Index::hold(MessageNumber number, Location at) {
    const std::optional<Handle> found = handle(number);
    if (!found) {
        return false;
    }
    Slot& slot = slots_[*found];
    count(slot, -1);
    slot.held = true;
    slot.hold = at;
    count(slot, 1);
    if (slot.place == Place::Scheduled) {
        settle(*found);
    }
    return true;
}

bool Index::release(MessageNumber number, Time due) {
    const std::optional<Handle> found = handle(number);
    if (!found) {
        return false;
    }
    Slot& slot = slots_[*found];
    count(slot, -1);
    slot.held = false;
    slot.hold = {};
    slot.due_ms = to_ms(due);
    count(slot, 1);
    if (slot.place == Place::Waiting || slot.place == Place::Scheduled) {
        settle(*found);
    }
    return true;
}

bool Index::retry(MessageNumber number, Time due) {
    const std::optional<Handle> found = handle(number);
    if (!found) {
        return false;
    }
    slots_[*found].due_ms = to_ms(due);
    if (slots_[*found].place == Place::Scheduled) {
        settle(*found);
    }
    return true;
}

bool Index::remove(MessageNumber number) {
    const std::optional<Handle> found = handle(number);
    if (!found) {
        return false;
    }
    Slot& slot = slots_[*found];
    schedule_.remove(slot.flow, *found);
    if (in_delivery(slot.place)) {
        schedule_.finished(slot.flow);
    }
    schedule_.part(slot.flow, slot.attempts == 0);
    count(slot, -1);
    count_live(slot, -1);
    table_.erase(number, *found, [&](Handle one) { return slots_[one].number; });
    slot = Slot{};
    free_.push_back(*found);
    return true;
}

void Index::mark_damaged(MessageNumber number) {
    const std::optional<Handle> found = handle(number);
    if (!found) {
        return;
    }
    count(slots_[*found], -1);
    slots_[*found].damaged = true;
    count(slots_[*found], 1);
    if (!in_delivery(slots_[*found].place)) {
        settle(*found);
    }
}

const Index::Slot* Index::find(MessageNumber number) const {
    const std::optional<Handle> found = handle(number);
    return found ? &slots_[*found] : nullptr;
}

std::optional<Index::Slot> Index::take_due(Time now) {
    const std::optional<Handle> next = schedule_.next(now);
    if (!next) {
        return std::nullopt;
    }
    Slot& slot = slots_[*next];
    schedule_.take(slot.flow, *next, slot.cost);
    place(*next, Place::InDelivery);
    return slot;
}

std::optional<Time> Index::next_due() const {
    return schedule_.next_due();
}

void Index::finishing(MessageNumber number) {
    const std::optional<Handle> found = handle(number);
    SEKISHO_ASSERT(found && slots_[*found].place == Place::InDelivery);
    place(*found, Place::Finishing);
}

Index::Live Index::live(std::uint32_t ordinal) const {
    const auto found = live_.find(ordinal);
    return found == live_.end() ? Live{} : found->second;
}

void Index::give_back(MessageNumber number, Time due) {
    const std::optional<Handle> found = handle(number);
    if (found && slots_[*found].place == Place::InDelivery) {
        slots_[*found].due_ms = to_ms(due);
        settle(*found);
    }
}

template <class Keep>
std::vector<const Index::Slot*> Index::slots_that(const Keep& keep) const {
    std::vector<const Slot*> kept;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Slot& slot = slots_[i];
        if (slot.number != 0 && keep(slot)) {
            kept.push_back(&slot);
        }
    }
    return kept;
}

namespace {

std::vector<MessageNumber> numbers_of(const std::vector<const Index::Slot*>& slots) {
    std::vector<MessageNumber> numbers;
    numbers.reserve(slots.size());
    for (const Index::Slot* slot : slots) {
        numbers.push_back(slot->number);
    }
    return numbers;
}

}  // namespace

std::vector<MessageNumber> Index::after(MessageNumber last) const {
    return numbers_of(slots_that([&](const Slot& slot) { return slot.number > last; }));
}

std::vector<MessageNumber> Index::before(std::uint32_t ordinal) const {
    if (live_.empty() || live_.begin()->first >= ordinal) {
        return {};
    }
    return numbers_of(slots_that([&](const Slot& slot) { return slot.body.ordinal < ordinal; }));
}

std::vector<MessageNumber> Index::in_segment(std::uint32_t ordinal) const {
    auto inside = slots_that([&](const Slot& slot) { return slot.body.ordinal == ordinal; });
    std::sort(inside.begin(), inside.end(), [](const Slot* a, const Slot* b) {
        return a->body.block < b->body.block;
    });
    return numbers_of(inside);
}

}  // namespace sekisho::queue

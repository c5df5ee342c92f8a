#include "queue/index.h"

#include "base/assert.h"
#include "base/time.h"
#include "queue/queue_id.h"
#include "queue/record.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

namespace sekisho::queue {
namespace {

constexpr std::uint32_t kEmpty = ~std::uint32_t{0};
constexpr std::size_t kTableMin = 64;

bool in_delivery(Place place) {
    return place == Place::InDelivery || place == Place::Finishing;
}

void add(std::uint64_t& value, std::int64_t by) {
    value += static_cast<std::uint64_t>(by);
}

}  // namespace

std::size_t Index::bucket(MessageNumber number) const {
    // Numbers are runs of consecutive values: the multiplication spreads them over the table.
    return static_cast<std::size_t>((number * 0x9e37'79b9'7f4a'7c15ULL) >> 20U) &
           (table_.size() - 1);
}

std::optional<Index::Handle> Index::handle(MessageNumber number) const {
    if (table_.empty()) {
        return std::nullopt;
    }
    for (std::size_t at = bucket(number); table_[at] != kEmpty;
         at = (at + 1) & (table_.size() - 1)) {
        if (slots_[table_[at]].number == number) {
            return table_[at];
        }
    }
    return std::nullopt;
}

void Index::grow() {
    std::vector<Handle> old(std::max(kTableMin, table_.size() * 2), kEmpty);
    old.swap(table_);
    for (const Handle moved : old) {
        if (moved == kEmpty) {
            continue;
        }
        std::size_t at = bucket(slots_[moved].number);
        while (table_[at] != kEmpty) {
            at = (at + 1) & (table_.size() - 1);
        }
        table_[at] = moved;
    }
}

Index::Handle Index::create(MessageNumber number) {
    if ((used_ + 1) * 4 > table_.size() * 3) {
        grow();
    }
    Handle created = 0;
    if (free_.empty()) {
        created = static_cast<Handle>(slots_.size());
        SEKISHO_ASSERT(created != kEmpty);
        slots_.emplace_back();
    } else {
        created = free_.back();
        free_.pop_back();
    }
    slots_[created] = Slot{.number = number};
    std::size_t at = bucket(number);
    while (table_[at] != kEmpty) {
        at = (at + 1) & (table_.size() - 1);
    }
    table_[at] = created;
    ++used_;
    return created;
}

void Index::forget(MessageNumber number) {
    const std::size_t mask = table_.size() - 1;
    std::size_t hole = bucket(number);
    while (slots_[table_[hole]].number != number) {
        hole = (hole + 1) & mask;
    }
    // Those after the hole that a search would no longer reach move into it.
    for (std::size_t at = (hole + 1) & mask; table_[at] != kEmpty; at = (at + 1) & mask) {
        const std::size_t home = bucket(slots_[table_[at]].number);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table_[hole] = table_[at];
            hole = at;
        }
    }
    table_[hole] = kEmpty;
    --used_;
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
    forget(number);
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

std::vector<MessageNumber> Index::after(MessageNumber last) const {
    std::vector<MessageNumber> numbers;
    numbers.reserve(used_);
    for (const Slot& slot : slots_) {
        if (slot.number > last) {
            numbers.push_back(slot.number);
        }
    }
    return numbers;
}

std::vector<MessageNumber> Index::before(std::uint32_t ordinal) const {
    std::vector<MessageNumber> numbers;
    if (live_.empty() || live_.begin()->first >= ordinal) {
        return numbers;
    }
    for (const Slot& slot : slots_) {
        if (slot.number != 0 && slot.body.ordinal < ordinal) {
            numbers.push_back(slot.number);
        }
    }
    return numbers;
}

std::vector<MessageNumber> Index::in_segment(std::uint32_t ordinal) const {
    std::vector<Slot> inside;
    inside.reserve(live(ordinal).count);
    std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(inside), [&](const Slot& slot) {
        return slot.number != 0 && slot.body.ordinal == ordinal;
    });
    std::sort(inside.begin(), inside.end(), [](const Slot& a, const Slot& b) {
        return a.body.block < b.body.block;
    });
    std::vector<MessageNumber> numbers;
    numbers.reserve(inside.size());
    for (const Slot& slot : inside) {
        numbers.push_back(slot.number);
    }
    return numbers;
}

}  // namespace sekisho::queue

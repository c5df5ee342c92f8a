// Giving space back: finished segments are trimmed from the old end; when too much of the log is
// finished messages, those still queued in the oldest segment are carried to the newest.
//
// Carried records come first in their batch, composed from the index as it is between two commits:
// every state record after them in the log is also newer than they are.
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/record.h"
#include "store/segment_set.h"
#include "store/spool_log.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

// What one commit carries at most, so that nobody's 250 waits long for it.
constexpr std::uint64_t kCarryBytes = 1U << 20U;
constexpr std::size_t kCarryCount = 128;
constexpr std::chrono::minutes kUncarriableWait{1};

}  // namespace

std::uint64_t SpoolLog::garbage() const {
    const std::uint64_t used =
        sealed_bytes_ + (current_ ? current_->end - queue::kSegmentDataStart : 0);
    const std::uint64_t live = index_.counts().live_bytes;
    return used > live ? used - live : 0;
}

// With the lock. Whether plan_upkeep() would find something to do.
bool SpoolLog::upkeep_wanted() const {
    if (oldest_ == 0 || (current_ && oldest_ >= current_->ordinal) || stopping_) {
        return false;
    }
    const bool compacting = oldest_ < compact_until_;
    const queue::Index::Live head = index_.live(oldest_);
    if (head.count == 0) {
        return current_ != nullptr || compacting;
    }
    const bool carriable = oldest_ != uncarriable_ || Clock::now() >= uncarriable_until_;
    return (carriable && compacting) ||
           (carriable && garbage() > std::max(
                                         options_.garbage_segments_max * options_.segment_size,
                                         index_.counts().live_bytes
                                     ));
}

// With the lock. The end of the segments that compacting gives up: the last one of which an eighth
// or more is garbage; those after it would be written again for next to nothing.
std::uint32_t SpoolLog::compactable() const {
    constexpr std::uint64_t kWorth = 8;
    std::uint32_t until = 0;
    std::size_t given_up = 0;
    for (const auto& segment : segments_->all()) {
        const std::uint64_t used = segment->end - queue::kSegmentDataStart;
        const std::uint64_t live = index_.live(segment->ordinal).bytes;
        if (segment == current_ || segment->ordinal < oldest_) {
            continue;
        }
        ++given_up;
        if ((used - live) * kWorth >= used) {
            until = segment->ordinal + 1;
        }
    }
    // Where none is written to, one is begun to say so: one for one gives nothing back.
    return current_ || given_up > 1 ? until : 0;
}

// With the lock.
queue::Compaction SpoolLog::compaction(std::uint32_t until) const {
    queue::Compaction plan;
    std::uint64_t files = 0;
    for (const auto& segment : segments_->all()) {
        if (segment->ordinal < oldest_ || segment->ordinal >= until) {
            continue;
        }
        const queue::Index::Live live = index_.live(segment->ordinal);
        ++plan.segments;
        plan.messages += live.count;
        plan.bytes += live.bytes;
        files += segment->file->size();
    }
    const std::uint64_t takes =
        plan.bytes + (current_ || plan.segments == 0 ? 0 : options_.segment_size);
    plan.frees = files > takes ? files - takes : 0;
    plan.running = oldest_ < compact_until_;
    return plan;
}

queue::Compaction SpoolLog::compact(bool begin) {
    queue::Compaction plan;
    {
        const std::scoped_lock lock(mutex_);
        if (begin) {
            compact_until_ = std::max(compact_until_, compactable());
        }
        plan = compaction(oldest_ < compact_until_ ? compact_until_ : compactable());
    }
    work_.notify_one();
    return plan;
}

void SpoolLog::plan_upkeep(Batch& batch) {
    std::uint32_t oldest = 0;
    bool finished = false;
    {
        const std::scoped_lock lock(mutex_);
        if (!upkeep_wanted() || trouble_) {
            return;
        }
        oldest = oldest_;
        const std::uint32_t end = current_ ? current_->ordinal : compact_until_;
        while (oldest < end && index_.live(oldest).count == 0) {
            ++oldest;
        }
        finished = oldest != oldest_;
    }
    if (!finished) {
        carry(oldest, batch);
        return;
    }
    queue::TrimMeta meta{.oldest = oldest};
    {
        const std::scoped_lock lock(mutex_);
        meta.last_message = last_message_;
    }
    Pending trim = make_pending(Role::Upkeep, queue::RecordType::Trim, 0, encode(meta));
    // Only once it is durable that nobody will read them may the files be written over.
    trim.done = [this, oldest](const Status& written) {
        if (!written) {
            return;
        }
        {
            const std::scoped_lock lock(mutex_);
            for (const auto& segment : segments_->all()) {
                if (segment->ordinal < oldest) {
                    sealed_bytes_ -= segment->end - queue::kSegmentDataStart;
                }
            }
            oldest_ = oldest;
        }
        segments_->trim(oldest);
    };
    batch.push_back(std::move(trim));
}

// A Message record that says the whole truth so far; with `route` it is sent there from now on.
Result<SpoolLog::Pending> SpoolLog::copy_of(
    const queue::Index::Slot& slot, const std::optional<std::string>& route, Time due
) {
    Result<queue::Entry> entry = read_entry(slot);
    if (!entry) {
        return fail(entry.error());
    }
    Result<Pending> record = read_record(slot.body, slot.number);
    if (!record) {
        return record;
    }
    queue::MessageMeta meta{
        .envelope = std::move(entry->envelope),
        .due = route ? due : slot.due(),
        .expires = slot.expires(),
        .attempts = static_cast<int>(slot.attempts),
        .held = slot.held,
        .hold_reason = std::move(entry->hold_reason),
        .delay_told = entry->delay_told,
    };
    meta.envelope.route = route.value_or(meta.envelope.route);
    Pending copy =
        make_pending(Role::Upkeep, queue::RecordType::Message, slot.number, encode(meta));
    copy.header.body_length = record->header.body_length;
    // Not computed anew: a body that has gone bad must not become good by being copied.
    copy.header.body_crc = record->header.body_crc;
    copy.body = std::move(record->body);
    copy.due = meta.due;
    copy.expires = meta.expires;
    copy.attempts = meta.attempts;
    copy.held = meta.held;
    copy.lane = lane_of(meta.envelope);
    return copy;
}

// Orders to send messages elsewhere become records here, between two commits, and come before
// everything else in the batch: what the others say is newer.
void SpoolLog::compose_reroutes(Batch& batch) {
    Batch first;
    Batch rest;
    for (Pending& order : batch) {
        if (!order.reroute) {
            rest.push_back(std::move(order));
            continue;
        }
        const queue::MessageNumber number = order.header.message;
        std::optional<queue::Index::Slot> slot;
        {
            const std::scoped_lock lock(mutex_);
            const queue::Index::Slot* found = index_.find(number);
            slot = found != nullptr ? std::optional(*found) : std::nullopt;
        }
        Result<Pending> record = slot ? copy_of(*slot, order.reroute, order.due)
                                      : not_found(queue::format_queue_id(number));
        if (!record) {
            order.done(fail(record.error()));
            continue;
        }
        record->role = Role::Command;
        record->done = std::move(order.done);
        first.push_back(std::move(*record));
    }
    std::move(rest.begin(), rest.end(), std::back_inserter(first));
    batch = std::move(first);
}

void SpoolLog::carry(std::uint32_t ordinal, Batch& batch) {
    if (carrying_ != ordinal) {
        const std::scoped_lock lock(mutex_);
        carrying_ = ordinal;
        to_carry_ = index_.in_segment(ordinal);
        std::reverse(to_carry_.begin(), to_carry_.end());
    }
    Batch carried;
    std::uint64_t bytes = 0;
    while (!to_carry_.empty() && bytes < kCarryBytes && carried.size() < kCarryCount) {
        const queue::MessageNumber number = to_carry_.back();
        to_carry_.pop_back();
        std::optional<queue::Index::Slot> slot;
        {
            const std::scoped_lock lock(mutex_);
            const queue::Index::Slot* found = index_.find(number);
            slot = found != nullptr ? std::optional(*found) : std::nullopt;
        }
        if (!slot || slot->body.ordinal != ordinal) {
            continue;
        }
        Result<Pending> copy = copy_of(*slot);
        if (!copy) {
            log::warning(
                "SPOOL_CARRY_FAILED",
                "a segment is kept because a message in it can't be read",
                {{"queue_id", queue::format_queue_id(number)}, {"error", copy.error().message}}
            );
            const std::scoped_lock lock(mutex_);
            uncarriable_ = ordinal;
            uncarriable_until_ = Clock::now() + kUncarriableWait;
            carrying_ = 0;  // its list is made again
            break;
        }
        bytes += copy->meta.size() + copy->body.size();
        carried.push_back(std::move(*copy));
    }
    if (to_carry_.empty()) {
        carrying_ = 0;  // should one have failed to be written, the list is made again
    }
    std::move(batch.begin(), batch.end(), std::back_inserter(carried));
    batch = std::move(carried);
}

}  // namespace sekisho::store

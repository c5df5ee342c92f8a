#include "store/spool_log.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "store/segment_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using queue::Index;
using queue::MessageNumber;
using queue::RecipientState;
using queue::RecordType;

// As long as a reply line may be with continuation lines folded in; what a peer sends can be
// longer.
constexpr std::size_t kReplyMax = 2000;
constexpr std::uint64_t kAtOnceMax = 256 * 1024;  // a fraction of a millisecond

// After a read error of the disk, until the message is tried again.
constexpr Duration kUnreadableWait{60'000};

std::uint64_t random_number() {
    std::uint64_t number = 0;
    const std::string bytes = random_bytes(sizeof number);
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

// Every recipient after the try: those that were tried as the outcome says, the others as before.
queue::OutcomeMeta merge(const queue::Envelope& before, const queue::Outcome& outcome) {
    queue::OutcomeMeta meta;
    meta.recipients.reserve(before.recipients.size());
    for (const queue::Recipient& recipient : before.recipients) {
        meta.recipients.push_back({.state = recipient.state, .reply = recipient.last_reply});
    }
    for (const auto& tried : outcome.recipients) {
        for (std::size_t i = 0; i < before.recipients.size(); ++i) {
            // A finished recipient stays finished.
            if (before.recipients[i].address == tried.address &&
                before.recipients[i].state == RecipientState::Pending) {
                meta.recipients[i] = {
                    .state = tried.state, .reply = tried.reply.substr(0, kReplyMax)
                };
            }
        }
    }
    return meta;
}

}  // namespace

std::unexpected<Error> SpoolLog::not_found(std::string_view queue_id) {
    return fail(Errc::NotFound, fmt::format("no message {} in the queue", printable(queue_id, 40)));
}

SpoolLog::Pending SpoolLog::make_pending(
    Role role, RecordType type, MessageNumber number, std::string meta
) {
    Pending pending;
    pending.role = role;
    pending.header.type = type;
    pending.header.message = number;
    pending.header.meta_length = static_cast<std::uint32_t>(meta.size());
    pending.header.meta_crc = crc32c(meta);
    pending.meta = std::move(meta);
    return pending;
}

void SpoolLog::push(Pending pending, std::unique_lock<std::mutex>& lock) {
    SEKISHO_ASSERT(lock.owns_lock());
    const bool urgent = patient_ && pending.role != Role::Finish;
    incoming_.push_back(std::move(pending));
    if (wanted_ != 0 && (urgent || incoming_.size() >= wanted_)) {
        wanted_ = 0;
        patient_ = false;
        work_.notify_one();
    }
}

std::string SpoolLog::reserve_id() {
    const std::scoped_lock lock(mutex_);
    last_message_ = queue::next_message_number(last_message_, options_.clock());
    return queue::format_queue_id(last_message_);
}

void SpoolLog::append(queue::Envelope envelope, std::string message, Committed done) {
    MessageNumber number = 0;
    const bool given = !envelope.queue_id.empty();
    if (given) {
        const auto parsed = queue::parse_queue_id(envelope.queue_id);
        if (!parsed) {
            done(fail(Errc::Invalid, "not a queue id: " + printable(envelope.queue_id, 40)));
            return;
        }
        number = *parsed;
    }
    queue::MessageMeta meta;
    if (envelope.accepted == Time{}) {
        envelope.accepted = options_.clock();
    }
    envelope.size = message.size();
    meta.due = std::max(
        {envelope.accepted,
         envelope.release.value_or(envelope.accepted),
         envelope.not_before.value_or(envelope.accepted)}
    );
    meta.expires = meta.due + retry_.expire;
    if (const auto& by = envelope.deliver_by; by && by->mode == queue::DeliverBy::Mode::Return) {
        meta.expires = std::min(meta.expires, by->deadline);
    }
    meta.envelope = std::move(envelope);
    const queue::Lane lane = lane_of(meta.envelope);
    std::string encoded = encode(meta);
    if (message.size() > queue::kBodyLengthMax || encoded.size() > queue::kMetaLengthMax) {
        done(fail(Errc::Invalid, "the message is larger than a record can be"));
        return;
    }
    Pending pending = make_pending(Role::Append, RecordType::Message, 0, std::move(encoded));
    pending.header.body_length = static_cast<std::uint32_t>(message.size());
    pending.header.body_crc = crc32c(message);
    pending.body = std::move(message);
    pending.due = meta.due;
    pending.expires = meta.expires;
    pending.lane = lane;

    std::unique_lock lock(mutex_);
    if (stopping_) {
        lock.unlock();
        done(fail(Errc::Cancelled, "the spool is closing"));
        return;
    }
    if (!given) {
        number = queue::next_message_number(last_message_, options_.clock());
    } else if (index_.find(number) != nullptr || !given_.insert(number).second) {
        lock.unlock();
        done(fail(Errc::Conflict, "queue id in use: " + queue::format_queue_id(number)));
        return;
    }
    last_message_ = std::max(last_message_, number);
    pending.header.message = number;
    pending.done = [this, number, given, done = std::move(done)](const Status& status) {
        if (given) {
            const std::scoped_lock inner(mutex_);
            given_.erase(number);
        }
        done(status ? Result<std::string>(queue::format_queue_id(number)) : fail(status.error()));
    };
    push(std::move(pending), lock);
}

std::optional<queue::Entry> SpoolLog::take_due(Time now) {
    for (;;) {
        std::optional<Index::Slot> slot;
        {
            const std::scoped_lock lock(mutex_);
            slot = stopping_ ? std::nullopt : index_.take_due(now);
        }
        if (!slot) {
            return std::nullopt;
        }
        // Between the two locks the message may be carried to another segment or dropped.
        Result<queue::Entry> entry = read_entry(*slot);
        const std::scoped_lock lock(mutex_);
        const Index::Slot* current = index_.find(slot->number);
        if (current == nullptr) {
            continue;
        }
        if (!entry && current->body != slot->body) {
            const Index::Slot again = *current;
            entry = read_entry(again);
        }
        if (!entry && entry.error().code == Errc::Corrupt) {
            log::error(
                "SPOOL_DAMAGED",
                "a queued message can't be read; it is held",
                {{"queue_id", queue::format_queue_id(slot->number)},
                 {"error", entry.error().message}}
            );
            index_.mark_damaged(slot->number);
            index_.give_back(slot->number, now);
            continue;
        }
        if (!entry) {
            index_.give_back(slot->number, now + kUnreadableWait);
            continue;
        }
        in_delivery_[slot->number] = entry->envelope;
        return std::move(*entry);
    }
}

std::optional<Time> SpoolLog::next_due() {
    const std::scoped_lock lock(mutex_);
    return index_.next_due();
}

void SpoolLog::on_wake(std::function<void()> wake) {
    const std::scoped_lock lock(mutex_);
    if (!wake) {
        wakes_.reset();
        return;
    }
    auto all = wakes_ ? std::make_shared<std::vector<std::function<void()>>>(*wakes_)
                      : std::make_shared<std::vector<std::function<void()>>>();
    all->push_back(std::move(wake));
    wakes_ = std::move(all);
}

std::optional<std::string> SpoolLog::message_at_once(std::string_view queue_id) {
    const auto number = queue::parse_queue_id(queue_id);
    queue::Location at;
    {
        const std::scoped_lock lock(mutex_);
        const Index::Slot* slot = number ? index_.find(*number) : nullptr;
        if (slot == nullptr) {
            return std::nullopt;
        }
        at = slot->body;
    }
    Result<Pending> record = read_record(at, *number, kAtOnceMax);
    if (!record || crc32c(record->body) != record->header.body_crc) {
        return std::nullopt;
    }
    return std::move(record->body);
}

Result<std::string> SpoolLog::message(std::string_view queue_id) {
    const auto number = queue::parse_queue_id(queue_id);
    queue::Location at;
    for (int tries = 0; number && tries < 3; ++tries) {
        {
            const std::scoped_lock lock(mutex_);
            const Index::Slot* slot = index_.find(*number);
            if (slot == nullptr) {
                break;
            }
            at = slot->body;
        }
        Result<Pending> record = read_record(at, *number);
        if (record && crc32c(record->body) == record->header.body_crc) {
            return std::move(record->body);
        }
        const std::scoped_lock lock(mutex_);
        const Index::Slot* slot = index_.find(*number);
        if (slot == nullptr || slot->body != at) {
            continue;
        }
        if (!record) {
            return fail(record.error());
        }
        if (!slot->damaged) {
            log::error(
                "SPOOL_DAMAGED",
                "the bytes of a queued message fail their checksum; it is held",
                {{"queue_id", queue_id}}
            );
            index_.mark_damaged(*number);
        }
        return fail(Errc::Corrupt, "the message's bytes fail their checksum");
    }
    return not_found(queue_id);
}

void SpoolLog::finish(
    std::string_view queue_id, const queue::Outcome& outcome, std::function<void(Status)> done
) {
    const auto number = queue::parse_queue_id(queue_id);
    std::unique_lock lock(mutex_);
    const Index::Slot* slot = number ? index_.find(*number) : nullptr;
    const auto envelope = number ? in_delivery_.find(*number) : in_delivery_.end();
    if (!number || slot == nullptr) {
        lock.unlock();
        done(not_found(queue_id));
        return;
    }
    if (slot->place != queue::Place::InDelivery || envelope == in_delivery_.end()) {
        lock.unlock();
        done(fail(Errc::Conflict, fmt::format("{} is not in delivery", queue_id)));
        return;
    }
    queue::OutcomeMeta meta = merge(envelope->second, outcome);
    meta.delay_told = outcome.delay_told;
    in_delivery_.erase(envelope);
    meta.attempts = static_cast<int>(slot->attempts) + 1;
    const bool pending =
        std::any_of(meta.recipients.begin(), meta.recipients.end(), [](const auto& recipient) {
            return recipient.state == RecipientState::Pending;
        });
    if (pending) {
        const queue::RetryQuestion question{
            .now = options_.clock(),
            .expires = slot->expires(),
            .attempts = meta.attempts,
            .random = random_number(),
        };
        meta.due = outcome.next_try ? *outcome.next_try : queue::next_try(retry_, question);
    }
    Pending record = make_pending(
        Role::Finish,
        pending ? RecordType::Outcome : RecordType::Done,
        *number,
        pending ? encode(meta) : std::string()
    );
    record.due = meta.due;
    record.attempts = meta.attempts;
    record.done = std::move(done);
    index_.finishing(*number);
    push(std::move(record), lock);
}

queue::Spool::Counters SpoolLog::counters() const {
    const SegmentSet::Figures figures = segments_->figures();
    const std::scoped_lock lock(mutex_);
    Counters counters = counters_;
    const Index::Counts& counts = index_.counts();
    counters.queued = counts.queued;
    counters.held = counts.held;
    counters.in_delivery = counts.in_delivery;
    counters.scheduled = counts.scheduled;
    counters.finishing = counts.finishing;
    counters.damaged = counts.damaged;
    counters.live_bytes = counts.live_bytes;
    counters.segments = figures.segments;
    counters.segment_bytes = figures.bytes;
    counters.spare_segments = figures.spares;
    counters.recycled_total = figures.recycled;
    counters.backlog = backlog_.size();
    return counters;
}

std::vector<queue::Damage> SpoolLog::damage() const {
    return damage_;
}

}  // namespace sekisho::store

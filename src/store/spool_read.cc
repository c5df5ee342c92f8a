// Reading queued messages back from the segments: a segment is pinned while it is read, and every
// record is checked against its own checksums, its message and its segment's stamp.
#include "base/bytes.h"
#include "base/result.h"
#include "queue/index.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/spool.h"
#include "store/segment_set.h"
#include "store/spool_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

using queue::Index;
using queue::MessageNumber;

Result<SpoolLog::Pending> SpoolLog::read_record(
    const queue::Location& at, MessageNumber number, std::optional<std::uint64_t> at_once
) {
    const std::shared_ptr<Segment> segment = segments_->pin(at.ordinal);
    if (!segment) {
        return fail(Errc::Corrupt, fmt::format("segment {} is not there", at.ordinal));
    }
    const auto read = [&](std::uint64_t offset, std::uint64_t length) {
        return at_once ? segment->file->read_at_once(offset, length)
                       : segment->file->read(offset, length);
    };
    Result<std::string> bytes = read(at.offset(), queue::kRecordHeaderSize);
    if (!bytes) {
        return fail(bytes.error());
    }
    const auto header = queue::decode_record_header(*bytes);
    if (!header || header->message != number || header->stamp != segment->stamp) {
        return fail(
            Errc::Corrupt, fmt::format("{}: no record of it at {}", segment->name, at.offset())
        );
    }
    const std::uint64_t length = std::uint64_t{header->meta_length} + header->body_length;
    if (at_once && length > *at_once) {
        return fail(Errc::Unavailable, "too large to be read at once");
    }
    bytes = read(at.offset() + queue::kRecordHeaderSize, length);
    if (!bytes) {
        return fail(bytes.error());
    }
    Pending record;
    record.header = *header;
    record.body = bytes->substr(header->meta_length);
    bytes->resize(header->meta_length);
    record.meta = std::move(*bytes);
    if (crc32c(record.meta) != header->meta_crc) {
        return fail(
            Errc::Corrupt, fmt::format("{}: damaged record at {}", segment->name, at.offset())
        );
    }
    return record;
}

Result<std::string> SpoolLog::read_meta(const queue::Location& at, MessageNumber number) {
    const std::shared_ptr<Segment> segment = segments_->pin(at.ordinal);
    if (!segment) {
        return fail(Errc::Corrupt, fmt::format("segment {} is not there", at.ordinal));
    }
    Result<std::string> bytes = segment->file->read(at.offset(), queue::kRecordHeaderSize);
    if (!bytes) {
        return bytes;
    }
    const auto header = queue::decode_record_header(*bytes);
    if (header && header->message == number && header->stamp == segment->stamp) {
        bytes = segment->file->read(at.offset() + queue::kRecordHeaderSize, header->meta_length);
        if (!bytes || crc32c(*bytes) == header->meta_crc) {
            return bytes;
        }
    }
    return fail(Errc::Corrupt, fmt::format("{}: damaged record at {}", segment->name, at.offset()));
}

Result<queue::Entry> SpoolLog::read_entry(const Index::Slot& slot) {
    Result<std::string> bytes = read_meta(slot.body, slot.number);
    if (!bytes) {
        return fail(bytes.error());
    }
    auto message = queue::decode_message(*bytes);
    if (!message) {
        return fail(Errc::Corrupt, "its envelope can't be read");
    }
    queue::Entry entry = queue::make_entry(slot.number, std::move(*message));
    if (!slot.outcome.none()) {
        bytes = read_meta(slot.outcome, slot.number);
        if (!bytes) {
            return fail(bytes.error());
        }
        auto outcome = queue::decode_outcome(*bytes);
        if (!outcome || !queue::apply(entry, std::move(*outcome))) {
            return fail(Errc::Corrupt, "its state can't be read");
        }
    }
    if (!slot.hold.none()) {
        bytes = read_meta(slot.hold, slot.number);
        const auto hold = bytes ? queue::decode_hold(*bytes) : std::nullopt;
        entry.hold_reason = hold ? hold->reason : std::string();
    }
    entry.due = slot.due();
    entry.expires = slot.expires();
    entry.attempts = static_cast<int>(slot.attempts);
    entry.grade = slot.grade;
    entry.held = slot.held || slot.damaged;
    entry.in_delivery =
        slot.place == queue::Place::InDelivery || slot.place == queue::Place::Finishing;
    if (slot.damaged) {
        entry.hold_reason = "the stored message is damaged";
    } else if (!slot.held) {
        entry.hold_reason.clear();
    }
    return entry;
}

// Oldest first.
std::vector<MessageNumber> SpoolLog::candidates(const queue::Filter& filter) {
    std::vector<MessageNumber> numbers;
    if (filter.ids.empty()) {
        const std::scoped_lock lock(mutex_);
        numbers = index_.after(queue::parse_queue_id(filter.after).value_or(0));
    }
    for (const std::string& id : filter.ids) {
        if (const auto number = queue::parse_queue_id(id)) {
            numbers.push_back(*number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

void SpoolLog::visit(const queue::Filter& filter, const Visitor& visitor) {
    std::size_t seen = 0;
    for (const MessageNumber number : candidates(filter)) {
        if (seen == filter.limit) {
            return;
        }
        Result<queue::Entry> entry = show(queue::format_queue_id(number));
        if (entry && matches(filter, *entry)) {
            ++seen;
            if (!visitor(std::move(*entry))) {
                return;
            }
        }
    }
}

std::vector<queue::Entry> SpoolLog::list(std::size_t limit) {
    queue::Filter filter;
    filter.limit = limit;
    return find(filter);
}

Result<queue::Entry> SpoolLog::show(std::string_view queue_id) {
    const auto number = queue::parse_queue_id(queue_id);
    for (int tries = 0; number && tries < 3; ++tries) {
        std::optional<Index::Slot> slot;
        {
            const std::scoped_lock lock(mutex_);
            const Index::Slot* found = index_.find(*number);
            slot = found != nullptr ? std::optional(*found) : std::nullopt;
        }
        if (!slot) {
            break;
        }
        Result<queue::Entry> entry = read_entry(*slot);
        if (entry || tries == 2) {
            return entry;
        }
    }
    return not_found(queue_id);
}

}  // namespace sekisho::store

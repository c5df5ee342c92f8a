#include "queue/recovery.h"

#include "queue/fact.h"
#include "queue/index.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/scan.h"
#include "queue/spool.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace sekisho::queue {

Recovery::Recovery(Index& index, Salvage salvage) : index_(index), salvage_(std::move(salvage)) {}

void Recovery::begin(const SegmentHeader& segment) {
    report_.oldest = std::max(report_.oldest, segment.oldest);
    report_.last_message = std::max(report_.last_message, segment.last_message);
    if (segments_.empty() && segment.sequence > 0) {
        report_.last_sequence = segment.sequence - 1;
        last_ordinal_ = segment.ordinal;
        last_end_ = kSegmentDataStart;
    }
    segments_.push_back(segment);
    // The next record that there is, of this segment or a later one, follows the last one.
    const std::uint64_t next =
        ends_before_ == 0 ? segment.sequence : std::min(segment.sequence, ends_before_);
    if (next != 0 && next <= report_.last_sequence + 1) {
        seamless_.insert(segment.ordinal);
    }
    if (segment.sequence > segment.durable + 1) {
        unsynced_.emplace_back(segment.durable + 1, segment.sequence - 1);
    }
}

std::uint64_t Recovery::add(
    const SegmentHeader& segment, std::string_view bytes, bool verify_bodies, HintWriter& hints
) {
    begin(segment);
    const ScanOf of{
        .stamp = segment.stamp,
        .ordinal = segment.ordinal,
        .verify_bodies = verify_bodies,
    };
    ScanSink sink;
    sink.record = [&](const ScannedRecord& found) { record(found, bytes, hints); };
    sink.gap = [](std::uint64_t, std::uint64_t) {};  // a gap shows in the sequence numbers
    return scan_segment(bytes, of, sink);
}

std::optional<std::uint64_t> Recovery::add_hints(
    const SegmentHeader& segment, std::string_view hints, std::uint64_t end_max
) {
    bool begun = false;
    const HintOf of{
        .stamp = segment.stamp,
        .ordinal = segment.ordinal,
        .sequence = segment.sequence,
        .end_max = end_max,
    };
    return read_hints(hints, of, [&](const Fact& fact) {
        if (!std::exchange(begun, true)) {
            begin(segment);
        }
        if (ends_before_ != 0 && fact.sequence >= ends_before_) {
            return;
        }
        // They were written when all of it was synced.
        const RecordHeader header{
            .ordinal = segment.ordinal,
            .sequence = fact.sequence,
            .durable = fact.sequence,
            .message = fact.message,
            .type = fact.type,
        };
        order(header, fact.at.offset(), fact.size);
        state(fact);
    });
}

void Recovery::order(const RecordHeader& header, std::uint64_t offset, std::uint64_t size) {
    if (header.sequence > report_.last_sequence + 1) {
        holes_.push_back(
            {.ordinal = last_ordinal_,
             .offset = last_end_,
             .first_sequence = report_.last_sequence + 1,
             .last_sequence = header.sequence - 1}
        );
    }
    report_.last_sequence = std::max(report_.last_sequence, header.sequence);
    report_.last_message = std::max(report_.last_message, header.message);
    ++report_.records;
    report_.closed_in_order = header.type == RecordType::Close;
    report_.durable = std::max(report_.durable, header.durable);
    last_ordinal_ = header.ordinal;
    last_end_ = offset + size;
}

void Recovery::record(const ScannedRecord& found, std::string_view bytes, HintWriter& hints) {
    if (ends_before_ != 0 && found.header.sequence >= ends_before_) {
        return;
    }
    const RecordHeader& header = found.header;
    order(header, found.offset, header.record_size());
    const std::optional<Fact> fact = fact_of(found);
    if (!fact || !found.body_ok) {
        hints.spoil();
    } else {
        hints.add(*fact);
    }
    if (!queue::known(header.type)) {
        report(
            Damage::Kind::UnknownRecord,
            header,
            found.offset,
            "a record of a type that this version doesn't know was stepped over"
        );
        return;
    }
    if (header.type == RecordType::Message && (!fact || !found.body_ok)) {
        message(found, fact);
        if (salvage_ && !fact) {
            salvage_(header.message, bytes.substr(found.offset, header.record_size()));
        }
        return;
    }
    if (!fact) {
        suspects_.push_back({.header = header, .offset = found.offset, .message = {}});
        return;
    }
    state(*fact);
}

// A message that fails a check: of its envelope when there is no fact, else of its body.
void Recovery::message(const ScannedRecord& found, const std::optional<Fact>& fact) {
    const RecordHeader& header = found.header;
    Suspect suspect{.header = header, .offset = found.offset, .message = fact};
    if (!fact) {
        unreadable_.insert(header.message);
    } else {
        orphans_.erase(header.message);
        if (index_.find(header.message) == nullptr) {
            apply(index_, *fact);
            suspect.applied = true;
        }
    }
    suspects_.push_back(std::move(suspect));
}

void Recovery::state(const Fact& fact) {
    const bool found = apply(index_, fact);
    switch (fact.type) {
        case RecordType::Message:
            orphans_.erase(fact.message);
            break;
        case RecordType::Done:
        case RecordType::Drop:
            orphans_.erase(fact.message);
            unreadable_.erase(fact.message);
            break;
        case RecordType::Trim:
            report_.oldest = std::max(report_.oldest, fact.trim.oldest);
            report_.last_message = std::max(report_.last_message, fact.trim.last_message);
            break;
        case RecordType::Close:
            break;
        default:
            if (!found && !unreadable_.contains(fact.message)) {
                orphans_[fact.message] = fact.at.ordinal;
            }
    }
}

void Recovery::report(
    Damage::Kind kind, const RecordHeader& header, std::uint64_t offset, const char* text
) {
    report_.damage.push_back(
        {.kind = kind,
         .queue_id = header.message == 0 ? std::string() : format_queue_id(header.message),
         .segment = header.ordinal,
         .offset = offset,
         .text = text}
    );
}

bool Recovery::torn(std::uint64_t sequence) const {
    return sequence > report_.durable ||
           std::any_of(unsynced_.begin(), unsynced_.end(), [&](const auto& range) {
               return sequence >= range.first && sequence <= range.second;
           });
}

void Recovery::judge(const Suspect& suspect) {
    const RecordHeader& header = suspect.header;
    const Index::Slot* slot = index_.find(header.message);
    if (torn(header.sequence)) {
        if (suspect.applied && slot != nullptr &&
            slot->body == Location::at(header.ordinal, suspect.offset)) {
            index_.remove(header.message);
        }
        report(
            Damage::Kind::TornTail,
            header,
            suspect.offset,
            "an incomplete record at the end of the log was left out"
        );
        return;
    }
    if (header.type != RecordType::Message) {
        report(
            Damage::Kind::StateLost,
            header,
            suspect.offset,
            "a state record fails its checksum; the message stays in the state before it"
        );
        return;
    }
    if (slot == nullptr && suspect.message && !suspect.applied) {
        // The sound copy that stood in for it has been trimmed away.
        apply(index_, *suspect.message);
        slot = index_.find(header.message);
    }
    if (slot == nullptr) {
        // A message that ended later on is no loss.
        if (unreadable_.contains(header.message)) {
            report(
                Damage::Kind::MessageLost,
                header,
                suspect.offset,
                "the envelope fails its checksum; the record was put aside"
            );
        }
        return;
    }
    if (slot->body == Location::at(header.ordinal, suspect.offset)) {
        index_.mark_damaged(header.message);
        report(
            Damage::Kind::BodyDamaged,
            header,
            suspect.offset,
            "the message's bytes fail their checksum; it is held"
        );
        return;
    }
    report(
        Damage::Kind::StateLost,
        header,
        suspect.offset,
        "a carried copy fails its checksum; another copy of the message is used"
    );
}

void Recovery::judge_holes() {
    for (const Hole& hole : holes_) {
        if (hole.ordinal < report_.oldest) {
            continue;
        }
        const bool unsynced = torn(hole.last_sequence);
        report_.damage.push_back(
            {.kind = unsynced ? Damage::Kind::TornTail : Damage::Kind::BytesSkipped,
             .queue_id = {},
             .segment = hole.ordinal,
             .offset = hole.offset,
             .text = fmt::format(
                 "records {} to {} can't be read{}",
                 hole.first_sequence,
                 hole.last_sequence,
                 unsynced ? "; they hadn't been acknowledged" : ""
             )}
        );
    }
}

void Recovery::find_missing() {
    std::uint32_t next = report_.oldest;
    if (next == 0 && !segments_.empty()) {
        next = segments_.front().ordinal;
    }
    for (const SegmentHeader& segment : segments_) {
        const std::uint32_t ordinal = segment.ordinal;
        // Those that were given up at their first write held nothing, and may have left no header:
        // when no record is missing before the one that followed them, nothing is.
        const bool empty = ordinal == next + 1 && segment.previous_end == kSegmentDataStart;
        if (ordinal > next && !empty && !seamless_.contains(ordinal)) {
            report_.damage.push_back(
                {.kind = Damage::Kind::SegmentMissing,
                 .queue_id = {},
                 .segment = next,
                 .offset = 0,
                 .text = ordinal == next + 1
                             ? fmt::format("segment {} is not there", next)
                             : fmt::format("segments {} to {} are not there", next, ordinal - 1)}
            );
        }
        next = std::max(next, ordinal + 1);
    }
    for (const auto& [number, ordinal] : orphans_) {
        if (ordinal < report_.oldest) {
            continue;  // its end was in a segment that is used for something else already
        }
        report_.damage.push_back(
            {.kind = Damage::Kind::MessageLost,
             .queue_id = format_queue_id(number),
             .segment = 0,
             .offset = 0,
             .text = "its state is known, the message itself is in no segment"}
        );
    }
}

void Recovery::trim() {
    for (const MessageNumber number : index_.before(report_.oldest)) {
        index_.remove(number);
    }
}

Recovery::Report Recovery::finish() {
    trim();
    for (const Suspect& suspect : suspects_) {
        if (suspect.header.ordinal >= report_.oldest) {
            judge(suspect);
        }
    }
    judge_holes();
    find_missing();
    return std::move(report_);
}

}  // namespace sekisho::queue

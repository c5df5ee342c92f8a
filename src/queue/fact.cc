#include "queue/fact.h"

#include "base/bytes.h"
#include "base/time.h"
#include "queue/codec.h"
#include "queue/index.h"
#include "queue/record.h"
#include "queue/scan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::queue {
namespace {

constexpr std::uint32_t kHintMagic = 0x48'53'4b'53;  // "SKSH" on disk
constexpr std::uint8_t kHintVersion = 1;
constexpr std::size_t kHintChecked = 8;  // a checksum covers what follows magic and itself
constexpr std::size_t kHintHeader = 48;
constexpr std::size_t kHintEntry = 48;
constexpr std::uint8_t kHeld = 1;
constexpr std::uint8_t kGraded = 2;
constexpr unsigned kGradeAt = 2;

// kHintEntry bytes. Trim has its two numbers where the others have times.
void encode(const Fact& fact, Writer& out) {
    const unsigned grade =
        fact.lane.grade ? kGraded | static_cast<unsigned>(*fact.lane.grade) << kGradeAt : 0U;
    const bool trim = fact.type == RecordType::Trim;
    out.u8(static_cast<std::uint8_t>(fact.type));
    out.u8(static_cast<std::uint8_t>((fact.held ? kHeld : 0U) | grade));
    out.u16(fact.lane.cost);
    out.u32(static_cast<std::uint32_t>(fact.attempts));
    out.u32(fact.at.block);
    out.u32(static_cast<std::uint32_t>(fact.size / kRecordAlign));
    out.u64(fact.message);
    out.u64(trim ? fact.trim.oldest : static_cast<std::uint64_t>(to_ms(fact.due)));
    out.u64(trim ? fact.trim.last_message : static_cast<std::uint64_t>(to_ms(fact.expires)));
    out.u64(fact.lane.owner);
}

Fact decode(Reader& in, std::uint32_t ordinal, std::uint64_t sequence) {
    Fact fact;
    fact.sequence = sequence;
    fact.type = static_cast<RecordType>(in.u8());
    const unsigned flags = in.u8();
    fact.held = (flags & kHeld) != 0;
    fact.lane.cost = in.u16();
    fact.attempts = static_cast<int>(in.u32());
    fact.at = {.ordinal = ordinal, .block = in.u32()};
    fact.size = std::uint64_t{in.u32()} * kRecordAlign;
    fact.message = in.u64();
    const std::uint64_t first = in.u64();
    const std::uint64_t second = in.u64();
    fact.lane.owner = in.u64();
    if ((flags & kGraded) != 0) {
        fact.lane.grade = static_cast<Grade>(flags >> kGradeAt & 3U);
    }
    if (fact.type == RecordType::Trim) {
        fact.trim = {.oldest = static_cast<std::uint32_t>(first), .last_message = second};
    } else {
        fact.due = from_ms(static_cast<std::int64_t>(first));
        fact.expires = from_ms(static_cast<std::int64_t>(second));
    }
    return fact;
}

// The payload's part of a fact.
bool decode_meta(std::string_view bytes, Fact& fact) {
    switch (fact.type) {
        case RecordType::Message: {
            const auto meta = decode_message(bytes);
            if (!meta || fact.message == 0) {
                return false;
            }
            fact.due = meta->due;
            fact.expires = meta->expires;
            fact.attempts = meta->attempts;
            fact.held = meta->held;
            fact.lane = lane_of(meta->envelope);
            return true;
        }
        case RecordType::Outcome: {
            const auto meta = decode_outcome(bytes);
            fact.due = meta ? meta->due : Time{};
            fact.attempts = meta ? meta->attempts : 0;
            return meta.has_value();
        }
        case RecordType::Hold:
            return decode_hold(bytes).has_value();
        case RecordType::Release:
        case RecordType::Retry: {
            const auto meta = decode_due(bytes);
            fact.due = meta ? meta->due : Time{};
            return meta.has_value();
        }
        case RecordType::Trim: {
            const auto meta = decode_trim(bytes);
            fact.trim = meta.value_or(TrimMeta{});
            return meta.has_value();
        }
        case RecordType::Done:
        case RecordType::Drop:
        case RecordType::Close:
            return true;
    }
    return false;
}

}  // namespace

std::optional<Fact> fact_of(const ScannedRecord& found) {
    const RecordHeader& header = found.header;
    Fact fact;
    fact.type = header.type;
    fact.message = header.message;
    fact.sequence = header.sequence;
    fact.at = Location::at(header.ordinal, found.offset);
    fact.size = header.record_size();
    if (!found.meta_ok || !known(header.type) || !decode_meta(found.meta, fact)) {
        return std::nullopt;
    }
    return fact;
}

bool apply(Index& index, const Fact& fact) {
    switch (fact.type) {
        case RecordType::Message:
            index.message(
                {.number = fact.message,
                 .at = fact.at,
                 .size = fact.size,
                 .due = fact.due,
                 .expires = fact.expires,
                 .attempts = fact.attempts,
                 .held = fact.held,
                 .lane = fact.lane}
            );
            return true;
        case RecordType::Outcome:
            return index.outcome(fact.message, fact.at, fact.due, fact.attempts);
        case RecordType::Hold:
            return index.hold(fact.message, fact.at);
        case RecordType::Release:
            return index.release(fact.message, fact.due);
        case RecordType::Retry:
            return index.retry(fact.message, fact.due);
        case RecordType::Done:
        case RecordType::Drop:
            return index.remove(fact.message);
        case RecordType::Trim:
        case RecordType::Close:
            break;
    }
    return true;
}

void HintWriter::add(const Fact& fact) {
    if (count_ == 0) {
        first_ = fact.sequence;
    }
    if (spoilt_ || fact.sequence != first_ + count_ || entries_.size() >= bytes_max_) {
        spoil();
        return;
    }
    Writer out;
    encode(fact, out);
    entries_ += std::move(out).take();
    ++count_;
}

void HintWriter::spoil() {
    spoilt_ = true;
    entries_ = {};
}

void HintWriter::clear() {
    entries_ = {};
    count_ = 0;
    spoilt_ = false;
}

std::string HintWriter::take(std::uint64_t stamp, std::uint32_t ordinal, std::uint64_t end) {
    const std::string entries = std::exchange(entries_, {});
    const std::uint64_t count = entries.size() / kHintEntry;
    clear();
    if (count == 0) {
        return {};
    }
    Writer out;
    out.u64(stamp);
    out.u32(ordinal);
    out.u32(kHintVersion);
    out.u64(first_);
    out.u64(count);
    out.u64(end);
    const std::string checked = std::move(out).take() + entries;
    Writer head;
    head.u32(kHintMagic);
    head.u32(crc32c(checked));
    return std::move(head).take() + checked;
}

std::optional<std::uint64_t> read_hints(
    std::string_view bytes, const HintOf& of, const std::function<void(const Fact&)>& sink
) {
    if (bytes.size() < kHintHeader) {
        return std::nullopt;
    }
    Reader in(bytes);
    const bool sound = in.u32() == kHintMagic && in.u32() == crc32c(bytes.substr(kHintChecked));
    const bool same = in.u64() == of.stamp && in.u32() == of.ordinal;
    const bool version = in.u32() == kHintVersion;
    const std::uint64_t first = in.u64();
    const std::uint64_t count = in.u64();
    const std::uint64_t end = in.u64();
    if (!sound || !same || !version || count == 0 || first != of.sequence || end > of.end_max ||
        count != (bytes.size() - kHintHeader) / kHintEntry ||
        bytes.size() != kHintHeader + count * kHintEntry) {
        return std::nullopt;
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        sink(decode(in, of.ordinal, first + i));
    }
    return end;
}

}  // namespace sekisho::queue

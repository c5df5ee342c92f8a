#include "queue/record.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "queue/codec.h"
#include "queue/queue_id.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::queue {
namespace {

constexpr std::uint32_t kSegmentMagic = 0x47'53'4b'53;  // "SKSG" on disk
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecked = kRecordStampAt;  // a checksum covers what follows magic and itself

// Fills in the checksum of a header whose bytes 4 to 7 are zero.
std::string seal(std::string bytes) {
    const std::uint32_t crc = crc32c(std::string_view(bytes).substr(kChecked));
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[4 + i] = static_cast<char>((crc >> (8 * i)) & 0xffU);
    }
    return bytes;
}

bool sealed(std::string_view bytes, std::uint32_t magic) {
    Reader in(bytes);
    return in.u32() == magic && in.u32() == crc32c(bytes.substr(kChecked));
}

std::optional<SegmentHeader> decode_copy(std::string_view bytes) {
    if (!sealed(bytes, kSegmentMagic)) {
        return std::nullopt;
    }
    Reader in(bytes.substr(kChecked));
    SegmentHeader header;
    header.stamp = in.u64();
    header.ordinal = in.u32();
    header.oldest = in.u32();
    header.previous_end = in.u64();
    header.sequence = in.u64();
    header.last_message = in.u64();
    header.durable = in.u64();
    const std::uint8_t version = in.u8();
    if (!in.ok() || version != kVersion || header.ordinal == 0 || header.oldest > header.ordinal) {
        return std::nullopt;
    }
    return header;
}

std::optional<RecipientState> recipient_state(std::uint8_t value) {
    return value <= static_cast<std::uint8_t>(RecipientState::Dropped)
               ? std::optional(static_cast<RecipientState>(value))
               : std::nullopt;
}

RecipientState read_state(Reader& in) {
    const std::optional<RecipientState> state = recipient_state(in.u8());
    if (!state) {
        in.refuse();
    }
    return state.value_or(RecipientState::Pending);
}

int read_attempts(Reader& in) {
    const std::uint32_t attempts = in.u32();
    if (attempts > (1U << 30U)) {
        in.refuse();
        return 0;
    }
    return static_cast<int>(attempts);
}

bool read_bool(Reader& in) {
    const std::uint8_t value = in.u8();
    if (value > 1) {
        in.refuse();
    }
    return value == 1;
}

// What a message may ask for stands behind its recipients, each only when it was asked for: records
// written before there were such fields end there. Ascending, so that there is one way to write
// them.
enum class Wish : std::uint8_t {
    DeliverBy = 1,
    Priority = 2,
    RequireTls = 3,
    Binary = 4,
    Route = 5,
    DelayTold = 6,
    Release = 7
};

void write_wishes(const MessageMeta& meta, Writer& out) {
    const Envelope& envelope = meta.envelope;
    const auto tag = [&out](Wish wish) { out.u8(static_cast<std::uint8_t>(wish)); };
    if (envelope.deliver_by) {
        tag(Wish::DeliverBy);
        out.i64(to_ms(envelope.deliver_by->deadline));
        out.u8(envelope.deliver_by->mode == DeliverBy::Mode::Notify ? 1 : 0);
        out.u8(envelope.deliver_by->trace ? 1 : 0);
    }
    if (envelope.priority != 0) {
        tag(Wish::Priority);
        out.u8(static_cast<std::uint8_t>(envelope.priority + kPriorityMax));
    }
    if (envelope.require_tls) {
        tag(Wish::RequireTls);
    }
    if (envelope.body_binary) {
        tag(Wish::Binary);
    }
    if (!envelope.route.empty()) {
        tag(Wish::Route);
        out.text(envelope.route);
    }
    if (meta.delay_told) {
        tag(Wish::DelayTold);
    }
    if (envelope.release) {
        tag(Wish::Release);
        out.i64(to_ms(*envelope.release));
    }
}

void read_wish(Wish wish, Reader& in, MessageMeta& meta) {
    Envelope& envelope = meta.envelope;
    switch (wish) {
        case Wish::DeliverBy: {
            DeliverBy by;
            by.deadline = from_ms(in.i64());
            by.mode = read_bool(in) ? DeliverBy::Mode::Notify : DeliverBy::Mode::Return;
            by.trace = read_bool(in);
            envelope.deliver_by = by;
            return;
        }
        case Wish::Priority:
            envelope.priority = int{in.u8()} - kPriorityMax;
            if (envelope.priority == 0 || envelope.priority > kPriorityMax) {
                in.refuse();
            }
            return;
        case Wish::RequireTls:
            envelope.require_tls = true;
            return;
        case Wish::Binary:
            envelope.body_binary = true;
            return;
        case Wish::Route:
            envelope.route = in.text();
            if (envelope.route.empty()) {
                in.refuse();
            }
            return;
        case Wish::DelayTold:
            meta.delay_told = true;
            return;
        case Wish::Release:
            envelope.release = from_ms(in.i64());
            return;
    }
    in.refuse();
}

void read_wishes(Reader& in, MessageMeta& meta) {
    std::uint8_t last = 0;
    while (in.ok() && in.left() > 0) {
        const std::uint8_t tag = in.u8();
        if (tag <= last) {
            in.refuse();
            return;
        }
        last = tag;
        read_wish(static_cast<Wish>(tag), in, meta);
    }
}

}  // namespace

bool known(RecordType type) {
    return type >= RecordType::Message && type <= RecordType::Close;
}

std::uint64_t record_size(std::uint64_t meta_length, std::uint64_t body_length) {
    const std::uint64_t size = kRecordHeaderSize + meta_length + body_length;
    return (size + kRecordAlign - 1) / kRecordAlign * kRecordAlign;
}

std::uint64_t RecordHeader::record_size() const {
    return queue::record_size(meta_length, body_length);
}

std::string encode(const RecordHeader& header) {
    Writer out;
    out.u32(kRecordMagic);
    out.u32(0);
    out.u64(header.stamp);
    out.u64(header.sequence);
    out.u64(header.durable);
    out.u64(header.message);
    out.u32(header.ordinal);
    out.u32(header.meta_length);
    out.u32(header.body_length);
    out.u32(header.meta_crc);
    out.u32(header.body_crc);
    out.u8(static_cast<std::uint8_t>(header.type));
    out.u8(kVersion);
    out.u16(0);
    std::string bytes = std::move(out).take();
    SEKISHO_ASSERT(bytes.size() == kRecordHeaderSize);
    return seal(std::move(bytes));
}

std::optional<RecordHeader> decode_record_header(std::string_view bytes) {
    if (bytes.size() < kRecordHeaderSize) {
        return std::nullopt;
    }
    bytes = bytes.substr(0, kRecordHeaderSize);
    if (!sealed(bytes, kRecordMagic)) {
        return std::nullopt;
    }
    Reader in(bytes.substr(kChecked));
    RecordHeader header;
    header.stamp = in.u64();
    header.sequence = in.u64();
    header.durable = in.u64();
    header.message = in.u64();
    header.ordinal = in.u32();
    header.meta_length = in.u32();
    header.body_length = in.u32();
    header.meta_crc = in.u32();
    header.body_crc = in.u32();
    header.type = static_cast<RecordType>(in.u8());
    const std::uint8_t version = in.u8();
    if (version != kVersion || header.meta_length > kMetaLengthMax ||
        header.body_length > kBodyLengthMax || header.message > kMessageNumberMax) {
        return std::nullopt;
    }
    return header;
}

std::string encode(const SegmentHeader& header) {
    Writer out;
    out.u32(kSegmentMagic);
    out.u32(0);
    out.u64(header.stamp);
    out.u32(header.ordinal);
    out.u32(header.oldest);
    out.u64(header.previous_end);
    out.u64(header.sequence);
    out.u64(header.last_message);
    out.u64(header.durable);
    out.u8(kVersion);
    std::string copy = std::move(out).take();
    copy.resize(kSegmentHeaderSize, '\0');
    copy = seal(std::move(copy));
    std::string block(kSegmentDataStart, '\0');
    block.replace(0, copy.size(), copy);
    block.replace(kSegmentHeaderCopyAt, copy.size(), copy);
    return block;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
    if (bytes.size() < kSegmentDataStart) {
        return std::nullopt;
    }
    const auto first = decode_copy(bytes.substr(0, kSegmentHeaderSize));
    const auto second = decode_copy(bytes.substr(kSegmentHeaderCopyAt, kSegmentHeaderSize));
    if (first && second) {
        return first->ordinal >= second->ordinal ? first : second;
    }
    return first ? first : second;
}

std::string encode(const MessageMeta& meta) {
    Writer out;
    const Envelope& envelope = meta.envelope;
    out.i64(to_ms(meta.due));
    out.i64(to_ms(meta.expires));
    out.u32(static_cast<std::uint32_t>(meta.attempts));
    out.u8(meta.held ? 1 : 0);
    out.text(meta.hold_reason);
    out.i64(to_ms(envelope.accepted));
    out.u64(envelope.size);
    out.u8(envelope.smtputf8 ? 1 : 0);
    out.u8(envelope.body_8bit ? 1 : 0);
    for (const std::string* text :
         {&envelope.reverse_path,
          &envelope.account,
          &envelope.client,
          &envelope.message_id,
          &envelope.ret,
          &envelope.envid}) {
        out.text(*text);
    }
    out.u32(static_cast<std::uint32_t>(envelope.recipients.size()));
    for (const Recipient& recipient : envelope.recipients) {
        out.u8(static_cast<std::uint8_t>(recipient.state));
        out.text(recipient.address);
        out.text(recipient.orcpt);
        out.text(recipient.notify);
        out.text(recipient.last_reply);
    }
    write_wishes(meta, out);
    return std::move(out).take();
}

std::optional<MessageMeta> decode_message(std::string_view bytes) {
    Reader in(bytes);
    MessageMeta meta;
    Envelope& envelope = meta.envelope;
    meta.due = from_ms(in.i64());
    meta.expires = from_ms(in.i64());
    meta.attempts = read_attempts(in);
    meta.held = read_bool(in);
    meta.hold_reason = in.text();
    envelope.accepted = from_ms(in.i64());
    envelope.size = in.u64();
    envelope.smtputf8 = read_bool(in);
    envelope.body_8bit = read_bool(in);
    for (std::string* text :
         {&envelope.reverse_path,
          &envelope.account,
          &envelope.client,
          &envelope.message_id,
          &envelope.ret,
          &envelope.envid}) {
        *text = in.text();
    }
    // Each recipient takes bytes, so a false count ends the loop at the end of the input.
    for (std::uint32_t left = in.u32(); left > 0 && in.ok(); --left) {
        Recipient recipient;
        recipient.state = read_state(in);
        recipient.address = in.text();
        recipient.orcpt = in.text();
        recipient.notify = in.text();
        recipient.last_reply = in.text();
        envelope.recipients.push_back(std::move(recipient));
    }
    read_wishes(in, meta);
    return in.complete() ? std::optional(std::move(meta)) : std::nullopt;
}

std::string encode(const OutcomeMeta& meta) {
    Writer out;
    out.i64(to_ms(meta.due));
    out.u32(static_cast<std::uint32_t>(meta.attempts));
    out.u32(static_cast<std::uint32_t>(meta.recipients.size()));
    for (const auto& recipient : meta.recipients) {
        out.u8(static_cast<std::uint8_t>(recipient.state));
        out.text(recipient.reply);
    }
    if (meta.delay_told) {  // records written before there was such a field end here
        out.u8(1);
    }
    return std::move(out).take();
}

std::optional<OutcomeMeta> decode_outcome(std::string_view bytes) {
    Reader in(bytes);
    OutcomeMeta meta;
    meta.due = from_ms(in.i64());
    meta.attempts = read_attempts(in);
    for (std::uint32_t left = in.u32(); left > 0 && in.ok(); --left) {
        OutcomeMeta::PerRecipient recipient;
        recipient.state = read_state(in);
        recipient.reply = in.text();
        meta.recipients.push_back(std::move(recipient));
    }
    if (in.ok() && in.left() > 0) {
        meta.delay_told = in.u8() == 1;
        if (!meta.delay_told) {
            in.refuse();
        }
    }
    return in.complete() ? std::optional(std::move(meta)) : std::nullopt;
}

std::string encode(const HoldMeta& meta) {
    Writer out;
    out.text(meta.reason);
    return std::move(out).take();
}

std::optional<HoldMeta> decode_hold(std::string_view bytes) {
    Reader in(bytes);
    HoldMeta meta{.reason = in.text()};
    return in.complete() ? std::optional(std::move(meta)) : std::nullopt;
}

std::string encode(const DueMeta& meta) {
    Writer out;
    out.i64(to_ms(meta.due));
    return std::move(out).take();
}

std::optional<DueMeta> decode_due(std::string_view bytes) {
    Reader in(bytes);
    const DueMeta meta{.due = from_ms(in.i64())};
    return in.complete() ? std::optional(meta) : std::nullopt;
}

std::string encode(const TrimMeta& meta) {
    Writer out;
    out.u32(meta.oldest);
    out.u64(meta.last_message);
    return std::move(out).take();
}

std::optional<TrimMeta> decode_trim(std::string_view bytes) {
    Reader in(bytes);
    TrimMeta meta;
    meta.oldest = in.u32();
    meta.last_message = in.u64();
    return in.complete() ? std::optional(meta) : std::nullopt;
}

Entry make_entry(MessageNumber number, MessageMeta message) {
    Entry entry;
    entry.envelope = std::move(message.envelope);
    entry.envelope.queue_id = format_queue_id(number);
    entry.due = message.due;
    entry.expires = message.expires;
    entry.attempts = message.attempts;
    entry.held = message.held;
    entry.hold_reason = std::move(message.hold_reason);
    entry.delay_told = message.delay_told;
    return entry;
}

bool apply(Entry& entry, OutcomeMeta outcome) {
    if (outcome.recipients.size() != entry.envelope.recipients.size()) {
        return false;
    }
    entry.due = outcome.due;
    entry.attempts = outcome.attempts;
    entry.delay_told = entry.delay_told || outcome.delay_told;
    for (std::size_t i = 0; i < outcome.recipients.size(); ++i) {
        entry.envelope.recipients[i].state = outcome.recipients[i].state;
        entry.envelope.recipients[i].last_reply = std::move(outcome.recipients[i].reply);
    }
    return true;
}

}  // namespace sekisho::queue

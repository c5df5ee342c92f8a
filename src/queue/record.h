// The bytes of the spool's log: segment headers, record headers, and what each record carries.
// A record is a 64-byte header, `meta` (fields) and `body` (a message's bytes), padded to 8 bytes.
// The header has a checksum of its own, so that a damaged payload doesn't cost the way to the next
// record, and its payload's two checksums, so that a damaged body doesn't cost the envelope.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "queue/queue_id.h"
#include "queue/spool.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::queue {

inline constexpr std::size_t kRecordHeaderSize = 64;
inline constexpr std::size_t kRecordAlign = 8;
inline constexpr std::uint32_t kRecordMagic = 0x52'53'4b'53;  // "SKSR" on disk
inline constexpr std::size_t kRecordStampAt = 8;              // after magic and checksum
// Two copies of the segment header lie in the first block; records begin after it.
inline constexpr std::size_t kSegmentDataStart = 4096;
inline constexpr std::size_t kSegmentHeaderCopyAt = 2048;
inline constexpr std::size_t kSegmentHeaderSize = 64;
inline constexpr std::uint32_t kMetaLengthMax = 64U << 20U;
inline constexpr std::uint32_t kBodyLengthMax = 1U << 30U;

enum class RecordType : std::uint8_t {
    Message = 1,  // envelope, state and body; for a known number: the whole truth so far, carried
    Outcome = 2,  // of one try: every recipient's state, the next try
    Hold = 3,
    Release = 4,
    Retry = 5,  // an operator wants it tried at a time
    Done = 6,   // every recipient is finished
    Drop = 7,   // an operator removed it
    Trim = 8,   // segments before `ordinal` hold nothing that is needed
    Close = 9,  // everything before was synced and the spool closed in order
};
[[nodiscard]] bool known(RecordType type);

struct RecordHeader {
    // Random for each use of a segment: what an earlier use left behind, and what a message's body
    // may imitate, doesn't carry it.
    std::uint64_t stamp = 0;
    std::uint32_t ordinal = 0;   // of the segment; grows with each use of any segment
    std::uint64_t sequence = 0;  // of the record; without gaps over the whole log
    std::uint64_t durable = 0;   // the highest sequence known to be synced when this was written
    MessageNumber message = 0;   // 0 for Trim and Close
    RecordType type = RecordType::Message;
    std::uint32_t meta_length = 0, body_length = 0;
    std::uint32_t meta_crc = 0, body_crc = 0;

    // Header, payload and padding.
    [[nodiscard]] std::uint64_t record_size() const;
    friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};
[[nodiscard]] std::uint64_t record_size(std::uint64_t meta_length, std::uint64_t body_length);
[[nodiscard]] std::string encode(const RecordHeader& header);
// Nothing unless magic, version, checksum and lengths are right. The type may be an unknown one.
[[nodiscard]] std::optional<RecordHeader> decode_record_header(std::string_view bytes);

struct SegmentHeader {
    std::uint64_t stamp = 0;
    std::uint32_t ordinal = 0;
    std::uint32_t oldest = 0;        // lowest ordinal still needed when this was written
    std::uint64_t previous_end = 0;  // where the valid records of segment ordinal - 1 end; 0: none
    std::uint64_t sequence = 0;      // of the first record
    // Records after this one and before `sequence` had not been known to be synced: what is
    // unreadable among them is a torn tail for ever, though later records were synced.
    std::uint64_t durable = 0;
    MessageNumber last_message = 0;  // the highest number given so far
    friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};
// kSegmentDataStart bytes: both copies.
[[nodiscard]] std::string encode(const SegmentHeader& header);
// From the first kSegmentDataStart bytes: the copy with the higher ordinal that is sound.
[[nodiscard]] std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

// Where a record begins. Records are aligned, so 32 bits reach 32 GiB.
struct Location {
    std::uint32_t ordinal = 0;
    std::uint32_t block = 0;
    [[nodiscard]] static Location at(std::uint32_t ordinal, std::uint64_t offset) {
        return {.ordinal = ordinal, .block = static_cast<std::uint32_t>(offset / kRecordAlign)};
    }
    [[nodiscard]] std::uint64_t offset() const { return std::uint64_t{block} * kRecordAlign; }
    [[nodiscard]] bool none() const { return block == 0; }
    friend bool operator==(const Location&, const Location&) = default;
};

// The payloads.
struct MessageMeta {
    Envelope envelope;  // queue_id is in the header
    Time due{}, expires{};
    int attempts = 0;
    bool held = false;
    std::string hold_reason;
    bool delay_told = false;
};
struct OutcomeMeta {
    struct PerRecipient {
        RecipientState state = RecipientState::Pending;
        std::string reply;
    };
    Time due{};
    int attempts = 0;
    std::vector<PerRecipient> recipients;  // all, in the envelope's order
    bool delay_told = false;
};
struct HoldMeta {
    std::string reason;
};
struct DueMeta {  // Release and Retry
    Time due{};
};
struct TrimMeta {
    std::uint32_t oldest = 0;
    MessageNumber last_message = 0;
};

[[nodiscard]] std::string encode(const MessageMeta& meta);
[[nodiscard]] std::string encode(const OutcomeMeta& meta);
[[nodiscard]] std::string encode(const HoldMeta& meta);
[[nodiscard]] std::string encode(const DueMeta& meta);
[[nodiscard]] std::string encode(const TrimMeta& meta);
// Nothing unless every field is in its range and every byte is used.
[[nodiscard]] std::optional<MessageMeta> decode_message(std::string_view bytes);
[[nodiscard]] std::optional<OutcomeMeta> decode_outcome(std::string_view bytes);
[[nodiscard]] std::optional<HoldMeta> decode_hold(std::string_view bytes);
[[nodiscard]] std::optional<DueMeta> decode_due(std::string_view bytes);
[[nodiscard]] std::optional<TrimMeta> decode_trim(std::string_view bytes);

// The entry that Message, last Outcome and last Hold make together.
[[nodiscard]] Entry make_entry(MessageNumber number, MessageMeta message);
// False (and no change) when the outcome isn't of this entry: another number of recipients.
[[nodiscard]] bool apply(Entry& entry, OutcomeMeta outcome);

}  // namespace sekisho::queue

// What one record tells the index: all of it that opening needs, without envelope and body. And the
// hints of a sealed segment: its records' facts in a small file beside it, so that opening reads
// these bytes instead of the segment's. They only save time: hints that don't fit their segment, or
// fail their checksum, are passed over and the segment is read.
#pragma once

#include "base/time.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/scan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::queue {

struct Fact {
    RecordType type = RecordType::Close;
    MessageNumber message = 0;   // 0 for Trim and Close
    std::uint64_t sequence = 0;  // RecordHeader::sequence
    Location at;
    std::uint64_t size = 0;  // of the record
    Time due{}, expires{};   // Message; Outcome, Release and Retry have `due` only
    int attempts = 0;        // Message, Outcome
    bool held = false;       // Message
    Lane lane;               // Message
    TrimMeta trim;           // Trim
};
// Nothing when its meta fails the checksum or can't be decoded, or its type is unknown.
[[nodiscard]] std::optional<Fact> fact_of(const ScannedRecord& found);
// False when the index doesn't know the message that the fact is about.
bool apply(Index& index, const Fact& fact);

// Collects the facts of one segment's records, in order and without gaps.
class HintWriter {
  public:
    // More bytes than `bytes_max` aren't kept: then there are no hints.
    explicit HintWriter(std::size_t bytes_max) : bytes_max_(bytes_max) {}
    void add(const Fact& fact);
    void spoil();  // something in the segment can't be told by hints
    void clear();
    // The file's bytes, empty when there are no hints. `end` is where the segment's records end.
    [[nodiscard]] std::string take(std::uint64_t stamp, std::uint32_t ordinal, std::uint64_t end);

  private:
    std::size_t bytes_max_;
    std::string entries_;
    std::uint64_t first_ = 0, count_ = 0;
    bool spoilt_ = false;
};

struct HintOf {
    std::uint64_t stamp = 0;
    std::uint32_t ordinal = 0;
    std::uint64_t sequence = 0;  // of the segment's first record
    std::uint64_t end_max = 0;   // records after it are not to be read
};
// Gives the facts in order and returns the end of the segment's records; nothing, and no fact, when
// the bytes aren't sound hints of that segment.
[[nodiscard]] std::optional<std::uint64_t> read_hints(
    std::string_view bytes, const HintOf& of, const std::function<void(const Fact&)>& sink
);

}  // namespace sekisho::queue

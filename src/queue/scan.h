// Reads the records out of one segment's bytes, whatever they are: damaged stretches are stepped
// over to the next sound header of this use of the segment.
#pragma once

#include "queue/record.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace sekisho::queue {

struct ScannedRecord {
    RecordHeader header;
    std::uint64_t offset = 0;
    std::string_view meta;
    bool meta_ok = false;
    bool body_ok = false;
};

struct ScanSink {
    std::function<void(const ScannedRecord&)> record;
    // Bytes without a readable header, before a record that is readable.
    std::function<void(std::uint64_t offset, std::uint64_t length)> gap;
};

struct ScanOf {
    std::uint64_t stamp = 0;
    std::uint32_t ordinal = 0;
    bool verify_bodies = true;  // false: body_ok is true unless the body isn't there
};

// `bytes` is the segment from its first byte to the end of what may be valid. Returns the end of
// the last record found.
std::uint64_t scan_segment(std::string_view bytes, const ScanOf& of, const ScanSink& sink);

// The first sound record header of any use of the segment; for a segment
// whose own header is lost.
[[nodiscard]] std::optional<RecordHeader> first_record(std::string_view bytes);

}  // namespace sekisho::queue

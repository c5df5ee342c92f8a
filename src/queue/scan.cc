#include "queue/scan.h"

#include "base/bytes.h"
#include "queue/record.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sekisho::queue {
namespace {

std::optional<RecordHeader> header_at(
    std::string_view bytes, std::uint64_t offset, const ScanOf& of
) {
    std::optional<RecordHeader> header = decode_record_header(bytes.substr(offset));
    if (header && (header->stamp != of.stamp || header->ordinal != of.ordinal ||
                   header->record_size() > bytes.size() - offset)) {
        return std::nullopt;
    }
    return header;
}

}  // namespace

std::uint64_t scan_segment(std::string_view bytes, const ScanOf& of, const ScanSink& sink) {
    std::uint64_t end = kSegmentDataStart;
    std::uint64_t at = kSegmentDataStart;
    while (at + kRecordHeaderSize <= bytes.size()) {
        const std::optional<RecordHeader> header = header_at(bytes, at, of);
        if (!header) {
            at += kRecordAlign;
            continue;
        }
        if (at != end) {
            sink.gap(end, at - end);
        }
        ScannedRecord found{.header = *header, .offset = at, .meta = {}};
        found.meta = bytes.substr(at + kRecordHeaderSize, header->meta_length);
        const std::string_view body =
            bytes.substr(at + kRecordHeaderSize + header->meta_length, header->body_length);
        found.meta_ok = crc32c(found.meta) == header->meta_crc;
        found.body_ok = !of.verify_bodies || crc32c(body) == header->body_crc;
        sink.record(found);
        at += header->record_size();
        end = at;
    }
    return end;
}

std::optional<RecordHeader> first_record(std::string_view bytes) {
    for (std::uint64_t at = kSegmentDataStart; at + kRecordHeaderSize <= bytes.size();
         at += kRecordAlign) {
        if (auto header = decode_record_header(bytes.substr(at))) {
            return header;
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::queue

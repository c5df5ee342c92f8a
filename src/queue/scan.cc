#include "queue/scan.h"

#include "base/bytes.h"
#include "queue/codec.h"
#include "queue/record.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

// Where the next header can be that has `mark` at `mark_at`, from `from` on; bytes.size(): nowhere.
// Searching costs next to nothing on the zeros of a segment's unused end.
std::uint64_t next_candidate(
    std::string_view bytes, std::uint64_t from, std::string_view mark, std::size_t mark_at
) {
    while (from + kRecordHeaderSize <= bytes.size()) {
        const std::string_view rest = bytes.substr(from + mark_at);
        const void* hit = ::memmem(rest.data(), rest.size(), mark.data(), mark.size());
        if (hit == nullptr) {
            break;
        }
        from += static_cast<std::uint64_t>(static_cast<const char*>(hit) - rest.data());
        if (from % kRecordAlign == 0) {
            return from;
        }
        ++from;
    }
    return bytes.size();
}

}  // namespace

std::uint64_t scan_segment(std::string_view bytes, const ScanOf& of, const ScanSink& sink) {
    std::uint64_t end = kSegmentDataStart;
    std::uint64_t at = kSegmentDataStart;
    Writer out;
    out.u64(of.stamp);
    const std::string stamp = std::move(out).take();
    while (at + kRecordHeaderSize <= bytes.size()) {
        const std::optional<RecordHeader> header = header_at(bytes, at, of);
        if (!header) {
            at = next_candidate(bytes, at + kRecordAlign, stamp, kRecordStampAt);
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
    Writer out;
    out.u32(kRecordMagic);
    const std::string magic = std::move(out).take();
    for (std::uint64_t at = next_candidate(bytes, kSegmentDataStart, magic, 0); at < bytes.size();
         at = next_candidate(bytes, at + kRecordAlign, magic, 0)) {
        if (auto header = decode_record_header(bytes.substr(at))) {
            return header;
        }
    }
    return std::nullopt;
}

}  // namespace sekisho::queue

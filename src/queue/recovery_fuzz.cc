// Any bytes as a log. The input is a list of records in a short form (type, message, lengths and
// damage), so that the checksums are right and the fuzzer gets behind them; then the rest of it is
// laid over the log's bytes.
#include "base/bytes.h"
#include "queue/fact.h"
#include "queue/index.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/recovery.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sekisho::queue;  // NOLINT(google-build-using-namespace): a program of one file

constexpr std::size_t kRecordsMax = 40;

std::string meta_for(RecordType type, std::uint8_t variant) {
    switch (type) {
        case RecordType::Message: {
            MessageMeta meta;
            meta.held = variant % 2 == 1;
            meta.envelope.recipients.resize(variant % 4);
            return encode(meta);
        }
        case RecordType::Outcome: {
            OutcomeMeta meta;
            meta.recipients.resize(variant % 4);
            return encode(meta);
        }
        case RecordType::Hold:
            return encode(HoldMeta{.reason = std::string(variant, 'r')});
        case RecordType::Release:
        case RecordType::Retry:
            return encode(DueMeta{});
        case RecordType::Trim:
            return encode(TrimMeta{.oldest = variant});
        case RecordType::Done:
        case RecordType::Drop:
        case RecordType::Close:
            break;
    }
    return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Index index;
    Recovery recovery(index);
    std::uint64_t sequence = 1;
    std::uint32_t ordinal = 1;
    std::size_t at = 0;
    std::string segment(kSegmentDataStart, '\0');
    // The same from hints, as far as there are any: the index must come out alike.
    Index hinted_index;
    Recovery hinted(hinted_index);
    std::uint64_t first = 1;
    const auto close = [&] {
        const SegmentHeader header{
            .stamp = 7, .ordinal = ordinal, .oldest = 1, .sequence = first, .durable = first - 1
        };
        first = sequence + 1;
        HintWriter hints(1U << 20U);
        const std::uint64_t end = recovery.add(header, segment, true, hints);
        const std::string bytes = hints.take(7, ordinal, end);
        if (!hinted.add_hints(header, bytes, segment.size())) {
            HintWriter none(0);
            hinted.add(header, segment, true, none);
        }
        segment.assign(kSegmentDataStart, '\0');
    };
    for (std::size_t count = 0; at + 5 <= size && count < kRecordsMax; ++count, at += 5) {
        RecordHeader header{.stamp = 7, .ordinal = ordinal};
        header.type = static_cast<RecordType>(data[at] % 11);
        header.message = data[at + 1] % 8;
        header.sequence = sequence += data[at + 2] % 3;
        header.durable = sequence - data[at + 2] % 5;
        const std::string meta = meta_for(header.type, data[at + 3]);
        const std::string body(data[at + 3] % 32, 'b');
        header.meta_length = static_cast<std::uint32_t>(meta.size());
        header.body_length = static_cast<std::uint32_t>(body.size());
        header.meta_crc = sekisho::crc32c(meta);
        header.body_crc = sekisho::crc32c(body);
        std::string record = encode(header) + meta + body;
        record.resize(header.record_size(), '\0');
        const std::uint8_t damage = data[at + 4];
        if (damage != 0) {
            char& byte = record[damage * 7U % record.size()];
            byte = static_cast<char>(byte ^ 0x10);
        }
        segment += record;
        if (damage % 16 == 15) {
            close();
            ordinal += 1 + damage / 128;
        }
    }
    segment.append(reinterpret_cast<const char*>(data) + at, size - at);
    close();
    const Recovery::Report report = recovery.finish();
    const Recovery::Report same = hinted.finish();
    if (index.counts().scheduled != hinted_index.counts().scheduled ||
        index.counts().held != hinted_index.counts().held || report.records != same.records ||
        report.last_sequence != same.last_sequence || report.damage.size() != same.damage.size()) {
        std::abort();
    }
    Recovery any(hinted_index);
    (void)any.add_hints({.stamp = 7}, {reinterpret_cast<const char*>(data), size}, size);
    // What is left is consistent: everything scheduled can be taken, once.
    const std::uint64_t scheduled = index.counts().scheduled;
    std::uint64_t taken = 0;
    while (index.take_due(sekisho::from_ms(1LL << 50))) {
        ++taken;
    }
    if (taken != scheduled || !index.before(report.oldest).empty()) {
        std::abort();
    }
    return 0;
}

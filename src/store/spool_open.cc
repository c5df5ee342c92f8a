// Opening a spool: the folder's lock, every segment read and checked, the index rebuilt.
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "queue/fact.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "queue/recovery.h"
#include "queue/scan.h"
#include "queue/spool.h"
#include "store/segment_file.h"
#include "store/segment_set.h"
#include "store/spool_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

// Hints of more than a part of the segment's own size save nothing.
std::size_t hint_bytes_max(const SpoolOptions& options) {
    constexpr std::uint64_t kPart = 8;
    return static_cast<std::size_t>(options.segment_size / kPart);
}

}  // namespace

// The segment's header, or what its first record says of it when both copies are lost.
Result<SpoolLog::Opened> SpoolLog::look_at(SegmentFolder& folder, const std::string& name) {
    Result<std::unique_ptr<SegmentFile>> file = folder.open(name);
    if (!file) {
        return fail(file.error());
    }
    Opened found{.name = name, .file = std::move(*file), .header = {}};
    if (found.file->size() < queue::kSegmentDataStart) {
        found.blank = true;  // its making was interrupted
        return found;
    }
    const Result<std::string> start = found.file->read(0, queue::kSegmentDataStart);
    if (!start) {
        return fail(start.error());
    }
    if (const auto header = queue::decode_segment_header(*start)) {
        found.header = *header;
        return found;
    }
    const Result<std::string> all = found.file->read(0, found.file->size());
    if (!all) {
        return fail(all.error());
    }
    const auto record = queue::first_record(*all);
    found.blank = !record || record->ordinal == 0;
    if (!found.blank) {
        found.header.stamp = record->stamp;
        found.header.ordinal = record->ordinal;
        found.header.sequence = record->sequence;
        // The segment's very first record says how far it was synced before. Any other one may have
        // been written with some before it.
        const auto very_first =
            queue::decode_record_header(std::string_view(*all).substr(queue::kSegmentDataStart));
        found.header.durable = very_first ? record->durable : record->sequence - 1;
        log::warning("SPOOL_HEADER_LOST", "a segment's header is damaged", {{"error", name}});
    }
    return found;
}

Result<std::unique_ptr<queue::Spool>> SpoolLog::open(SpoolOptions options) {
    // Room for a few records at least; the upper bound is that of a Location.
    if (options.segment_size < 2 * queue::kSegmentDataStart ||
        options.segment_size > (std::uint64_t{1} << 34U)) {
        return fail(
            Errc::Invalid, fmt::format("segment size {} is out of range", options.segment_size)
        );
    }
    if (!options.folder) {
        Result<std::unique_ptr<SegmentFolder>> folder = open_segment_folder(options.directory);
        if (!folder) {
            return fail(folder.error());
        }
        options.folder = std::move(*folder);
    }
    if (!options.clock) {
        options.clock = [] { return now(); };
    }
    if (Status locked = options.folder->lock(); !locked) {
        return fail(locked.error());
    }
    std::unique_ptr<SpoolLog> spool(new SpoolLog(std::move(options)));
    if (Status recovered = spool->recover(); !recovered) {
        return fail(recovered.error());
    }
    spool->start();
    return spool;
}

SpoolLog::SpoolLog(SpoolOptions options)
    : options_(std::move(options)),
      retry_{.waits = options_.retry, .expire = options_.expire, .jitter = options_.retry_jitter},
      folder_(options_.folder),
      hints_(hint_bytes_max(options_)) {
    const SegmentSet::Options set{
        .segment_size = options_.segment_size,
        .background = options_.background_spares,
        .retry_wait_ms = static_cast<std::uint32_t>(options_.trouble_wait.count()),
    };
    segments_ = std::make_unique<SegmentSet>(folder_, set);
}

// Whether a record of the segment's present use can be read in it.
Result<bool> SpoolLog::has_records(const Opened& found) {
    const Result<std::string> bytes = found.file->read(0, found.file->size());
    if (!bytes) {
        return fail(bytes.error());
    }
    bool any = false;
    queue::ScanSink sink;
    sink.record = [&](const queue::ScannedRecord&) { any = true; };
    sink.gap = [](std::uint64_t, std::uint64_t) {};
    const queue::ScanOf of{
        .stamp = found.header.stamp, .ordinal = found.header.ordinal, .verify_bodies = false
    };
    queue::scan_segment(*bytes, of, sink);
    return any;
}

// Reads a segment's valid part into the recovery, and keeps its hints for the next opening.
Result<std::uint64_t> SpoolLog::read_through(
    Opened& found, std::uint64_t end, queue::Recovery& recovery
) {
    const Result<std::string> bytes = found.file->read(0, std::min(end, found.file->size()));
    if (!bytes) {
        return fail(bytes.error());
    }
    queue::HintWriter hints(hint_bytes_max(options_));
    const std::uint64_t valid =
        recovery.add(found.header, *bytes, options_.verify_bodies_on_open, hints);
    const std::string told = hints.take(found.header.stamp, found.header.ordinal, valid);
    // Of the last segment nobody knows yet whether all of it is synced.
    const bool sealed = end != std::numeric_limits<std::uint64_t>::max();
    if (options_.use_hints && sealed && !told.empty()) {
        (void)folder_->write_hints(found.name, told);
    }
    return valid;
}

// Takes a segment over, by its hints where they are good.
Status SpoolLog::load(Opened found, std::uint64_t end, queue::Recovery& recovery) {
    std::optional<std::uint64_t> valid;
    if (options_.use_hints) {
        if (const Result<std::string> hints = folder_->read_hints(found.name)) {
            valid = recovery.add_hints(found.header, *hints, std::min(end, found.file->size()));
        }
    }
    unsealed_ = !valid;
    if (!valid) {
        const Result<std::uint64_t> read = read_through(found, end, recovery);
        if (!read) {
            return fail(read.error());
        }
        valid = *read;
    }
    auto segment = std::make_shared<Segment>();
    segment->ordinal = found.header.ordinal;
    segment->stamp = found.header.stamp;
    segment->name = std::move(found.name);
    segment->end = *valid;
    segment->file = std::move(found.file);
    previous_end_ = segment->end;
    segments_->adopt(std::move(segment));
    return {};
}

// A killed process leaves its last records with the kernel. They count, so they must be synced, and
// that takes writing them once more: after a flush that failed the kernel calls its pages clean,
// and no later flush writes them. What has hints was synced before those were made.
Status SpoolLog::settle_tail() {
    const auto all = segments_->all();
    if (all.empty() || !unsealed_) {
        return {};
    }
    const Segment& last = *all.back();
    const Result<std::string> bytes = last.file->read(0, last.end);
    if (!bytes) {
        return fail(bytes.error());
    }
    const std::array<std::string_view, 1> pieces = {*bytes};
    if (Status written = last.file->write(0, pieces); !written) {
        return written;
    }
    return last.file->sync();
}

void SpoolLog::conclude(queue::Recovery::Report report) {
    last_sequence_ = synced_sequence_ = report.last_sequence;
    open_durable_ = report.durable;
    closed_ = report.closed_in_order && report.damage.empty();
    oldest_ = std::max(oldest_, report.oldest);
    last_message_ = std::max(last_message_, report.last_message);
    const auto all = segments_->all();
    const bool torn = std::any_of(report.damage.begin(), report.damage.end(), [](const auto& d) {
        return d.kind == queue::Damage::Kind::TornTail;
    });
    if (!torn) {
        open_durable_ = report.last_sequence;
    }
    for (const auto& segment : all) {
        if (segment->ordinal >= oldest_) {
            sealed_bytes_ += segment->end - queue::kSegmentDataStart;
        }
    }
    std::move(report.damage.begin(), report.damage.end(), std::back_inserter(damage_));
}

// Of two files with one ordinal, the one whose records are that segment's stays in `used`. The
// other got its header by a write that was reported as failed, and another file was taken instead.
Status SpoolLog::settle_twins(std::vector<Opened>& used) {
    std::vector<Opened> kept;
    for (Opened& found : used) {
        if (kept.empty() || kept.back().header.ordinal != found.header.ordinal) {
            kept.push_back(std::move(found));
            continue;
        }
        const Result<bool> earlier = has_records(kept.back());
        const Result<bool> later = has_records(found);
        if (!earlier || !later) {
            return fail(!earlier ? earlier.error() : later.error());
        }
        if (*earlier && *later) {
            damage_.push_back(
                {.segment = found.header.ordinal,
                 .text = found.name + ": another file is this segment; it was left alone"}
            );
            continue;
        }
        if (*later) {
            std::swap(kept.back(), found);
        }
        segments_->adopt_spare(found.name, std::move(found.file));
    }
    used = std::move(kept);
    return {};
}

Status SpoolLog::recover() {
    const Result<std::vector<std::string>> names = folder_->names();
    if (!names) {
        return fail(names.error());
    }
    std::vector<Opened> used;
    for (const std::string& name : *names) {
        Result<Opened> found = look_at(*folder_, name);
        if (!found) {
            return fail(found.error());
        }
        if (found->blank) {
            segments_->adopt_spare(found->name, std::move(found->file));
        } else {
            used.push_back(std::move(*found));
        }
    }
    std::sort(used.begin(), used.end(), [](const Opened& a, const Opened& b) {
        return a.header.ordinal < b.header.ordinal;
    });
    if (Status settled = settle_twins(used); !settled) {
        return settled;
    }
    for (const Opened& found : used) {
        oldest_ = std::max(oldest_, found.header.oldest);
        last_message_ = std::max(last_message_, found.header.last_message);
        segments_->floor(found.header.ordinal);
    }
    queue::Recovery recovery(index_, [&](queue::MessageNumber number, std::string_view record) {
        (void)folder_->put_aside(queue::format_queue_id(number), record);
    });
    // Sequence numbers grow from segment to segment. Those that were given up at their first write
    // may have lost their header, and then begin with some later record: the least of all that
    // follow.
    std::vector<std::uint64_t> ends(used.size(), 0);
    for (std::size_t i = used.size(); i-- > 1;) {
        const std::uint64_t next = used[i].header.sequence;
        ends[i - 1] = ends[i] == 0 ? next : std::min(ends[i], next);
    }
    for (std::size_t i = 0; i < used.size(); ++i) {
        const queue::SegmentHeader& header = used[i].header;
        if (header.ordinal < oldest_) {
            segments_->adopt_spare(used[i].name, std::move(used[i].file));
            continue;
        }
        std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
        if (i + 1 < used.size() && used[i + 1].header.ordinal == header.ordinal + 1 &&
            used[i + 1].header.previous_end != 0) {
            end = used[i + 1].header.previous_end;
        }
        recovery.ends_before(ends[i]);
        if (Status loaded = load(std::move(used[i]), end, recovery); !loaded) {
            return loaded;
        }
    }
    if (Status settled = settle_tail(); !settled) {
        return settled;
    }
    conclude(recovery.finish());
    return {};
}

void SpoolLog::start() {
    for (const queue::Damage& damage : damage_) {
        const bool torn = damage.kind == queue::Damage::Kind::TornTail;
        log::write(
            torn ? log::Level::Info : log::Level::Error,
            torn ? "SPOOL_TORN_TAIL" : "SPOOL_DAMAGED",
            damage.text,
            {{"queue_id", damage.queue_id},
             {"kind", name(damage.kind)},
             {"segment", static_cast<std::int64_t>(damage.segment)},
             {"offset", static_cast<std::int64_t>(damage.offset)}}
        );
    }
    segments_->start();
    // Segments that a Trim record had given up before the crash.
    segments_->trim(oldest_);
    started_ = true;
    if (!options_.stepped) {
        committer_ = std::thread([this] { run(); });
    }
}

SpoolLog::~SpoolLog() {
    if (!started_) {
        return;
    }
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    if (options_.stepped) {
        while (!incoming_.empty()) {
            (void)step();
        }
        close_log();
        return;
    }
    work_.notify_one();
    committer_.join();
}

}  // namespace sekisho::store

#include "store/segment_set.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "queue/record.h"
#include "store/segment_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

constexpr std::size_t kReserve = 1;
constexpr std::size_t kReady = 1;  // spares made ahead besides the reserve

std::uint64_t random_stamp() {
    std::uint64_t stamp = 0;
    const std::string bytes = random_bytes(sizeof stamp);
    std::memcpy(&stamp, bytes.data(), sizeof stamp);
    return stamp;
}

}  // namespace

SegmentSet::SegmentSet(std::shared_ptr<SegmentFolder> folder, const Options& options)
    : folder_(std::move(folder)), options_(options) {}

SegmentSet::~SegmentSet() {
    if (maker_.joinable()) {
        maker_.request_stop();
        maker_.join();
    }
}

void SegmentSet::adopt(std::shared_ptr<Segment> segment) {
    const std::scoped_lock lock(mutex_);
    next_name_ = std::max(next_name_, segment_number(segment->name) + 1);
    last_ordinal_ = std::max(last_ordinal_, segment->ordinal);
    const std::uint32_t ordinal = segment->ordinal;
    segments_.emplace(ordinal, std::move(segment));
}

void SegmentSet::adopt_spare(std::string name, std::unique_ptr<SegmentFile> file) {
    const std::scoped_lock lock(mutex_);
    next_name_ = std::max(next_name_, segment_number(name) + 1);
    keep_or_remove({.name = std::move(name), .file = std::move(file)});
}

void SegmentSet::keep_or_remove(Spare spare) {
    if (spare.file->size() == options_.segment_size && spares_.size() < options_.spares_max) {
        spare.file->restart();
        spares_.push_back(std::move(spare));
        return;
    }
    spare.file.reset();
    // Should the name come back after a crash, its ordinal is below the oldest needed.
    if (const Status removed = folder_->remove(spare.name); !removed) {
        log::warning(
            "SPOOL_REMOVE_FAILED", "a finished segment stays", {{"error", removed.error().message}}
        );
    }
}

void SegmentSet::floor(std::uint32_t ordinal) {
    const std::scoped_lock lock(mutex_);
    last_ordinal_ = std::max(last_ordinal_, ordinal);
}

void SegmentSet::start() {
    if (options_.background) {
        maker_ = std::jthread([this](const std::stop_token& stop) { make_spares(stop); });
        return;
    }
    if (figures().spares >= kReserve) {
        return;
    }
    // Without it the spool opens all the same: the disk may be full.
    if (Result<Spare> made = make_file(options_.segment_size)) {
        const std::scoped_lock lock(mutex_);
        spares_.push_back(std::move(*made));
    }
}

Result<SegmentSet::Spare> SegmentSet::make_file(std::uint64_t size) {
    std::string name;
    {
        const std::scoped_lock lock(mutex_);
        name = segment_name(next_name_++);
    }
    Result<std::unique_ptr<SegmentFile>> file = folder_->create(name, size);
    if (!file) {
        return fail(file.error());
    }
    return Spare{.name = std::move(name), .file = std::move(*file)};
}

void SegmentSet::make_spares(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        reap();
        if (spares_.size() >= kReserve + kReady) {
            wanted_.wait(lock, stop, [&] { return spares_.size() < kReserve + kReady; });
            continue;
        }
        lock.unlock();
        Result<Spare> made = make_file(options_.segment_size);
        lock.lock();
        if (made) {
            spares_.push_back(std::move(*made));
        } else {
            const auto wait = std::chrono::milliseconds(options_.retry_wait_ms);
            wanted_.wait_for(lock, stop, wait, [] { return false; });
        }
    }
}

void SegmentSet::reap() {
    for (auto it = retiring_.begin(); it != retiring_.end();) {
        // Pins are only made under the lock and from segments_, so the count can't grow again.
        if (it->use_count() > 1) {
            ++it;
            continue;
        }
        keep_or_remove({.name = (*it)->name, .file = std::move((*it)->file)});
        it = retiring_.erase(it);
    }
}

std::optional<SegmentSet::Spare> SegmentSet::take_spare(bool urgent) {
    const std::scoped_lock lock(mutex_);
    reap();
    if (spares_.size() <= (urgent ? 0 : kReserve)) {
        return std::nullopt;
    }
    Spare spare = std::move(spares_.back());
    spares_.pop_back();
    wanted_.notify_one();
    return spare;
}

Result<std::shared_ptr<Segment>> SegmentSet::begin(const Want& want, bool& header_tried) {
    header_tried = false;
    const std::uint64_t size =
        std::max(options_.segment_size, queue::kSegmentDataStart + want.room);
    std::optional<Spare> spare;
    if (size == options_.segment_size) {
        spare = take_spare(want.urgent);
    }
    if (!spare) {
        Result<Spare> made = make_file(size);
        if (!made) {
            return fail(made.error());
        }
        spare = std::move(*made);
    }
    auto segment = std::make_shared<Segment>();
    segment->stamp = random_stamp();
    segment->name = spare->name;
    segment->file = std::move(spare->file);
    segment->end = queue::kSegmentDataStart;
    queue::SegmentHeader header = want.header;
    {
        const std::scoped_lock lock(mutex_);
        segment->ordinal = last_ordinal_ + 1;
    }
    header.ordinal = segment->ordinal;
    header.stamp = segment->stamp;
    if (header.oldest == 0) {
        header.oldest = header.ordinal;
    }
    const std::string block = encode(header);
    const std::array<std::string_view, 1> pieces = {block};
    header_tried = true;
    const Status written = segment->file->write(0, pieces);
    const std::scoped_lock lock(mutex_);
    if (!written) {
        keep_or_remove({.name = segment->name, .file = std::move(segment->file)});
        return fail(written.error());
    }
    last_ordinal_ = segment->ordinal;
    segments_.emplace(segment->ordinal, segment);
    return segment;
}

void SegmentSet::trim(std::uint32_t oldest) {
    const std::scoped_lock lock(mutex_);
    while (!segments_.empty() && segments_.begin()->first < oldest) {
        retiring_.push_back(std::move(segments_.begin()->second));
        segments_.erase(segments_.begin());
        ++recycled_;
    }
    reap();
}

std::shared_ptr<Segment> SegmentSet::pin(std::uint32_t ordinal) const {
    const std::scoped_lock lock(mutex_);
    const auto found = segments_.find(ordinal);
    return found == segments_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Segment>> SegmentSet::all() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<Segment>> list;
    list.reserve(segments_.size());
    for (const auto& [ordinal, segment] : segments_) {
        list.push_back(segment);
    }
    return list;
}

SegmentSet::Figures SegmentSet::figures() const {
    const std::scoped_lock lock(mutex_);
    Figures figures;
    figures.segments = segments_.size();
    for (const auto& [ordinal, segment] : segments_) {
        figures.bytes += segment->file->size();
    }
    figures.spares = spares_.size();
    figures.recycled = recycled_;
    return figures;
}

}  // namespace sekisho::store

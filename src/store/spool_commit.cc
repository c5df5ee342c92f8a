// The committer: one thread that makes what has come together durable, applies it and calls back.
#include "base/assert.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "queue/fact.h"
#include "queue/index.h"
#include "queue/queue_id.h"
#include "queue/record.h"
#include "store/segment_set.h"
#include "store/spool_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using queue::RecordType;

constexpr std::array<char, queue::kRecordAlign> kPadding{};
constexpr std::size_t kOutcomesEnough = 64;

// Takes the records that answer true out of `batch`, from `first` on; both keep their order.
template <class Batch, class Predicate>
Batch take_out(Batch& batch, std::size_t first, const Predicate& predicate) {
    Batch taken;
    std::size_t keep = first;
    for (std::size_t i = first; i < batch.size(); ++i) {
        if (predicate(batch[i])) {
            taken.push_back(std::move(batch[i]));
        } else if (i != keep++) {
            batch[keep - 1] = std::move(batch[i]);
        }
    }
    batch.resize(keep);
    return taken;
}

}  // namespace

bool SpoolLog::is_append(const Pending& record) {
    return record.role == Role::Append;
}

void SpoolLog::run() {
    std::unique_lock lock(mutex_);
    while (turn(lock)) {
    }
    lock.unlock();
    close_log();
}

// One commit. False when the spool closes and nothing is left to do.
bool SpoolLog::turn(std::unique_lock<std::mutex>& lock) {
    Batch batch;
    if (!gather(lock, batch)) {
        return false;
    }
    lock.unlock();
    compose_reroutes(batch);
    plan_upkeep(batch);
    commit(std::move(batch));
    lock.lock();
    return true;
}

bool SpoolLog::step() {
    SEKISHO_ASSERT(options_.stepped);
    std::unique_lock lock(mutex_);
    const bool work = !incoming_.empty() || !backlog_.empty() || upkeep_wanted();
    return work && turn(lock);
}

// Waits for work and takes it. False when the spool closes and nothing is left to do.
bool SpoolLog::gather(std::unique_lock<std::mutex>& lock, Batch& batch) {
    const auto retry_due = [&] { return !trouble_ || Clock::now() >= trouble_until_; };
    while (incoming_.empty() && !(upkeep_wanted() && retry_due()) &&
           (backlog_.empty() || !retry_due())) {
        if (stopping_) {
            return false;
        }
        wanted_ = 1;
        if (trouble_ && !retry_due()) {
            work_.wait_until(lock, trouble_until_);
        } else {
            work_.wait(lock);
        }
        wanted_ = 0;
    }
    wait_for_company_of_outcomes(lock);
    // Company is waited for only when the last commit had some: a single writer never waits.
    if (expected_ > 1 && incoming_.size() < expected_ && !stopping_ && !trouble_ &&
        options_.commit_wait.count() > 0) {
        wanted_ = expected_;
        work_.wait_for(lock, options_.commit_wait, [&] {
            return incoming_.size() >= expected_ || stopping_;
        });
        wanted_ = 0;
    }
    std::uint64_t bytes = 0;
    const auto take = [&](std::deque<Pending>& from) {
        while (!from.empty() && bytes < options_.batch_bytes_max) {
            bytes += from.front().meta.size() + from.front().body.size();
            batch.push_back(std::move(from.front()));
            from.pop_front();
        }
    };
    if (retry_due()) {
        take(backlog_);
    }
    take(incoming_);
    const auto outcomes = std::ranges::count(batch, Role::Finish, &Pending::role);
    expected_ = std::max<std::size_t>(batch.size() - static_cast<std::size_t>(outcomes), 1);
    return true;
}

bool SpoolLog::only_outcomes() const {
    return backlog_.empty() && !incoming_.empty() && incoming_.size() < kOutcomesEnough &&
           std::ranges::all_of(
               incoming_, [](const Pending& one) { return one.role == Role::Finish; }
           );
}

// Each flush costs as much as a message: when nobody waits for an answer, outcomes gather.
void SpoolLog::wait_for_company_of_outcomes(std::unique_lock<std::mutex>& lock) {
    if (options_.stepped || trouble_ || options_.outcome_wait.count() == 0 || !only_outcomes()) {
        return;
    }
    wanted_ = kOutcomesEnough;
    patient_ = true;
    work_.wait_for(lock, options_.outcome_wait, [this] { return stopping_ || !only_outcomes(); });
    wanted_ = 0;
    patient_ = false;
}

void SpoolLog::commit(Batch batch) {
    refuse_appends(batch);
    std::size_t first = 0;
    while (first < batch.size()) {
        std::size_t last = first;
        const Status written = write_some(batch, first, last);
        if (written) {
            acknowledge(batch, first, last);
            first = last;
            continue;
        }
        // Only appends are kept away from the reserve: without them the rest may go on.
        if (written.error().code == Errc::Full && last == first &&
            batch[first].role == Role::Append) {
            set_full(written.error(), Clock::now() + options_.trouble_wait);
            Batch appends = take_out(batch, first, is_append);
            give_up(appends, 0, written.error());
            continue;
        }
        set_trouble(written.error());
        give_up(batch, first, written.error());
        return;
    }
}

// Appends are refused while the disk is nearly full, and everything just after a failed write.
void SpoolLog::refuse_appends(Batch& batch) {
    if (trouble_ && Clock::now() < trouble_until_) {
        give_up(batch, 0, *trouble_);
        batch.clear();
        return;
    }
    if (std::none_of(batch.begin(), batch.end(), is_append)) {
        return;
    }
    if (!full_ || Clock::now() >= full_until_) {
        const Result<std::uint64_t> free = folder_->free_space();
        if (!free || *free >= options_.free_space_min) {
            return;
        }
        set_full({Errc::Full, "the disk of the spool is nearly full"}, Clock::now());
    }
    const Error error = full_.value_or(Error{Errc::Full, "no space"});
    Batch appends = take_out(batch, 0, is_append);
    give_up(appends, 0, error);
}

// Writes batch[first, last) and syncs it: as many records as fit the current segment.
Status SpoolLog::write_some(Batch& batch, std::size_t first, std::size_t& last) {
    if (Status room = make_room(batch[first]); !room) {
        return room;
    }
    std::uint64_t end = current_->end;
    while (last < batch.size()) {
        const std::uint64_t size =
            queue::record_size(batch[last].meta.size(), batch[last].body.size());
        if (end + size > current_->file->size()) {
            break;
        }
        end += size;
        ++last;
    }
    return write_chunk(batch, first, last);
}

Status SpoolLog::make_room(const Pending& next) {
    const std::uint64_t size = queue::record_size(next.meta.size(), next.body.size());
    if (current_ && current_->end + size <= current_->file->size()) {
        return {};
    }
    SegmentSet::Want want;
    want.room = size;
    want.urgent = next.role != Role::Append;
    want.header.oldest = oldest_;
    want.header.previous_end = previous_end_;
    want.header.sequence = last_sequence_ + 1;
    want.header.durable = open_durable_.value_or(last_sequence_);
    {
        const std::scoped_lock lock(mutex_);
        want.header.last_message = last_message_;
    }
    bool header_tried = false;
    Result<std::shared_ptr<Segment>> begun = segments_->begin(want, header_tried);
    if (!begun) {
        if (header_tried) {
            end_segment();
        }
        return fail(begun.error());
    }
    seal();
    const std::scoped_lock lock(mutex_);
    sealed_bytes_ += current_ ? current_->end - queue::kSegmentDataStart : 0;
    current_ = std::move(*begun);
    previous_end_ = current_->end;
    oldest_ = oldest_ == 0 ? current_->ordinal : oldest_;
    return {};
}

// Nothing more is written to the current segment.
void SpoolLog::end_segment() {
    seal();
    const std::scoped_lock lock(mutex_);
    sealed_bytes_ += current_ ? current_->end - queue::kSegmentDataStart : 0;
    current_.reset();
}

Status SpoolLog::write_chunk(Batch& batch, std::size_t first, std::size_t last) {
    closed_ = false;
    std::vector<std::string> headers;
    headers.reserve(last - first);
    std::vector<std::string_view> pieces;
    pieces.reserve((last - first) * 4);
    std::uint64_t offset = current_->end;
    std::uint64_t sequence = last_sequence_;
    for (std::size_t i = first; i < last; ++i) {
        Pending& record = batch[i];
        queue::RecordHeader& header = record.header;
        header.stamp = current_->stamp;
        header.ordinal = current_->ordinal;
        header.sequence = ++sequence;
        header.durable = open_durable_.value_or(last_sequence_);
        record.at = queue::Location::at(current_->ordinal, offset);
        const std::uint64_t size = header.record_size();
        offset += size;
        record.end = offset;
        headers.push_back(encode(header));
        pieces.emplace_back(headers.back());
        pieces.emplace_back(record.meta);
        pieces.emplace_back(record.body);
        pieces.emplace_back(
            kPadding.data(),
            size - queue::kRecordHeaderSize - record.meta.size() - record.body.size()
        );
    }
    Status done = current_->file->write(current_->end, pieces);
    if (done) {
        done = current_->file->sync();
    }
    const std::scoped_lock lock(mutex_);
    if (!done) {
        // What of this chunk reached the disk is unknown, and after a failed sync stays unknown.
        // The segment ends before it; the next one's header will say so.
        sealed_bytes_ += current_->end - queue::kSegmentDataStart;
        current_.reset();
        hints_.clear();
        ++counters_.write_errors_total;
        return done;
    }
    counters_.synced_bytes_total += offset - current_->end;
    ++counters_.commits_total;
    current_->end = previous_end_ = offset;
    last_sequence_ = sequence;
    open_durable_.reset();
    return {};
}

void SpoolLog::apply(const Pending& record) {
    const queue::RecordHeader& header = record.header;
    const queue::Fact fact{
        .type = header.type,
        .message = header.message,
        .sequence = header.sequence,
        .at = record.at,
        .size = header.record_size(),
        .due = record.due,
        .expires = record.expires,
        .attempts = record.attempts,
        .held = record.held,
        .lane = record.lane,
        .trim = header.type == RecordType::Trim
                    ? queue::decode_trim(record.meta).value_or(queue::TrimMeta{})
                    : queue::TrimMeta{},
    };
    queue::apply(index_, fact);
    hints_.add(fact);
    if (header.type == RecordType::Message) {
        counters_.appended_total += record.role == Role::Append ? 1 : 0;
        counters_.carried_total += record.role == Role::Upkeep ? 1 : 0;
    } else if (header.type == RecordType::Done || header.type == RecordType::Drop) {
        in_delivery_.erase(header.message);
    }
}

void SpoolLog::seal() {
    if (!current_) {
        return;
    }
    const std::string hints = hints_.take(current_->stamp, current_->ordinal, current_->end);
    if (options_.use_hints && !hints.empty()) {
        (void)folder_->write_hints(current_->name, hints);
    }
}

void SpoolLog::acknowledge(Batch& batch, std::size_t first, std::size_t last) {
    const std::uint64_t covered = current_->file->synced_end();
    std::shared_ptr<const std::vector<std::function<void()>>> wakes;
    {
        const std::scoped_lock lock(mutex_);
        const std::optional<Time> before = index_.next_due();
        for (std::size_t i = first; i < last; ++i) {
            if (batch[i].end <= covered) {
                synced_sequence_ = batch[i].header.sequence;
            }
            apply(batch[i]);
        }
        const std::optional<Time> after = index_.next_due();
        if (after && (!before || *after < *before)) {
            wakes = wakes_;
        }
    }
    clear_trouble(std::any_of(
        batch.begin() + static_cast<std::ptrdiff_t>(first),
        batch.begin() + static_cast<std::ptrdiff_t>(last),
        is_append
    ));
    for (std::size_t i = first; i < last; ++i) {
        Status status;
        if (batch[i].header.sequence > synced_sequence_) {
            // The promise of 250 would be broken here. It isn't given.
            {
                const std::scoped_lock lock(mutex_);
                ++counters_.acks_before_durable_total;
            }
            log::error(
                "SPOOL_NOT_DURABLE",
                "a record was about to be acknowledged before it was synced",
                {{"queue_id", queue::format_queue_id(batch[i].header.message)}}
            );
            status = fail(Errc::Unavailable, "the record isn't on stable storage");
        }
        if (batch[i].done) {
            batch[i].done(status);
        }
    }
    if (wakes) {
        for (const auto& wake : *wakes) {
            wake();
        }
    }
}

// batch[first, end) could not be written.
void SpoolLog::give_up(Batch& batch, std::size_t first, const Error& error) {
    const Status failed = fail(error);
    for (std::size_t i = first; i < batch.size(); ++i) {
        Pending& record = batch[i];
        const std::function<void(const Status&)> done = std::exchange(record.done, nullptr);
        {
            const std::scoped_lock lock(mutex_);
            counters_.append_failures_total += record.role == Role::Append ? 1 : 0;
            if (record.role == Role::Finish) {
                backlog_.push_back(std::move(record));
            }
        }
        if (done) {
            done(failed);
        }
    }
}

void SpoolLog::set_trouble(const Error& error) {
    if (!trouble_) {
        log::error("SPOOL_UNWRITABLE", "the spool can't be written", {{"error", error.message}});
    }
    trouble_ = error;
    trouble_until_ = Clock::now() + options_.trouble_wait;
    const std::scoped_lock lock(mutex_);
    counters_.writable = false;
}

void SpoolLog::set_full(const Error& error, Clock::time_point until) {
    if (!full_) {
        log::error("SPOOL_FULL", "new mail is refused", {{"error", error.message}});
    }
    full_ = error;
    full_until_ = until;
    const std::scoped_lock lock(mutex_);
    counters_.writable = false;
}

void SpoolLog::clear_trouble(bool appended) {
    if (!trouble_ && !(full_ && appended)) {
        return;
    }
    trouble_.reset();
    if (appended) {
        full_.reset();
    }
    const std::scoped_lock lock(mutex_);
    counters_.writable = !full_;
    if (counters_.writable) {
        log::info("SPOOL_WRITABLE", "the spool takes mail again");
    }
}

void SpoolLog::close_log() {
    // Outcomes that can't be written now are lost: their messages are tried again after a restart.
    Batch rest;
    {
        const std::scoped_lock lock(mutex_);
        std::move(backlog_.begin(), backlog_.end(), std::back_inserter(rest));
        backlog_.clear();
    }
    // A second Close would cost a segment and say nothing.
    if (closed_ && rest.empty()) {
        return;
    }
    trouble_until_ = {};
    rest.push_back(make_pending(Role::Upkeep, RecordType::Close, 0, {}));
    commit(std::move(rest));
    seal();
    const std::scoped_lock lock(mutex_);
    for (const Pending& lost : backlog_) {
        log::error(
            "SPOOL_OUTCOME_LOST",
            "the outcome of a try could not be written; it will be tried again",
            {{"queue_id", queue::format_queue_id(lost.header.message)}}
        );
    }
}

}  // namespace sekisho::store

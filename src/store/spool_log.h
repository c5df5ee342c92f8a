// The spool as a log of segment files: queue::Spool with one committer thread.
//
// Every change is a record. Callers encode theirs and put it in a list; the committer writes what
// has come together with one pwritev and one fdatasync, applies it to the index and only then calls
// back. What an append's callback says is therefore on stable storage, and that is checked once
// more against the file's own account before each call.
//
// When the disk fails: appends and the operator's commands get the error, outcomes of tries are
// kept in memory and written when the disk is back (their messages aren't handed out until then).
// A segment in which a write or sync failed isn't written to again; the next segment's header says
// where its valid records end. docs/queue.md has the states and what a crash leaves of each.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "queue/fact.h"
#include "queue/index.h"
#include "queue/lane.h"
#include "queue/record.h"
#include "queue/recovery.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "store/segment_file.h"
#include "store/segment_set.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sekisho::store {

struct SpoolOptions {
    std::string directory;
    std::uint64_t segment_size = 64ULL * 1024 * 1024;
    Duration commit_wait{1};  // the longest wait for company before a commit
    // How long outcomes wait for company when nobody waits for them but they: a crash in this time
    // may repeat a delivery, as it may between the other server's answer and the disk in any case.
    Duration outcome_wait{3};
    std::uint64_t free_space_min = 256ULL * 1024 * 1024;  // below it append() gives Full
    std::vector<Duration> retry;                          // empty: queue::RetrySchedule's
    Duration expire{5LL * 24 * 3600 * 1000};
    double retry_jitter = 0.2;

    std::uint64_t batch_bytes_max = 8ULL * 1024 * 1024;
    Duration trouble_wait{1000};  // after a failed write, until the next one is tried
    // Stragglers are carried forward when the bytes of finished messages exceed both this many
    // segments and the bytes of queued messages.
    std::uint32_t garbage_segments_max = 4;
    bool verify_bodies_on_open = true;  // of segments that are read
    // Sealed segments are known by their hints; without, every segment is read.
    bool use_hints = true;

    // For tests: another folder, another clock, no thread besides the committer.
    std::shared_ptr<SegmentFolder> folder;
    std::function<Time()> clock;
    bool background_spares = true;
    // No thread at all: step() is the committer, so that the caller decides what is committed
    // together and when.
    bool stepped = false;
};

class SpoolLog final : public queue::Spool {
  public:
    // Conflict when another process has the directory. Damage in the segments is no error: see
    // damage().
    [[nodiscard]] static Result<std::unique_ptr<queue::Spool>> open(SpoolOptions options);
    // Commits what was given to it, then closes. Nothing may be called any more.
    ~SpoolLog() override;
    SpoolLog(const SpoolLog&) = delete;
    SpoolLog& operator=(const SpoolLog&) = delete;

    std::string reserve_id() override;
    void append(queue::Envelope envelope, std::string message, Committed done) override;
    std::optional<queue::Entry> take_due(Time now) override;
    std::optional<Time> next_due() override;
    // Adds one to call; an empty function removes all.
    void on_wake(std::function<void()> wake) override;
    Result<std::string> message(std::string_view queue_id) override;
    std::optional<std::string> message_at_once(std::string_view queue_id) override;
    void finish(
        std::string_view queue_id, const queue::Outcome& outcome, std::function<void(Status)> done
    ) override;
    void give_back(std::string_view queue_id, Time due) override;
    std::vector<queue::Entry> list(std::size_t limit) override;
    void visit(const queue::Filter& filter, const Visitor& visitor) override;
    Result<queue::Entry> show(std::string_view queue_id) override;
    Status retry_now(std::string_view queue_id, Time now) override;
    Status hold(std::string_view queue_id, std::string reason) override;
    Status release(std::string_view queue_id, Time now) override;
    Status drop(std::string_view queue_id) override;
    std::vector<Status> act(const queue::Order& order, const std::vector<std::string>& queue_ids)
        override;
    queue::Compaction compact(bool begin) override;
    Counters counters() const override;
    std::vector<queue::Damage> damage() const override;

    // With SpoolOptions::stepped: one turn of the committer. False: there was nothing to do.
    bool step();

  private:
    enum class Role : std::uint8_t {
        Append,   // fails with the error
        Command,  // the same, but may use the reserve
        Finish,   // is kept until it can be written
        Upkeep,   // is made again when it is wanted again
    };
    struct Pending {
        Role role = Role::Append;
        queue::RecordHeader header;
        std::string meta, body;
        // What the index is told when the record is durable.
        queue::Location at;
        Time due{}, expires{};
        int attempts = 0;
        bool held = false;
        queue::Lane lane;
        std::optional<std::string> reroute;  // an order: the record is made by the committer
        std::uint64_t end = 0;               // in its segment
        std::function<void(const Status&)> done;
    };
    using Batch = std::vector<Pending>;
    using Clock = std::chrono::steady_clock;

    explicit SpoolLog(SpoolOptions options);

    // Opening (spool_open.cc).
    struct Opened {
        std::string name;
        std::unique_ptr<SegmentFile> file;
        queue::SegmentHeader header;
        bool blank = false;
    };
    [[nodiscard]] static Result<Opened> look_at(SegmentFolder& folder, const std::string& name);
    [[nodiscard]] static Result<bool> has_records(const Opened& found);
    [[nodiscard]] Status settle_twins(std::vector<Opened>& used);
    Status recover();
    [[nodiscard]] Status load(Opened found, std::uint64_t end, queue::Recovery& recovery);
    [[nodiscard]] Result<std::uint64_t> read_through(
        Opened& found, std::uint64_t end, queue::Recovery& recovery
    );
    [[nodiscard]] Status settle_tail();
    void conclude(queue::Recovery::Report report);
    void start();

    // API side (spool_log.cc, spool_read.cc).
    [[nodiscard]] static std::unexpected<Error> not_found(std::string_view queue_id);
    [[nodiscard]] static Pending make_pending(
        Role role, queue::RecordType type, queue::MessageNumber number, std::string meta
    );
    void push(Pending pending, std::unique_lock<std::mutex>& lock);
    Status command(const queue::Order& order, std::string_view queue_id);
    // Puts the record of the order in the list; `done` is called when it is durable.
    Status begin_command(
        queue::Order order, std::string_view queue_id, std::function<void(const Status&)> done
    );
    [[nodiscard]] Time release_time(const queue::Order& order, std::string_view queue_id);
    [[nodiscard]] Result<queue::Entry> read_entry(const queue::Index::Slot& slot);
    [[nodiscard]] Result<std::string> read_meta(
        const queue::Location& at, queue::MessageNumber number
    );
    [[nodiscard]] Result<Pending> read_record(
        const queue::Location& at,
        queue::MessageNumber number,
        std::optional<std::uint64_t> at_once = {}  // without waiting, up to so many bytes
    );
    [[nodiscard]] std::vector<queue::MessageNumber> candidates(const queue::Filter& filter);

    // Committer side (spool_commit.cc, spool_upkeep.cc).
    void run();
    [[nodiscard]] bool turn(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool gather(std::unique_lock<std::mutex>& lock, Batch& batch);
    [[nodiscard]] bool only_outcomes() const;
    void wait_for_company_of_outcomes(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool upkeep_wanted() const;
    void commit(Batch batch);
    void refuse_appends(Batch& batch);
    [[nodiscard]] Status write_some(Batch& batch, std::size_t first, std::size_t& last);
    [[nodiscard]] Status make_room(const Pending& next);
    void end_segment();
    [[nodiscard]] Status write_chunk(Batch& batch, std::size_t first, std::size_t last);
    void acknowledge(Batch& batch, std::size_t first, std::size_t last);
    void apply(const Pending& record);
    void seal();  // writes the current segment's hints
    void give_up(Batch& batch, std::size_t first, const Error& error);
    [[nodiscard]] static bool is_append(const Pending& record);
    void set_trouble(const Error& error);
    void set_full(const Error& error, Clock::time_point until);
    void clear_trouble(bool appended);
    void plan_upkeep(Batch& batch);
    void carry(std::uint32_t ordinal, Batch& batch);
    [[nodiscard]] Result<Pending> copy_of(
        const queue::Index::Slot& slot,
        const std::optional<std::string>& route = std::nullopt,
        Time due = {}
    );
    void compose_reroutes(Batch& batch);
    [[nodiscard]] std::uint64_t garbage() const;  // with the lock
    [[nodiscard]] queue::Compaction compaction(std::uint32_t until) const;
    [[nodiscard]] std::uint32_t compactable() const;
    void close_log();

    SpoolOptions options_;
    queue::RetrySchedule retry_;
    std::shared_ptr<SegmentFolder> folder_;
    std::unique_ptr<SegmentSet> segments_;
    std::vector<queue::Damage> damage_;

    mutable std::mutex mutex_;
    std::condition_variable work_;
    queue::Index index_;
    std::deque<Pending> incoming_;
    std::deque<Pending> backlog_;  // outcomes that couldn't be written yet
    std::size_t wanted_ = 0;  // the committer sleeps until so many are in incoming_; 0: it works
    bool patient_ = false;    // and all that is there are outcomes: others wake it at once
    // Recipients of the messages in delivery, as of before the try.
    std::unordered_map<queue::MessageNumber, queue::Envelope> in_delivery_;
    std::unordered_set<queue::MessageNumber> given_;  // ids chosen by callers, not yet durable
    queue::MessageNumber last_message_ = 0;
    std::shared_ptr<const std::vector<std::function<void()>>> wakes_;
    Counters counters_;
    bool started_ = false, stopping_ = false;
    std::uint64_t sealed_bytes_ = 0;   // of all segments but the current one
    std::uint32_t compact_until_ = 0;  // segments before it are to be given up, garbage or not

    // The committer's own.
    std::shared_ptr<Segment> current_;
    queue::HintWriter hints_;  // of its records
    std::uint64_t last_sequence_ = 0;
    std::uint64_t synced_sequence_ = 0;  // by the file's own account
    // From opening until the first commit: how far the log was known to be synced.
    std::optional<std::uint64_t> open_durable_;
    bool unsealed_ = false;  // opening: the last segment was read, not known by its hints
    bool closed_ = false;    // the log ends with Close, and nothing came after it
    std::uint64_t previous_end_ = 0;
    std::uint32_t oldest_ = 0;
    std::uint32_t carrying_ = 0;  // the segment that `to_carry_` is of
    std::vector<queue::MessageNumber> to_carry_;
    // A segment with a message that couldn't be read; not before the time is it tried again.
    std::uint32_t uncarriable_ = 0;
    Clock::time_point uncarriable_until_;
    std::size_t expected_ = 1;      // how many the last commit had
    std::optional<Error> trouble_;  // a write failed: nothing is written before trouble_until_
    Clock::time_point trouble_until_;
    std::optional<Error> full_;  // no appends before full_until_
    Clock::time_point full_until_;

    std::thread committer_;
};

}  // namespace sekisho::store

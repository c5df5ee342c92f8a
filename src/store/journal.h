// The journal of events in SQLite. append() puts a row into a bounded buffer; a thread of its own
// writes what has gathered in one transaction. While the database can't be written, rows wait and
// are tried again; when the buffer is full, new rows are dropped, counted and reported in the log.
// Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "store/sqlite.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::store {

struct JournalOptions {
    std::size_t buffer_max = 100'000;  // rows waiting to be written
    std::size_t batch_max = 2'000;     // rows a transaction
    Duration gather{20};               // how long a row may wait for company
    Duration retry{250};               // between tries while writing fails
    std::size_t block_rows = 16'384;   // of the index (event_index.h)
};

struct JournalCounters {
    std::uint64_t appended = 0, written = 0, dropped = 0, batches = 0, failed_batches = 0;
    std::size_t waiting = 0;
};

// Which rows are asked when the query names a field: those in no block of the index yet, or those
// that a block knows (event_index.h).
struct JournalRows {
    std::optional<std::int64_t> after;
    std::optional<std::vector<std::int64_t>> among;
};

// The query as SQL with its parameters in order, for find() and for a test that reads its plan.
// Rows are read in order of time, then id; several kinds without another field can't be read in
// order from one index, so find() asks for each and merges.
struct JournalSql {
    std::string text;
    std::vector<std::variant<std::int64_t, std::string>> values;
};
[[nodiscard]] JournalSql journal_sql(const event::Query& query, const JournalRows& rows = {});

class SqliteJournal final : public event::Journal {
  public:
    // Two connections, so that a long search doesn't hold up the writer.
    SqliteJournal(
        std::unique_ptr<Database> writing, std::unique_ptr<Database> reading, JournalOptions options
    );
    ~SqliteJournal() override;  // writes what is waiting, if it can be written at once
    SqliteJournal(const SqliteJournal&) = delete;
    SqliteJournal& operator=(const SqliteJournal&) = delete;

    void append(event::Event event) override;
    // The writer's error when what was appended can't be written now; it stays in the buffer.
    Status flush() override;
    [[nodiscard]] Result<std::vector<event::Event>> find(const event::Query& query) override;
    [[nodiscard]] Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time since
    ) override;

    [[nodiscard]] Result<std::vector<event::Tally>> tally(Time since, Duration step) override;

    // Forgets rows older than that; returns how many. Takes the lock for a few thousand at a time.
    Result<std::int64_t> forget_before(Time time);
    [[nodiscard]] JournalCounters counters() const;

  private:
    [[nodiscard]] Result<std::vector<event::Event>> find_once(
        const event::Query& query, const JournalRows& rows = {}
    );
    [[nodiscard]] Result<std::vector<event::Event>> find_named(const event::Query& query);
    void index_rows(std::size_t written);
    void write_loop();
    // Takes the rows to write next into in_hand_; none when the journal is closing.
    void gather(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] Status write(const std::vector<event::Event>& rows);
    void report_dropped(std::uint64_t dropped);

    const JournalOptions options_;
    std::unique_ptr<Database> writing_;  // of the thread alone
    std::size_t not_looked_at_ = 0;      // rows written since the index was; of the thread, too
    std::mutex reading_mutex_;
    std::unique_ptr<Database> reading_;

    mutable std::mutex mutex_;  // all that follows
    std::condition_variable wake_writer_;
    std::condition_variable progress_;
    std::deque<event::Event> waiting_;
    std::vector<event::Event> in_hand_;  // being written, or to be written again
    std::size_t wake_at_ = 0;            // so many in waiting_ wake the writer; 0: it works
    JournalCounters counters_;
    std::optional<Error> last_error_;
    bool flushing_ = false;
    bool closing_ = false;
    std::thread writer_;  // begun by the first append()
};

}  // namespace sekisho::store

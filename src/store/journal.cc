#include "store/journal.h"

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "store/event_index.h"
#include "store/event_row.h"
#include "store/sqlite.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::store {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO events (at, kind, address, line, account, queue_id, message_id, sender, "
    "recipient, rule, count, detail, reference, octets) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, "
    "?, ?)";

bool names_a_field(const event::Query& query) {
    return std::ranges::any_of(kEventFields, [&query](const auto& one) {
        return (query.*one.second).has_value();
    });
}

bool goes_before(const event::Event& a, const event::Event& b, bool newest_first) {
    const auto left = std::pair{a.at, a.id};
    const auto right = std::pair{b.at, b.id};
    return newest_first ? left > right : left < right;
}

// Brings what was found into order, and leaves no more than was asked for.
void settle(std::vector<event::Event>& found, const event::Query& query) {
    std::ranges::sort(found, [&query](const event::Event& a, const event::Event& b) {
        return goes_before(a, b, query.newest_first);
    });
    found.resize(std::min(found.size(), query.limit));
}

// In the order in which rows of them are wanted; without those that can have none.
std::vector<EventBlock> worth_asking(std::vector<EventBlock> blocks, const event::Query& query) {
    std::erase_if(blocks, [&query](const EventBlock& block) {
        return (query.since && block.until < *query.since) ||
               (query.until && block.since >= *query.until) ||
               (query.after_id && block.last <= *query.after_id);
    });
    std::ranges::sort(blocks, [&query](const EventBlock& a, const EventBlock& b) {
        return query.newest_first ? a.until > b.until : a.since < b.since;
    });
    return blocks;
}

// Neither this block nor one after it has anything that would come before the last one found.
bool enough(
    const std::vector<event::Event>& found, const EventBlock& block, const event::Query& query
) {
    if (found.size() < query.limit) {
        return false;
    }
    return query.newest_first ? block.until < found.back().at : block.since > found.back().at;
}

}  // namespace

SqliteJournal::SqliteJournal(
    std::unique_ptr<Database> writing, std::unique_ptr<Database> reading, JournalOptions options
)
    : options_(options), writing_(std::move(writing)), reading_(std::move(reading)) {}

SqliteJournal::~SqliteJournal() {
    {
        const std::scoped_lock lock{mutex_};
        closing_ = true;
    }
    wake_writer_.notify_all();
    if (writer_.joinable()) {
        writer_.join();
    }
    if (const std::size_t lost = waiting_.size() + in_hand_.size(); lost != 0) {
        log::error(
            "JOURNAL_LOST",
            "events could not be written before the end",
            {{"count", lost}, {"error", last_error_ ? last_error_->message : ""}}
        );
    }
}

void SqliteJournal::append(event::Event event) {
    std::uint64_t dropped = 0;
    bool wake = false;
    {
        const std::scoped_lock lock{mutex_};
        ++counters_.appended;
        if (waiting_.size() + in_hand_.size() >= options_.buffer_max) {
            dropped = ++counters_.dropped;
        } else {
            waiting_.push_back(std::move(event));
            if (!writer_.joinable()) {
                writer_ = std::thread{[this] { write_loop(); }};
            }
            wake = waiting_.size() == wake_at_;
        }
    }
    if (dropped != 0) {
        report_dropped(dropped);
        return;
    }
    if (wake) {  // each row that woke it would cost two switches of threads
        wake_writer_.notify_one();
    }
}

void SqliteJournal::report_dropped(std::uint64_t dropped) {
    // The 1st, 2nd, 4th, 8th, ...: a flood must not fill the log too.
    if ((dropped & (dropped - 1)) == 0) {
        log::error(
            "JOURNAL_DROPPED",
            "events are dropped, the journal can't be written fast enough",
            {{"total", static_cast<std::int64_t>(dropped)}}
        );
    }
}

void SqliteJournal::gather(std::unique_lock<std::mutex>& lock) {
    wake_at_ = 1;
    wake_writer_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    wake_at_ = options_.batch_max;
    wake_writer_.wait_for(lock, options_.gather, [this] {
        return closing_ || flushing_ || waiting_.size() >= options_.batch_max;
    });
    wake_at_ = 0;
    const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), options_.batch_max));
    in_hand_.assign(
        std::make_move_iterator(waiting_.begin()),
        std::make_move_iterator(std::next(waiting_.begin(), count))
    );
    waiting_.erase(waiting_.begin(), std::next(waiting_.begin(), count));
}

void SqliteJournal::write_loop() {
    std::unique_lock lock{mutex_};
    while (true) {
        if (in_hand_.empty()) {
            gather(lock);
        }
        if (in_hand_.empty()) {
            return;
        }
        lock.unlock();
        const Status written = write(in_hand_);
        lock.lock();
        if (written) {
            lock.unlock();
            index_rows(in_hand_.size());
            lock.lock();
            last_error_.reset();
            ++counters_.batches;
            counters_.written += in_hand_.size();
            in_hand_.clear();
            flushing_ = flushing_ && !waiting_.empty();
            progress_.notify_all();
            continue;
        }
        const bool first = !last_error_.has_value();
        last_error_ = written.error();
        ++counters_.failed_batches;
        flushing_ = false;
        progress_.notify_all();
        if (closing_) {
            return;
        }
        if (first) {
            log::error(
                "JOURNAL_WRITE_FAILED",
                "events wait, the journal can't be written",
                {{"error", written.error().message}}
            );
        }
        wake_writer_.wait_for(lock, options_.retry, [this] { return closing_; });
    }
}

Status SqliteJournal::write(const std::vector<event::Event>& rows) {
    return writing_->transaction([&]() -> Status {
        auto statement = writing_->prepare(kInsert);
        if (!statement) {
            return fail(statement.error());
        }
        for (const event::Event& row : rows) {
            statement->rewind();
            statement->bind_all(row.at, std::int64_t{std::to_underlying(row.kind)});
            for (const std::string* text :
                 {&row.address,
                  &row.line,
                  &row.account,
                  &row.queue_id,
                  &row.message_id,
                  &row.sender,
                  &row.recipient,
                  &row.rule}) {
                statement->bind(std::string_view{*text});
            }
            statement->bind_all(
                row.count, std::string_view{row.detail}, std::string_view{row.reference}, row.octets
            );
            if (auto done = statement->run(); !done) {
                return done;
            }
        }
        return {};
    });
}

// Looked at by every process that writes; whoever comes first makes the block. One that can't be
// made now is made later: until then its rows are looked through.
void SqliteJournal::index_rows(std::size_t written) {
    not_looked_at_ += written;
    if (not_looked_at_ < options_.block_rows / 4) {
        return;
    }
    const auto made = EventIndex(*writing_).extend(options_.block_rows);
    if (!made) {
        log::warning("JOURNAL_NOT_INDEXED", made.error().message);
    }
    if (!made || !*made) {
        not_looked_at_ = 0;
    }
}

Status SqliteJournal::flush() {
    std::unique_lock lock{mutex_};
    const std::uint64_t target = counters_.appended - counters_.dropped;
    const std::uint64_t failed = counters_.failed_batches;
    const auto done = [&] { return counters_.written >= target; };
    if (!done()) {
        flushing_ = true;
        wake_writer_.notify_all();
    }
    progress_.wait(lock, [&] { return done() || counters_.failed_batches > failed; });
    if (done()) {
        return {};
    }
    return fail(last_error_.value_or(Error{Errc::Unavailable, "the journal can't be written"}));
}

Result<std::vector<event::Event>> SqliteJournal::find(const event::Query& query) {
    const std::scoped_lock lock{reading_mutex_};
    if (names_a_field(query)) {
        return find_named(query);
    }
    if (query.kinds.size() < 2) {
        return find_once(query);
    }
    std::vector<event::Event> out;
    const std::set<event::Kind> kinds{query.kinds.begin(), query.kinds.end()};
    for (const event::Kind kind : kinds) {
        event::Query one = query;
        one.kinds = {kind};
        auto rows = find_once(one);
        if (!rows) {
            return rows;
        }
        std::ranges::move(*rows, std::back_inserter(out));
    }
    settle(out, query);
    return out;
}

// What no block knows yet, then block after block, until no other can have what is wanted more.
Result<std::vector<event::Event>> SqliteJournal::find_named(const event::Query& query) {
    const bool nobody = std::ranges::any_of(kEventFields, [&query](const auto& one) {
        return query.*one.second && (query.*one.second)->empty();
    });
    if (nobody) {  // rows that name nothing are not found by it
        return std::vector<event::Event>{};
    }
    EventIndex index(*reading_);
    const auto blocks = index.blocks();
    if (!blocks) {
        return fail(blocks.error());
    }
    auto found =
        find_once(query, {.after = blocks->empty() ? 0 : blocks->back().last, .among = {}});
    if (!found) {
        return found;
    }
    const auto lead = std::ranges::find_if(kEventFields, [&query](const auto& one) {
        return (query.*one.second).has_value();
    });
    const std::uint64_t key = event_key(lead->first, *(query.*lead->second));
    for (const EventBlock& block : worth_asking(*blocks, query)) {
        if (enough(*found, block, query)) {
            break;
        }
        auto rows = index.find(block, key);
        if (!rows) {
            return fail(rows.error());
        }
        if (rows->empty()) {
            continue;
        }
        auto more = find_once(query, {.after = {}, .among = std::move(*rows)});
        if (!more) {
            return more;
        }
        std::ranges::move(*more, std::back_inserter(*found));
        settle(*found, query);
    }
    return found;
}

Result<std::vector<event::Event>> SqliteJournal::find_once(
    const event::Query& query, const JournalRows& rows
) {
    const JournalSql sql = journal_sql(query, rows);
    auto statement = reading_->prepare_once(sql.text);
    if (!statement) {
        return fail(statement.error());
    }
    for (const auto& value : sql.values) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
            statement->bind(*number);
        } else {
            statement->bind(std::string_view{std::get<std::string>(value)});
        }
    }
    return statement->all(read_event);
}

Result<std::vector<std::pair<event::Kind, std::int64_t>>> SqliteJournal::totals(Time since) {
    const std::scoped_lock lock{reading_mutex_};
    auto statement = reading_->prepare(
        "SELECT kind, sum(count) FROM events INDEXED BY events_at WHERE at >= ? "
        "GROUP BY kind ORDER BY kind"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(since);
    return statement->all([](Statement& row) {
        const auto kind = static_cast<event::Kind>(row.integer());
        return std::pair(kind, row.integer());
    });
}

Result<std::vector<event::Tally>> SqliteJournal::tally(Time since, Duration step) {
    const std::scoped_lock lock{reading_mutex_};
    auto statement = reading_->prepare(
        "SELECT kind, (at - ?) / ? AS step, sum(count) FROM events INDEXED BY events_at "
        "WHERE at >= ? GROUP BY kind, step ORDER BY kind, step"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind_all(since, std::int64_t{step.count()}, since);
    return statement->all([](Statement& row) {
        event::Tally out;
        out.kind = static_cast<event::Kind>(row.integer());
        out.step = row.integer();
        out.count = row.integer();
        return out;
    });
}

Result<std::int64_t> SqliteJournal::forget_before(Time time) {
    {
        const std::scoped_lock lock{reading_mutex_};
        if (Status gone = EventIndex(*reading_).forget_before(time); !gone) {
            return fail(gone.error());
        }
    }
    return delete_in_parts(
        *reading_,
        reading_mutex_,
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? LIMIT ?)",
        time
    );
}

JournalCounters SqliteJournal::counters() const {
    const std::scoped_lock lock{mutex_};
    JournalCounters out = counters_;
    out.waiting = waiting_.size() + in_hand_.size();
    return out;
}

}  // namespace sekisho::store

#include "store/journal.h"

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
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
    "recipient, rule, count, detail, reference) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

bool names_a_field(const event::Query& query) {
    return query.address || query.line || query.account || query.queue_id || query.message_id ||
           query.recipient || query.reference;
}

event::Event read_event(Statement& row) {
    event::Event out;
    out.id = row.integer();
    out.at = row.time();
    out.kind = static_cast<event::Kind>(row.integer());
    for (std::string* text :
         {&out.address,
          &out.line,
          &out.account,
          &out.queue_id,
          &out.message_id,
          &out.sender,
          &out.recipient,
          &out.rule}) {
        *text = row.text();
    }
    out.count = row.integer();
    out.detail = row.text();
    out.reference = row.text();
    return out;
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
    if (!waiting_.empty()) {
        log::error(
            "JOURNAL_LOST",
            "events could not be written before the end",
            {{"count", waiting_.size()}, {"error", last_error_ ? last_error_->message : ""}}
        );
    }
}

void SqliteJournal::append(event::Event event) {
    std::uint64_t dropped = 0;
    {
        const std::scoped_lock lock{mutex_};
        ++counters_.appended;
        if (waiting_.size() >= options_.buffer_max) {
            dropped = ++counters_.dropped;
        } else {
            waiting_.push_back(std::move(event));
            if (!writer_.joinable()) {
                writer_ = std::thread{[this] { write_loop(); }};
            }
        }
    }
    if (dropped != 0) {
        report_dropped(dropped);
        return;
    }
    wake_writer_.notify_one();
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

std::vector<event::Event> SqliteJournal::gather(std::unique_lock<std::mutex>& lock) {
    wake_writer_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    wake_writer_.wait_for(lock, options_.gather, [this] {
        return closing_ || flushing_ || waiting_.size() >= options_.batch_max;
    });
    const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), options_.batch_max));
    return {waiting_.begin(), std::next(waiting_.begin(), count)};
}

void SqliteJournal::write_loop() {
    std::unique_lock lock{mutex_};
    while (true) {
        const std::vector<event::Event> rows = gather(lock);
        if (rows.empty()) {
            return;
        }
        lock.unlock();
        const Status written = write(rows);
        lock.lock();
        if (written) {
            last_error_.reset();
            ++counters_.batches;
            counters_.written += rows.size();
            waiting_.erase(
                waiting_.begin(),
                std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(rows.size()))
            );
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
                row.count, std::string_view{row.detail}, std::string_view{row.reference}
            );
            if (auto done = statement->run(); !done) {
                return done;
            }
        }
        return {};
    });
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
    if (query.kinds.size() < 2 || names_a_field(query)) {
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
    const auto order = [&](const event::Event& a, const event::Event& b) {
        const auto left = std::pair{a.at, a.id};
        const auto right = std::pair{b.at, b.id};
        return query.newest_first ? left > right : left < right;
    };
    std::ranges::sort(out, order);
    out.resize(std::min(out.size(), query.limit));
    return out;
}

Result<std::vector<event::Event>> SqliteJournal::find_once(const event::Query& query) {
    const JournalSql sql = journal_sql(query);
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
    out.waiting = waiting_.size();
    return out;
}

}  // namespace sekisho::store

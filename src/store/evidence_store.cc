#include "store/evidence_store.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "evidence/evidence.h"
#include "store/schema.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using evidence::Case;
using evidence::Record;

#define SEKISHO_CASE_COLUMNS                                                                  \
    "SELECT id, line, prefix, reason, actor, begun, expires, erase_at, stopped, stopped_by, " \
    "erased, lost FROM evidence_cases "

Case read_case(Statement& row) {
    Case out;
    out.id = row.integer();
    out.line = row.text();
    // A damaged prefix leaves a case of nobody.
    if (const auto prefix = Prefix::parse(row.text())) {
        out.prefix = *prefix;
    }
    out.reason = row.text();
    out.actor = row.text();
    out.begun = row.time();
    out.expires = row.time();
    out.erase_at = row.time();
    const std::int64_t stopped = row.integer();
    if (stopped != kOpenEnd) {
        out.stopped = from_ms(stopped);
    }
    out.stopped_by = row.text();
    out.erased = row.boolean();
    out.lost = row.integer();
    return out;
}

Record read_record(Statement& row) {
    Record out;
    out.case_id = row.integer();
    out.first = row.time();
    out.last = row.time();
    for (Endpoint* end : {&out.client, &out.server}) {
        if (const auto parsed = Endpoint::parse(row.text())) {
            *end = *parsed;
        }
    }
    out.to_server = row.boolean();
    out.rule = row.text();
    out.outcome = static_cast<evidence::Outcome>(row.integer());
    out.count = row.integer();
    return out;
}

}  // namespace

SqliteEvidenceStore::SqliteEvidenceStore(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}

Result<std::unique_ptr<SqliteEvidenceStore>> SqliteEvidenceStore::make(
    std::unique_ptr<Database> database
) {
    auto overwrites = database->prepare("PRAGMA secure_delete = ON");
    if (!overwrites) {
        return fail(overwrites.error());
    }
    if (const auto row = overwrites->step(); !row) {
        return fail(row.error());
    } else if (!*row || overwrites->integer() != 1) {
        return fail(Errc::Unavailable, "this SQLite can't overwrite what it deletes");
    }
    overwrites->rewind();
    return std::unique_ptr<SqliteEvidenceStore>(new SqliteEvidenceStore(std::move(database)));
}

Result<std::int64_t> SqliteEvidenceStore::number(std::string_view sql, std::int64_t parameter) {
    auto statement = database_->prepare(sql);
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(parameter).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? statement->integer() : 0;
}

Result<std::int64_t> SqliteEvidenceStore::add(const Case& one) {
    const std::scoped_lock lock{mutex_};
    std::int64_t id = 0;
    const Status done = database_->transaction([&]() -> Status {
        const auto living = number(
            "SELECT count(*) FROM evidence_cases WHERE stopped = 9223372036854775807 AND "
            "erased = 0 AND expires > ?",
            to_ms(one.begun)
        );
        if (!living) {
            return fail(living.error());
        }
        if (static_cast<std::size_t>(*living) >= kLivingMax) {
            return fail(Errc::Full, std::to_string(*living) + " cases live: there can't be more");
        }
        const std::string prefix = one.prefix ? one.prefix->text() : std::string();
        Status added = database_->run(
            "INSERT INTO evidence_cases (line, prefix, reason, actor, begun, expires, erase_at, "
            "stopped, stopped_by, erased, lost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0)",
            std::string_view{one.line},
            std::string_view{prefix},
            std::string_view{one.reason},
            std::string_view{one.actor},
            one.begun,
            one.expires,
            one.erase_at,
            kOpenEnd
        );
        id = database_->last_id();
        return added;
    });
    return done ? Result<std::int64_t>(id) : fail(done.error());
}

Result<std::vector<Case>> SqliteEvidenceStore::read(Result<Statement> statement) {
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all(read_case);
}

Result<Case> SqliteEvidenceStore::find(std::int64_t id) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_CASE_COLUMNS "WHERE id = ?");
    if (statement) {
        statement->bind(id);
    }
    auto found = read(std::move(statement));
    if (!found) {
        return fail(found.error());
    }
    return found->empty() ? Result<Case>(fail(evidence::no_case(id))) : std::move(found->front());
}

Result<std::vector<Case>> SqliteEvidenceStore::living(Time now) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare(SEKISHO_CASE_COLUMNS
                           "WHERE stopped = ? AND erased = 0 AND expires > ? ORDER BY id");
    if (statement) {
        statement->bind_all(kOpenEnd, now);
    }
    return read(std::move(statement));
}

Result<std::vector<Case>> SqliteEvidenceStore::all(std::size_t limit) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_CASE_COLUMNS "ORDER BY id DESC LIMIT ?");
    if (statement) {
        statement->bind(static_cast<std::int64_t>(limit));
    }
    return read(std::move(statement));
}

Result<std::vector<Case>> SqliteEvidenceStore::due(Time now) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare(SEKISHO_CASE_COLUMNS "WHERE erased = 0 AND erase_at <= ? ORDER BY id");
    if (statement) {
        statement->bind(now);
    }
    return read(std::move(statement));
}

Result<bool> SqliteEvidenceStore::stop(
    std::int64_t id, Time at, std::string_view by, Time erase_at
) {
    const std::scoped_lock lock{mutex_};
    const Status done = database_->run(
        "UPDATE evidence_cases SET stopped = ?, stopped_by = ?, erase_at = ? "
        "WHERE id = ? AND stopped = ?",
        at,
        by,
        erase_at,
        id,
        kOpenEnd
    );
    if (!done) {
        return fail(done.error());
    }
    if (database_->changes() > 0) {
        return true;
    }
    const auto known = number("SELECT count(*) FROM evidence_cases WHERE id = ?", id);
    if (!known) {
        return fail(known.error());
    }
    return *known > 0 ? Result<bool>(false) : fail(evidence::no_case(id));
}

Status SqliteEvidenceStore::append(const std::vector<Record>& records) {
    if (records.empty()) {
        return {};
    }
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const Record& record : records) {
            if (Status appended = append_one(record); !appended) {
                return appended;
            }
        }
        return {};
    });
}

Status SqliteEvidenceStore::append_one(const Record& record) {
    const auto open =
        number("SELECT stopped FROM evidence_cases WHERE id = ? AND erased = 0", record.case_id);
    if (!open) {
        return fail(open.error());
    }
    if (*open <= to_ms(record.last)) {  // 0: no such case, or erased
        return {};
    }
    const auto kept =
        number("SELECT count(*) FROM evidence_records WHERE case_id = ?", record.case_id);
    if (!kept) {
        return fail(kept.error());
    }
    if (*kept >= kRecordsMax) {
        return database_->run(
            "UPDATE evidence_cases SET lost = lost + ? WHERE id = ?", record.count, record.case_id
        );
    }
    const std::string client = record.client.text();
    const std::string server = record.server.text();
    return database_->run(
        "INSERT INTO evidence_records (case_id, first, last, client, server, to_server, rule, "
        "outcome, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        record.case_id,
        record.first,
        record.last,
        std::string_view{client},
        std::string_view{server},
        record.to_server,
        std::string_view{record.rule},
        static_cast<std::int64_t>(record.outcome),
        record.count
    );
}

Result<std::vector<Record>> SqliteEvidenceStore::records(std::int64_t id, std::size_t limit) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT case_id, first, last, client, server, to_server, rule, outcome, count "
        "FROM evidence_records WHERE case_id = ? ORDER BY id LIMIT ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind_all(id, static_cast<std::int64_t>(limit));
    return statement->all(read_record);
}

Result<std::int64_t> SqliteEvidenceStore::erase(std::int64_t id) {
    const std::scoped_lock lock{mutex_};
    const auto known = number("SELECT count(*) FROM evidence_cases WHERE id = ?", id);
    if (!known) {
        return fail(known.error());
    }
    if (*known == 0) {
        return fail(evidence::no_case(id));
    }
    if (Status deleted = database_->run("DELETE FROM evidence_records WHERE case_id = ?", id);
        !deleted) {
        return fail(deleted.error());
    }
    const std::int64_t gone = database_->changes();
    // Only when the log is empty too is it said to be erased; until then it is due.
    if (Status emptied = empty_log(); !emptied) {
        return fail(emptied.error());
    }
    if (Status marked = database_->run("UPDATE evidence_cases SET erased = 1 WHERE id = ?", id);
        !marked) {
        return fail(marked.error());
    }
    return gone;
}

// Moves all of the log into the file and cuts it to nothing.
Status SqliteEvidenceStore::empty_log() {
    auto checkpoint = database_->prepare("PRAGMA wal_checkpoint(TRUNCATE)");
    if (!checkpoint) {
        return fail(checkpoint.error());
    }
    const auto row = checkpoint->step();
    if (!row) {
        return fail(row.error());
    }
    const bool busy = !*row || checkpoint->integer() != 0;
    checkpoint->rewind();
    return busy ? Status(fail(
                      Errc::Unavailable,
                      "the records are deleted, but the database's log can't be emptied while "
                      "somebody reads it: it is tried again"
                  ))
                : Status{};
}

Result<std::int64_t> SqliteEvidenceStore::forget_before(Time time) {
    return delete_in_parts(
        *database_,
        mutex_,
        "DELETE FROM evidence_cases WHERE id IN "
        "(SELECT id FROM evidence_cases WHERE erased = 1 AND erase_at < ? LIMIT ?)",
        time
    );
}

}  // namespace sekisho::store

// The audit of SqliteStaffStore.
#include "base/result.h"
#include "base/time.h"
#include "staff/audit.h"
#include "store/sqlite.h"
#include "store/staff_store.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using staff::AuditEntry;

AuditEntry read_entry(Statement& row) {
    AuditEntry out;
    out.number = row.integer();
    out.at = row.time();
    for (std::string AuditEntry::* member :
         {&AuditEntry::who,
          &AuditEntry::how,
          &AuditEntry::address,
          &AuditEntry::action,
          &AuditEntry::subject,
          &AuditEntry::reason,
          &AuditEntry::outcome,
          &AuditEntry::previous,
          &AuditEntry::digest}) {
        out.*member = row.text();
    }
    return out;
}

}  // namespace

Result<AuditEntry> SqliteStaffStore::note(AuditEntry entry) {
    const std::scoped_lock lock{mutex_};
    // Several processes write: who has the lock reads the last one and adds the next.
    const Status done = database_->transaction([&]() -> Status {
        auto last =
            database_->prepare("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1");
        if (!last) {
            return fail(last.error());
        }
        const auto row = last->step();
        if (!row) {
            return fail(row.error());
        }
        const std::int64_t number = *row ? last->integer() : 0;
        std::string previous = *row ? last->text() : std::string(32, '\0');
        last->rewind();
        // A number that was given is never given again, though its entry be gone: the gap shows.
        const auto given = this->number("SELECT seq FROM sqlite_sequence WHERE name = ?", "audit");
        if (!given) {
            return fail(given.error());
        }
        entry = staff::chained(std::move(entry), std::max(number, *given) + 1, std::move(previous));
        return database_->run(
            "INSERT INTO audit (number, at, who, how, address, action, subject, reason, outcome, "
            "previous, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entry.number,
            entry.at,
            std::string_view{entry.who},
            std::string_view{entry.how},
            std::string_view{entry.address},
            std::string_view{entry.action},
            std::string_view{entry.subject},
            std::string_view{entry.reason},
            std::string_view{entry.outcome},
            Blob{entry.previous},
            Blob{entry.digest}
        );
    });
    return done ? Result<AuditEntry>(std::move(entry)) : fail(done.error());
}

Result<std::vector<AuditEntry>> SqliteStaffStore::audit(const staff::AuditQuery& query) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    const std::scoped_lock lock{mutex_};
    std::string sql =
        "SELECT number, at, who, how, address, action, subject, reason, outcome, previous, digest "
        "FROM audit WHERE number > ? AND number < ? AND at >= ? AND at <= ?";
    const std::pair<const char*, const std::optional<std::string>*> texts[] = {
        {" AND who = ?", &query.who},
        {" AND subject = ?", &query.subject},
        {" AND action = ?", &query.action}
    };
    for (const auto& [part, value] : texts) {
        sql += value->has_value() ? part : "";
    }
    sql += query.newest_first ? " ORDER BY number DESC LIMIT ?" : " ORDER BY number LIMIT ?";
    auto statement = database_->prepare_once(sql);
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(query.newest_first ? std::int64_t{0} : query.from);
    statement->bind(query.newest_first && query.from > 0 ? query.from : kLast);
    statement->bind(query.since ? to_ms(*query.since) : std::int64_t{0});
    statement->bind(query.until ? to_ms(*query.until) : kLast);
    for (const auto& [part, value] : texts) {
        if (value->has_value()) {
            statement->bind(std::string_view{**value});
        }
    }
    statement->bind(static_cast<std::int64_t>(query.limit));
    return statement->all(read_entry);
}

Result<std::int64_t> SqliteStaffStore::audit_count() {
    const std::scoped_lock lock{mutex_};
    return number("SELECT seq FROM sqlite_sequence WHERE name = ?", "audit");
}

}  // namespace sekisho::store

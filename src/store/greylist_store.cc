#include "store/greylist_store.h"

#include "base/result.h"
#include "base/time.h"
#include "peer/greylist.h"
#include "store/sqlite.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace sekisho::store {

Result<std::optional<peer::GreylistEntry>> SqliteGreylistStore::find(std::string_view key) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare("SELECT first, last FROM greylist WHERE key = ?");
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(key).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<peer::GreylistEntry>{};
    }
    peer::GreylistEntry entry;
    entry.first = statement->time();
    entry.last = statement->time();
    return std::optional{entry};
}

Status SqliteGreylistStore::remember(std::string_view key, const peer::GreylistEntry& entry) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "INSERT INTO greylist (key, first, last) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
        "first = excluded.first, last = excluded.last",
        key,
        entry.first,
        entry.last
    );
}

Result<std::int64_t> SqliteGreylistStore::forget_before(Time time) {
    const std::scoped_lock lock{mutex_};
    if (const Status done = database_->run("DELETE FROM greylist WHERE last < ?", time); !done) {
        return fail(done.error());
    }
    return database_->changes();
}

}  // namespace sekisho::store

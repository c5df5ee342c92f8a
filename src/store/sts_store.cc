#include "store/sts_store.h"

#include "base/result.h"
#include "base/time.h"
#include "delivery/tls/mta_sts.h"
#include "store/sqlite.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace sekisho::store {

using delivery::StoredSts;

Result<std::optional<StoredSts>> SqliteStsStore::find(std::string_view domain) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare("SELECT id, text, fetched, expires FROM mta_sts WHERE domain = ?");
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(domain).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<StoredSts>{};
    }
    StoredSts policy;
    policy.id = statement->text();
    policy.text = statement->text();
    policy.fetched = statement->time();
    policy.expires = statement->time();
    return std::optional{policy};
}

Status SqliteStsStore::remember(std::string_view domain, const StoredSts& policy) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "INSERT INTO mta_sts (domain, id, text, fetched, expires) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (domain) DO UPDATE SET id = excluded.id, text = excluded.text, "
        "fetched = excluded.fetched, expires = excluded.expires",
        domain,
        std::string_view{policy.id},
        std::string_view{policy.text},
        policy.fetched,
        policy.expires
    );
}

Result<std::int64_t> SqliteStsStore::forget_before(Time time) {
    const std::scoped_lock lock{mutex_};
    if (const Status done = database_->run("DELETE FROM mta_sts WHERE expires < ?", time); !done) {
        return fail(done.error());
    }
    return database_->changes();
}

}  // namespace sekisho::store

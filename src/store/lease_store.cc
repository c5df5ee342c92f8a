#include "store/lease_store.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"
#include "store/schema.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

#define SEKISHO_LEASE_COLUMNS                                                                   \
    "SELECT id, kind, prefix, line, class, owner, reason, created_by, created, expires, "       \
    "reverse_name, unlisted, connections_per_day, checked, ended, ended_by, ended_reason FROM " \
    "leases "

lease::Lease read_lease(Statement& row) {
    lease::Lease out;
    out.id = row.integer();
    out.kind = row.integer() == static_cast<int>(lease::Kind::Penalty) ? lease::Kind::Penalty
                                                                       : lease::Kind::Exemption;
    // A damaged prefix leaves a lease of nothing, which has no effect.
    if (const auto prefix = Prefix::parse(row.text())) {
        out.prefix = *prefix;
    }
    out.line = row.text();
    out.class_name = row.text();
    out.owner = row.text();
    out.reason = row.text();
    out.created_by = row.text();
    out.created = row.time();
    out.expires = row.time();
    out.conditions.reverse_name = row.text();
    out.conditions.unlisted = row.boolean();
    out.conditions.connections_per_day = static_cast<std::uint32_t>(row.integer());
    const std::int64_t checked = row.integer();
    if (checked != 0) {
        out.checked = from_ms(checked);
    }
    const std::int64_t ended = row.integer();
    if (ended != kOpenEnd) {
        out.ended = from_ms(ended);
    }
    out.ended_by = row.text();
    out.ended_reason = row.text();
    return out;
}

}  // namespace

// Among the living there is one of a kind and target; the index would say so in SQLite's words.
Status SqliteLeaseStore::check_room(const lease::Lease& lease) {
    auto same = database_->prepare(SEKISHO_LEASE_COLUMNS
                                   "WHERE kind = ? AND prefix = ? AND line = ? AND ended = ?");
    if (!same) {
        return fail(same.error());
    }
    const std::string prefix = lease.prefix ? lease.prefix->text() : std::string();
    same->bind_all(
        static_cast<std::int64_t>(lease.kind),
        std::string_view{prefix},
        std::string_view{lease.line},
        kOpenEnd
    );
    const auto found = read(std::move(*same));
    if (!found) {
        return fail(found.error());
    }
    if (!found->empty()) {
        return fail(lease::already_leased(found->front()));
    }
    const auto living = number("SELECT count(*) FROM leases WHERE ended = 9223372036854775807");
    if (!living) {
        return fail(living.error());
    }
    if (static_cast<std::size_t>(*living) >= kLivingMax) {
        return fail(Errc::Full, std::to_string(*living) + " leases live: there can't be more");
    }
    return {};
}

Result<std::int64_t> SqliteLeaseStore::number(std::string_view sql) {
    auto statement = database_->prepare(sql);
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? statement->integer() : 0;
}

Result<std::int64_t> SqliteLeaseStore::add(const lease::Lease& lease) {
    const std::scoped_lock lock{mutex_};
    std::int64_t id = 0;
    const auto done = database_->transaction([&]() -> Status {
        if (Status room = check_room(lease); !room) {
            return room;
        }
        const std::string prefix = lease.prefix ? lease.prefix->text() : std::string();
        Status added = database_->run(
            "INSERT INTO leases (kind, prefix, line, class, owner, reason, created_by, created, "
            "expires, reverse_name, unlisted, connections_per_day, checked, ended, ended_by, "
            "ended_reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '', '')",
            static_cast<std::int64_t>(lease.kind),
            std::string_view{prefix},
            std::string_view{lease.line},
            std::string_view{lease.class_name},
            std::string_view{lease.owner},
            std::string_view{lease.reason},
            std::string_view{lease.created_by},
            lease.created,
            lease.expires,
            std::string_view{lease.conditions.reverse_name},
            lease.conditions.unlisted,
            std::int64_t{lease.conditions.connections_per_day},
            kOpenEnd
        );
        id = database_->last_id();
        return added;
    });
    return done ? Result<std::int64_t>(id) : fail(done.error());
}

Status SqliteLeaseStore::renew(std::int64_t id, Time expires) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto known = find_locked(id);
        if (!known) {
            return fail(known.error());
        }
        if (known->ended) {
            return fail(lease::has_ended(*known));
        }
        return database_->run("UPDATE leases SET expires = ? WHERE id = ?", expires, id);
    });
}

Result<bool> SqliteLeaseStore::end(
    std::int64_t id, Time at, std::string_view by, std::string_view reason
) {
    const std::scoped_lock lock{mutex_};
    const auto done = database_->run(
        "UPDATE leases SET ended = ?, ended_by = ?, ended_reason = ? WHERE id = ? AND ended = ?",
        at,
        by,
        reason,
        id,
        kOpenEnd
    );
    if (!done) {
        return fail(done.error());
    }
    if (database_->changes() > 0) {
        return true;
    }
    const auto known = find_locked(id);
    return known ? Result<bool>(false) : fail(known.error());
}

Status SqliteLeaseStore::checked(std::int64_t id, Time at) {
    const std::scoped_lock lock{mutex_};
    const auto done = database_->run("UPDATE leases SET checked = ? WHERE id = ?", at, id);
    return done && database_->changes() == 0 ? fail(lease::no_lease(id)) : done;
}

Result<lease::Lease> SqliteLeaseStore::find_locked(std::int64_t id) {
    auto statement = database_->prepare(SEKISHO_LEASE_COLUMNS "WHERE id = ?");
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(id);
    auto found = read(std::move(*statement));
    if (!found) {
        return fail(found.error());
    }
    return found->empty() ? Result<lease::Lease>(fail(lease::no_lease(id)))
                          : std::move(found->front());
}

Result<lease::Lease> SqliteLeaseStore::find(std::int64_t id) {
    const std::scoped_lock lock{mutex_};
    return find_locked(id);
}

Result<std::vector<lease::Lease>> SqliteLeaseStore::read(Statement statement) {
    return statement.all(read_lease);
}

Result<std::vector<lease::Lease>> SqliteLeaseStore::living() {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_LEASE_COLUMNS "WHERE ended = ? ORDER BY id");
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(kOpenEnd);
    return read(std::move(*statement));
}

Result<std::size_t> SqliteLeaseStore::count(lease::Kind kind) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT count(*) FROM leases WHERE ended = 9223372036854775807 AND kind = ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(static_cast<std::int64_t>(kind)).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? static_cast<std::size_t>(statement->integer()) : 0;
}

Result<std::vector<lease::Lease>> SqliteLeaseStore::all(std::size_t limit) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_LEASE_COLUMNS "ORDER BY id DESC LIMIT ?");
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(static_cast<std::int64_t>(limit));
    return read(std::move(*statement));
}

Result<std::int64_t> SqliteLeaseStore::version() {
    const std::scoped_lock lock{mutex_};
    return number("SELECT version FROM leases_version");
}

Result<std::int64_t> SqliteLeaseStore::forget_before(Time time) {
    return delete_in_parts(
        *database_,
        mutex_,
        "DELETE FROM leases WHERE id IN (SELECT id FROM leases WHERE ended < ? LIMIT ?)",
        time
    );
}

}  // namespace sekisho::store

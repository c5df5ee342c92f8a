#include "store/suppression_store.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "queue/suppression.h"
#include "store/sqlite.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

using queue::Suppressed;

namespace {

constexpr std::chrono::seconds kEmptyFor{1};

Suppressed read(Statement& row) {
    Suppressed one;
    one.recipient = row.text();
    one.since = row.time();
    if (const std::int64_t until = row.integer(); until != 0) {
        one.until = from_ms(until);
    }
    one.who = row.text();
    one.why = row.text();
    one.bounces = static_cast<std::uint32_t>(row.integer());
    return one;
}

}  // namespace

Result<std::optional<Suppressed>> SqliteSuppressionStore::find_locked(
    std::string_view recipient, Time at
) {
    auto statement = database_->prepare(
        "SELECT recipient, since, until, who, why, bounces FROM suppression "
        "WHERE recipient = ? AND (until = 0 OR until > ?)"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind_all(recipient, at).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? std::optional(read(*statement)) : std::nullopt;
}

Result<std::optional<Suppressed>> SqliteSuppressionStore::find(
    std::string_view recipient, Time at
) {
    const std::string key = to_lower(recipient);
    const std::scoped_lock lock{mutex_};
    auto found = find_locked(key, at);
    if (found && !*found) {
        note_empty();
    }
    return found;
}

bool SqliteSuppressionStore::known_empty() const {
    return std::chrono::steady_clock::now() < empty_until_.load(std::memory_order_relaxed);
}

void SqliteSuppressionStore::note_empty() {
    const auto looked_at = std::chrono::steady_clock::now();
    auto statement = database_->prepare("SELECT NOT EXISTS (SELECT 1 FROM suppression)");
    if (!statement) {
        return;  // not known, then
    }
    const auto row = statement->step();
    if (row && *row && statement->boolean()) {
        empty_until_.store(looked_at + kEmptyFor, std::memory_order_relaxed);
    }
}

Result<std::vector<Suppressed>> SqliteSuppressionStore::list(Time at) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT recipient, since, until, who, why, bounces FROM suppression "
        "WHERE until = 0 OR until > ? ORDER BY recipient"
    );
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind(at).all(read);
}

Status SqliteSuppressionStore::add_locked(const Suppressed& one) {
    empty_until_.store(std::chrono::steady_clock::time_point::min(), std::memory_order_relaxed);
    return database_->run(
        "INSERT INTO suppression (recipient, since, until, who, why, bounces) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (recipient) DO UPDATE SET "
        "since = excluded.since, until = excluded.until, who = excluded.who, why = excluded.why, "
        "bounces = excluded.bounces",
        std::string_view{one.recipient},
        one.since,
        one.until ? to_ms(*one.until) : std::int64_t{0},
        std::string_view{one.who},
        std::string_view{one.why},
        std::int64_t{one.bounces}
    );
}

Status SqliteSuppressionStore::add(const Suppressed& suppressed) {
    Suppressed one = suppressed;
    one.recipient = to_lower(one.recipient);
    const std::scoped_lock lock{mutex_};
    return add_locked(one);
}

Result<bool> SqliteSuppressionStore::remove(std::string_view recipient) {
    const std::string key = to_lower(recipient);
    const std::scoped_lock lock{mutex_};
    bool was_there = false;
    const Status done = database_->transaction([&]() -> Status {
        Status gone = database_->run(
            "DELETE FROM recipient_bounces WHERE recipient = ?", std::string_view{key}
        );
        if (gone) {
            gone = database_->run(
                "DELETE FROM suppression WHERE recipient = ?", std::string_view{key}
            );
            was_there = database_->changes() > 0;
        }
        return gone;
    });
    if (!done) {
        return fail(done.error());
    }
    return was_there;
}

Result<std::int64_t> SqliteSuppressionStore::count(std::string_view recipient, Time since) {
    auto statement =
        database_->prepare("SELECT COUNT(*) FROM recipient_bounces WHERE recipient = ? AND at >= ?"
        );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind_all(recipient, since).step();
    if (!row) {
        return fail(row.error());
    }
    return statement->integer();
}

Result<std::optional<Suppressed>> SqliteSuppressionStore::bounced(
    std::string_view recipient, std::string_view reply, Time at, const queue::SuppressionRule& rule
) {
    std::optional<Suppressed> added;
    if (rule.after == 0) {
        return added;
    }
    const std::string key = to_lower(recipient);
    const std::scoped_lock lock{mutex_};
    const Status done = database_->transaction([&]() -> Status {
        if (Status kept = database_->run(
                "INSERT INTO recipient_bounces (recipient, at) VALUES (?, ?)",
                std::string_view{key},
                at
            );
            !kept) {
            return kept;
        }
        const auto known = find_locked(key, at);
        if (!known) {
            return fail(known.error());
        }
        const auto bounces = count(key, at - rule.within);
        if (!bounces) {
            return fail(bounces.error());
        }
        if (known->has_value() || *bounces < rule.after) {
            return {};
        }
        Suppressed one;
        one.recipient = key;
        one.since = at;
        one.until = at + rule.keep;
        one.why = std::string(reply);
        one.bounces = static_cast<std::uint32_t>(*bounces);
        added = one;
        return add_locked(one);
    });
    if (!done) {
        return fail(done.error());
    }
    return added;
}

Status SqliteSuppressionStore::reached(std::string_view recipient) {
    const std::string key = to_lower(recipient);
    const std::scoped_lock lock{mutex_};
    // Most have none: no write lock for them.
    const auto bounces = count(key, Time{});
    if (!bounces || *bounces == 0) {
        return bounces ? Status{} : fail(bounces.error());
    }
    return database_->run(
        "DELETE FROM recipient_bounces WHERE recipient = ?", std::string_view{key}
    );
}

Result<std::vector<Suppressed>> SqliteSuppressionStore::forget(Time at, Time since) {
    const std::scoped_lock lock{mutex_};
    std::vector<Suppressed> over;
    const Status done = database_->transaction([&]() -> Status {
        if (Status gone = database_->run("DELETE FROM recipient_bounces WHERE at < ?", since);
            !gone) {
            return gone;
        }
        {
            auto statement = database_->prepare(
                "SELECT recipient, since, until, who, why, bounces FROM suppression "
                "WHERE until > 0 AND until <= ?"
            );
            if (!statement) {
                return fail(statement.error());
            }
            auto rows = statement->bind(at).all(read);
            if (!rows) {
                return fail(rows.error());
            }
            over = std::move(*rows);
        }
        return database_->run("DELETE FROM suppression WHERE until > 0 AND until <= ?", at);
    });
    if (!done) {
        return fail(done.error());
    }
    return over;
}

}  // namespace sekisho::store

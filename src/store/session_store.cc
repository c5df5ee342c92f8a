#include "store/session_store.h"

#include "base/result.h"
#include "base/time.h"
#include "session/session.h"
#include "store/sqlite.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace sekisho::store {

using session::Link;
using session::Session;

Status SqliteSessionStore::put(std::string_view digest, const Session& session) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "INSERT INTO web_sessions (digest, login, password_mark, address, created, seen, by_link) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        digest,
        std::string_view{session.login},
        std::string_view{session.password_mark},
        std::string_view{session.address},
        session.created,
        session.seen,
        session.by_link
    );
}

Result<std::optional<Session>> SqliteSessionStore::find(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT login, password_mark, address, created, seen, by_link FROM web_sessions "
        "WHERE digest = ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(digest).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<Session>{};
    }
    Session found;
    found.login = statement->text();
    found.password_mark = statement->text();
    found.address = statement->text();
    found.created = statement->time();
    found.seen = statement->time();
    found.by_link = statement->boolean();
    return std::optional{found};
}

Status SqliteSessionStore::seen(std::string_view digest, Time at) {
    const std::scoped_lock lock{mutex_};
    return database_->run("UPDATE web_sessions SET seen = ? WHERE digest = ?", at, digest);
}

Status SqliteSessionStore::end(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    return database_->run("DELETE FROM web_sessions WHERE digest = ?", digest);
}

Result<std::int64_t> SqliteSessionStore::end_all(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    std::int64_t ended = 0;
    const Status done = database_->transaction([&]() -> Status {
        if (Status gone = database_->run("DELETE FROM web_links WHERE login = ?", login); !gone) {
            return gone;
        }
        if (Status gone = database_->run("DELETE FROM web_sessions WHERE login = ?", login);
            !gone) {
            return gone;
        }
        ended = database_->changes();
        return {};
    });
    return done ? Result<std::int64_t>{ended} : fail(done.error());
}

Status SqliteSessionStore::put_link(std::string_view digest, const Link& link) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "INSERT INTO web_links (digest, login, made_by, created, expires) VALUES (?, ?, ?, ?, ?)",
        digest,
        std::string_view{link.login},
        std::string_view{link.made_by},
        link.created,
        link.expires
    );
}

Result<std::optional<Link>> SqliteSessionStore::read_link(std::string_view digest) {
    auto statement =
        database_->prepare("SELECT login, made_by, created, expires FROM web_links WHERE digest = ?"
        );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(digest).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<Link>{};
    }
    Link found;
    found.login = statement->text();
    found.made_by = statement->text();
    found.created = statement->time();
    found.expires = statement->time();
    return std::optional{found};
}

Result<std::optional<Link>> SqliteSessionStore::find_link(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    return read_link(digest);
}

Result<std::optional<Link>> SqliteSessionStore::take_link(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    std::optional<Link> taken;
    const Status done = database_->transaction([&]() -> Status {
        const auto found = read_link(digest);
        if (!found) {
            return fail(found.error());
        }
        taken = *found;
        return database_->run("DELETE FROM web_links WHERE digest = ?", digest);
    });
    return done ? Result<std::optional<Link>>{taken} : fail(done.error());
}

Result<std::int64_t> SqliteSessionStore::forget_ended(Time now) {
    const std::scoped_lock lock{mutex_};
    std::int64_t gone = 0;
    const Status done = database_->transaction([&]() -> Status {
        if (Status links = database_->run("DELETE FROM web_links WHERE expires <= ?", now);
            !links) {
            return links;
        }
        gone = database_->changes();
        if (Status sessions = database_->run(
                "DELETE FROM web_sessions WHERE created <= ? OR seen <= ?",
                now - session::kLongest,
                now - session::kIdle
            );
            !sessions) {
            return sessions;
        }
        gone += database_->changes();
        return {};
    });
    return done ? Result<std::int64_t>{gone} : fail(done.error());
}

}  // namespace sekisho::store

#include "store/staff_store.h"

#include "base/result.h"
#include "base/time.h"
#include "staff/memory_store.h"
#include "staff/roles.h"
#include "staff/staff.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using staff::Answered;
using staff::Operator;
using staff::Session;
using staff::Token;

#define SEKISHO_OPERATOR_COLUMNS                                                              \
    "SELECT name, roles, password_hash, totp_key, totp_last_step, enabled, created, changed " \
    "FROM operators "

Operator read_operator(Statement& row) {
    Operator out;
    out.name = row.text();
    // Roles of a newer version that can't be read give no rights.
    out.roles = staff::Roles::parse(row.text()).value_or(staff::Roles{});
    out.password_hash = row.text();
    out.totp_key = row.text();
    out.totp_last_step = row.integer();
    out.enabled = row.boolean();
    out.created = row.time();
    out.changed = row.time();
    return out;
}

Session read_session(Statement& row) {
    Session out;
    out.digest = row.text();
    out.name = row.text();
    out.csrf = row.text();
    out.address = row.text();
    out.created = row.time();
    out.seen = row.time();
    return out;
}

Token read_token(Statement& row) {
    Token out;
    out.digest = row.text();
    out.name = row.text();
    out.label = row.text();
    out.created = row.time();
    out.expires = row.time();
    out.last_used = row.time();
    return out;
}

Answered read_answered(Statement& row) {
    Answered out;
    out.who = row.text();
    out.key = row.text();
    out.request = row.text();
    out.status = static_cast<int>(row.integer());
    out.body = row.text();
    out.at = row.time();
    return out;
}

// The first row, or nothing.
template <class Read>
auto one_of(Result<Statement> statement, Read read)
    -> Result<std::optional<std::invoke_result_t<Read&, Statement&>>> {
    if (!statement) {
        return fail(statement.error());
    }
    auto rows = statement->all(read);
    if (!rows) {
        return fail(rows.error());
    }
    if (rows->empty()) {
        return std::nullopt;
    }
    return std::move(rows->front());
}

}  // namespace

SqliteStaffStore::SqliteStaffStore(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}

Result<std::int64_t> SqliteStaffStore::number(std::string_view sql, std::string_view parameter) {
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

Status SqliteStaffStore::read_recovery(Operator& one) {
    auto statement =
        database_->prepare("SELECT digest FROM operator_recovery WHERE name = ? ORDER BY digest");
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(std::string_view{one.name});
    auto digests = statement->all([](Statement& row) { return row.text(); });
    if (!digests) {
        return fail(digests.error());
    }
    one.recovery = std::move(*digests);
    return {};
}

Status SqliteStaffStore::write_recovery(const Operator& one) {
    if (Status gone = database_->run(
            "DELETE FROM operator_recovery WHERE name = ?", std::string_view{one.name}
        );
        !gone) {
        return gone;
    }
    for (const std::string& digest : one.recovery) {
        if (Status added = database_->run(
                "INSERT INTO operator_recovery (name, digest) VALUES (?, ?)",
                std::string_view{one.name},
                Blob{digest}
            );
            !added) {
            return added;
        }
    }
    return {};
}

Status SqliteStaffStore::add(const Operator& one) {
    if (const Status sound = staff::check_name(one.name); !sound) {
        return sound;
    }
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto there = number("SELECT count(*) FROM operators WHERE name <> ?", one.name);
        if (!there) {
            return fail(there.error());
        }
        if (static_cast<std::size_t>(*there) >= staff::kOperatorsMax) {
            return fail(Errc::Full, "there are as many operators as there can be");
        }
        const std::string roles = one.roles.text();
        const Status added = database_->run(
            "INSERT INTO operators (name, roles, password_hash, totp_key, totp_last_step, enabled, "
            "created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            std::string_view{one.name},
            std::string_view{roles},
            std::string_view{one.password_hash},
            Blob{one.totp_key},
            one.totp_last_step,
            one.enabled,
            one.created,
            one.changed
        );
        if (!added && added.error().code == Errc::Conflict) {
            return fail(Errc::Conflict, "there is an operator \"" + one.name + "\" already");
        }
        return added ? write_recovery(one) : added;
    });
}

Status SqliteStaffStore::update(const Operator& one) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const std::string roles = one.roles.text();
        const Status written = database_->run(
            "UPDATE operators SET roles = ?, password_hash = ?, totp_key = ?, totp_last_step = ?, "
            "enabled = ?, changed = ? WHERE name = ?",
            std::string_view{roles},
            std::string_view{one.password_hash},
            Blob{one.totp_key},
            one.totp_last_step,
            one.enabled,
            one.changed,
            std::string_view{one.name}
        );
        if (!written) {
            return written;
        }
        if (database_->changes() == 0) {
            return fail(staff::no_operator(one.name));
        }
        if (Status ended = database_->run(
                "DELETE FROM operator_sessions WHERE name = ?", std::string_view{one.name}
            );
            !ended) {
            return ended;
        }
        return write_recovery(one);
    });
}

Result<Operator> SqliteStaffStore::find(std::string_view name) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_OPERATOR_COLUMNS "WHERE name = ?");
    if (statement) {
        statement->bind(name);
    }
    auto found = one_of(std::move(statement), read_operator);
    if (!found) {
        return fail(found.error());
    }
    if (!*found) {
        return fail(staff::no_operator(name));
    }
    if (Status read = read_recovery(**found); !read) {
        return fail(read.error());
    }
    return std::move(**found);
}

Result<std::vector<Operator>> SqliteStaffStore::list() {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_OPERATOR_COLUMNS "ORDER BY name");
    if (!statement) {
        return fail(statement.error());
    }
    auto all = statement->all(read_operator);
    if (!all) {
        return all;
    }
    for (Operator& one : *all) {
        if (Status read = read_recovery(one); !read) {
            return fail(read.error());
        }
    }
    return all;
}

Result<bool> SqliteStaffStore::use_step(std::string_view name, std::int64_t step) {
    const std::scoped_lock lock{mutex_};
    const Status done = database_->run(
        "UPDATE operators SET totp_last_step = ? WHERE name = ? AND totp_last_step < ?",
        step,
        name,
        step
    );
    return done ? Result<bool>(database_->changes() > 0) : fail(done.error());
}

Result<bool> SqliteStaffStore::use_recovery(std::string_view name, std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    const Status done = database_->run(
        "DELETE FROM operator_recovery WHERE name = ? AND digest = ?", name, Blob{digest}
    );
    return done ? Result<bool>(database_->changes() > 0) : fail(done.error());
}

Status SqliteStaffStore::open(const Session& session) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const Status made_room = database_->run(
            "DELETE FROM operator_sessions WHERE digest IN (SELECT digest FROM operator_sessions "
            "WHERE name = ? ORDER BY created DESC LIMIT -1 OFFSET ?)",
            std::string_view{session.name},
            static_cast<std::int64_t>(staff::kSessionsMax) - 1
        );
        if (!made_room) {
            return made_room;
        }
        return database_->run(
            "INSERT INTO operator_sessions (digest, name, csrf, address, created, seen) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            Blob{session.digest},
            std::string_view{session.name},
            std::string_view{session.csrf},
            std::string_view{session.address},
            session.created,
            session.seen
        );
    });
}

Result<std::optional<Session>> SqliteStaffStore::session(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT digest, name, csrf, address, created, seen FROM operator_sessions WHERE digest = ?"
    );
    if (statement) {
        statement->bind(Blob{digest});
    }
    return one_of(std::move(statement), read_session);
}

Status SqliteStaffStore::seen(std::string_view digest, Time at) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "UPDATE operator_sessions SET seen = ? WHERE digest = ?", at, Blob{digest}
    );
}

Status SqliteStaffStore::close(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    return database_->run("DELETE FROM operator_sessions WHERE digest = ?", Blob{digest});
}

Result<std::int64_t> SqliteStaffStore::forget_sessions(Time idle_since, Time created_before) {
    const std::scoped_lock lock{mutex_};
    const Status done = database_->run(
        "DELETE FROM operator_sessions WHERE seen < ? OR created < ?", idle_since, created_before
    );
    return done ? Result<std::int64_t>(database_->changes()) : fail(done.error());
}

Status SqliteStaffStore::add_token(const Token& token) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto known = number("SELECT count(*) FROM operators WHERE name = ?", token.name);
        const auto own = number("SELECT count(*) FROM operator_tokens WHERE name = ?", token.name);
        if (!known || !own) {
            return fail(known ? own.error() : known.error());
        }
        if (*known == 0) {
            return fail(staff::no_operator(token.name));
        }
        if (static_cast<std::size_t>(*own) >= staff::kTokensMax) {
            return fail(Errc::Full, "an operator has at most 32 tokens; revoke one");
        }
        const Status added = database_->run(
            "INSERT INTO operator_tokens (digest, name, label, created, expires, last_used) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            Blob{token.digest},
            std::string_view{token.name},
            std::string_view{token.label},
            token.created,
            token.expires,
            token.last_used
        );
        if (!added && added.error().code == Errc::Conflict) {
            return fail(Errc::Conflict, "there is a token \"" + token.label + "\" already");
        }
        return added;
    });
}

Result<std::optional<Token>> SqliteStaffStore::token(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT digest, name, label, created, expires, last_used FROM operator_tokens "
        "WHERE digest = ?"
    );
    if (statement) {
        statement->bind(Blob{digest});
    }
    return one_of(std::move(statement), read_token);
}

Result<std::vector<Token>> SqliteStaffStore::tokens(std::string_view name) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT digest, name, label, created, expires, last_used FROM operator_tokens "
        "WHERE name = ? ORDER BY label"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(name);
    return statement->all(read_token);
}

Status SqliteStaffStore::token_used(std::string_view digest, Time at) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "UPDATE operator_tokens SET last_used = ? WHERE digest = ?", at, Blob{digest}
    );
}

Status SqliteStaffStore::remove_token(std::string_view name, std::string_view label) {
    const std::scoped_lock lock{mutex_};
    const Status removed =
        database_->run("DELETE FROM operator_tokens WHERE name = ? AND label = ?", name, label);
    if (removed && database_->changes() == 0) {
        return fail(staff::no_token(name, label));
    }
    return removed;
}

Result<std::optional<Answered>> SqliteStaffStore::begin(const Answered& call) {
    const std::scoped_lock lock{mutex_};
    std::optional<Answered> before;
    const Status done = database_->transaction([&]() -> Status {
        auto statement = database_->prepare(
            "SELECT who, key, request, status, body, at FROM answered WHERE who = ? AND key = ?"
        );
        if (statement) {
            statement->bind_all(std::string_view{call.who}, std::string_view{call.key});
        }
        auto found = one_of(std::move(statement), read_answered);
        if (!found) {
            return fail(found.error());
        }
        before = std::move(*found);
        if (before) {
            return {};
        }
        return database_->run(
            "INSERT INTO answered (who, key, request, status, body, at) VALUES (?, ?, ?, 0, '', ?)",
            std::string_view{call.who},
            std::string_view{call.key},
            Blob{call.request},
            call.at
        );
    });
    return done ? Result<std::optional<Answered>>(std::move(before)) : fail(done.error());
}

Status SqliteStaffStore::finish(const Answered& call) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "UPDATE answered SET status = ?, body = ? WHERE who = ? AND key = ?",
        std::int64_t{call.status},
        std::string_view{call.body},
        std::string_view{call.who},
        std::string_view{call.key}
    );
}

Status SqliteStaffStore::abandon(const Answered& call) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "DELETE FROM answered WHERE who = ? AND key = ?",
        std::string_view{call.who},
        std::string_view{call.key}
    );
}

Result<std::int64_t> SqliteStaffStore::forget_answers(Time before) {
    const std::scoped_lock lock{mutex_};
    const Status done = database_->run("DELETE FROM answered WHERE at < ?", before);
    return done ? Result<std::int64_t>(database_->changes()) : fail(done.error());
}

}  // namespace sekisho::store

#include "store/line_store.h"

#include "base/assert.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/ports.h"
#include "line/session_rules.h"
#include "store/line_rows.h"
#include "store/schema.h"
#include "store/sqlite.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

using line::Change;
using line::Session;

const std::string_view SqliteLineStore::kHoldersQuery =
    "SELECT s.session, s.nas, s.line, s.realm, s.started, s.ended, s.seen, s.ports FROM held AS h "
    "JOIN sessions AS s ON s.id = h.session "
    "WHERE h.first = ?1 AND h.length = ?2 AND h.ended > ?3 AND h.started <= ?3";

namespace {

// The prefix's first address in 16 bytes, IPv4 as ::ffff:a.b.c.d.
std::string first_bytes(const Prefix& prefix) {
    const auto& bytes = prefix.address().bytes();
    std::string out(16, '\0');
    if (prefix.is_v4()) {
        out[10] = out[11] = '\xff';
        std::copy_n(bytes.begin(), 4, out.begin() + 12);
    } else {
        std::ranges::copy(bytes, out.begin());
    }
    return out;
}

std::int64_t stored_length(const Prefix& prefix) {
    return prefix.length() + (prefix.is_v4() ? kV4Bits : 0);
}

}  // namespace

Result<std::optional<SqliteLineStore::Newest>> SqliteLineStore::newest(
    const std::string& nas, const std::string& id
) {
    auto statement = database_->prepare(
        "SELECT id, line, realm, started, ended FROM sessions WHERE nas = ? AND session = ? "
        "ORDER BY id DESC LIMIT 1"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind_all(std::string_view{nas}, std::string_view{id}).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return std::optional<Newest>{};
    }
    Newest out{};
    out.row = statement->integer();
    out.known.line = statement->text();
    out.known.realm = statement->text();
    out.known.start = statement->time();
    const std::int64_t ended = statement->integer();
    if (ended != kOpenEnd) {
        out.known.end = from_ms(ended);
    }
    return std::optional{std::move(out)};
}

Status SqliteLineStore::hold(std::int64_t row, const Prefix& prefix, Time from) {
    const std::string first = first_bytes(prefix);
    const auto held = database_->run(
        "INSERT INTO held (first, length, ended, started, session) "
        "SELECT ?1, ?2, s.ended, max(?3, s.started), s.id FROM sessions AS s WHERE s.id = ?4 AND "
        "NOT EXISTS "
        "(SELECT 1 FROM held AS h WHERE h.session = ?4 AND h.first = ?1 AND h.length = ?2)",
        Blob{first},
        stored_length(prefix),
        from,
        row
    );
    return held
               ? database_->run(
                     "INSERT OR IGNORE INTO held_lengths (length) VALUES (?)", stored_length(prefix)
                 )
               : held;
}

Status SqliteLineStore::end(std::int64_t row, Time at) {
    auto ended =
        database_->run("UPDATE sessions SET ended = max(?1, started) WHERE id = ?2", at, row);
    if (ended) {
        ended = database_->run(
            "UPDATE held SET ended = (SELECT ended FROM sessions WHERE id = ?1) "
            "WHERE session = ?1",
            row
        );
    }
    return ended;
}

Status SqliteLineStore::add(const Session& session) {
    const auto added = database_->run(
        "INSERT INTO sessions (nas, session, line, realm, started, ended, seen, ports) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        std::string_view{session.nas},
        std::string_view{session.id},
        std::string_view{session.line},
        std::string_view{session.realm},
        session.start,
        session.end ? to_ms(std::max(*session.end, session.start)) : kOpenEnd,
        session.seen,
        static_cast<std::int64_t>(session.ports.packed())
    );
    if (!added) {
        return added;
    }
    const std::int64_t row = database_->last_id();
    for (const Prefix& prefix : session.prefixes) {
        if (auto held = hold(row, prefix, session.start); !held) {
            return held;
        }
    }
    return {};
}

Status SqliteLineStore::refresh(std::int64_t row, const Session& session) {
    auto done = database_->run(
        "UPDATE sessions SET seen = max(seen, ?1), realm = iif(line = '', ?3, realm), "
        "line = iif(line = '', ?2, line) WHERE id = ?4",
        session.seen,
        std::string_view{session.line},
        std::string_view{session.realm},
        row
    );
    for (const Prefix& prefix : session.prefixes) {
        if (done) {
            done = hold(row, prefix, session.seen);
        }
    }
    return done && session.end ? end(row, *session.end) : done;
}

Status SqliteLineStore::put_one(const Session& session) {
    const auto found = newest(session.nas, session.id);
    if (!found) {
        return fail(found.error());
    }
    const std::optional<Newest>& last = *found;
    switch (change_by(last ? std::optional{last->known} : std::nullopt, session)) {
        case Change::None:
            return {};
        case Change::Add:
            return add(session);
        case Change::Refresh:
            SEKISHO_ASSERT(last.has_value());
            return refresh(last->row, session);
        case Change::Replace:
            break;
    }
    SEKISHO_ASSERT(last.has_value());
    const auto ended = end(last->row, session.start);
    return ended ? add(session) : ended;
}

Status SqliteLineStore::put(const Session& session) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&] { return put_one(session); });
}

Status SqliteLineStore::put_all(std::span<const Session> sessions) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const Session& session : sessions) {
            if (Status kept = put_one(session); !kept) {
                return kept;
            }
        }
        return {};
    });
}

Status SqliteLineStore::stop(const std::string& nas, const std::string& id, Time at) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto found = newest(nas, id);
        if (!found) {
            return fail(found.error());
        }
        if (!*found) {
            return fail(Errc::NotFound, "no session " + id + " on " + nas);
        }
        return (*found)->known.end ? Status{} : end((*found)->row, at);
    });
}

Status SqliteLineStore::stop_all(const std::string& nas, Time at) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        // The constant is written out, or the partial index on open sessions would not be used.
        // What began after the restart isn't ended by news of it that come late.
        const auto held = database_->run(
            "UPDATE held SET ended = ?1 WHERE session IN (SELECT id FROM sessions "
            "WHERE nas = ?2 AND ended = 9223372036854775807 AND started <= ?1)",
            at,
            std::string_view{nas}
        );
        return held ? database_->run(
                          "UPDATE sessions SET ended = ?1 WHERE nas = ?2 AND "
                          "ended = 9223372036854775807 AND started <= ?1",
                          at,
                          std::string_view{nas}
                      )
                    : held;
    });
}

Result<std::vector<int>> SqliteLineStore::lengths() {
    auto statement = database_->prepare("SELECT length FROM held_lengths ORDER BY length DESC");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all([](Statement& row) { return static_cast<int>(row.integer()); });
}

Result<std::vector<Session>> SqliteLineStore::holders(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port
) {
    const std::scoped_lock lock{mutex_};
    const auto in_use = lengths();
    if (!in_use) {
        return fail(in_use.error());
    }
    auto statement = database_->prepare(kHoldersQuery);
    if (!statement) {
        return fail(statement.error());
    }
    std::vector<Session> out;
    for (const int stored : *in_use) {
        const int length = stored - (address.is_v4() ? kV4Bits : 0);
        if (length < 0 || length > address.bits()) {
            continue;
        }
        const Prefix prefix{address, length};
        const std::string first = first_bytes(prefix);
        statement->rewind();
        statement->bind_all(Blob{first}, std::int64_t{stored}, at);
        while (true) {
            const auto row = statement->step();
            if (!row) {
                return fail(row.error());
            }
            if (!*row) {
                break;
            }
            auto session = read_session(*statement);
            if (!session) {
                return fail(session.error());
            }
            if (session->uses(prefix, port)) {
                session->prefixes = {prefix};
                out.push_back(std::move(*session));
            }
        }
    }
    return out;
}

Result<std::vector<Prefix>> SqliteLineStore::prefixes_of(std::int64_t row) {
    auto statement = database_->prepare("SELECT first, length FROM held WHERE session = ?");
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(row);
    std::vector<Prefix> out;
    while (true) {
        const auto found = statement->step();
        if (!found) {
            return fail(found.error());
        }
        if (!*found) {
            std::ranges::sort(out);
            return out;
        }
        const std::string first = statement->text();
        const auto prefix = read_prefix(first, statement->integer());
        if (!prefix) {
            return fail(Errc::Corrupt, kImpossiblePrefix);
        }
        out.push_back(*prefix);
    }
}

// Of rows of session, nas, line, realm, started, ended, seen, ports and id.
Result<std::vector<Session>> SqliteLineStore::with_prefixes(Statement& statement) {
    std::vector<Session> out;
    while (true) {
        const auto row = statement.step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            return out;
        }
        auto session = read_session(statement);
        if (!session) {
            return fail(session.error());
        }
        auto prefixes = prefixes_of(statement.integer());
        if (!prefixes) {
            return fail(prefixes.error());
        }
        session->prefixes = std::move(*prefixes);
        out.push_back(std::move(*session));
    }
}

Result<std::vector<Session>> SqliteLineStore::sessions_of(
    const std::string& line, std::size_t limit
) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT session, nas, line, realm, started, ended, seen, ports, id FROM sessions "
        "WHERE line = ? ORDER BY started DESC LIMIT ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind_all(std::string_view{line}, static_cast<std::int64_t>(limit));
    return with_prefixes(*statement);
}

Result<std::vector<Session>> SqliteLineStore::open_on(const std::string& nas) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT session, nas, line, realm, started, ended, seen, ports, id FROM sessions "
        "WHERE nas = ? AND ended = 9223372036854775807"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(std::string_view{nas});
    return with_prefixes(*statement);
}

Result<std::vector<std::string>> SqliteLineStore::open_nas() {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare("SELECT DISTINCT nas FROM sessions WHERE ended = 9223372036854775807");
    if (!statement) {
        return fail(statement.error());
    }
    std::vector<std::string> out;
    auto row = statement->step();
    for (; row && *row; row = statement->step()) {
        out.push_back(statement->text());
    }
    return row ? Result<std::vector<std::string>>{std::move(out)} : fail(row.error());
}

Result<bool> SqliteLineStore::knows(const std::string& nas) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare("SELECT 1 FROM sessions WHERE nas = ? LIMIT 1");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind(std::string_view{nas}).step();
}

Result<std::int64_t> SqliteLineStore::forget_before(Time time) {
    return delete_in_parts(
        *database_,
        mutex_,
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended < ? LIMIT ?)",
        time
    );
}

}  // namespace sekisho::store

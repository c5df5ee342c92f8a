#include "store/line_rows.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/ports.h"
#include "store/line_store.h"
#include "store/schema.h"
#include "store/sqlite.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

using line::Session;

std::optional<Prefix> read_prefix(std::string_view first, std::int64_t length) {
    std::array<std::uint8_t, 16> bytes{};
    if (first.size() != bytes.size() || length < 0 || length > 128) {
        return std::nullopt;
    }
    std::ranges::transform(first, bytes.begin(), [](char c) {
        return static_cast<std::uint8_t>(c);
    });
    // IpAddress reads the mapped form as IPv4.
    const IpAddress address = IpAddress::v6(bytes);
    const std::int64_t own = length - (address.is_v4() ? kV4Bits : 0);
    return own < 0 ? std::nullopt : std::optional{Prefix{address, static_cast<int>(own)}};
}

Result<Session> read_session(Statement& row) {
    Session out;
    out.id = row.text();
    out.nas = row.text();
    out.line = row.text();
    out.realm = row.text();
    out.start = row.time();
    const std::int64_t ended = row.integer();
    if (ended != kOpenEnd) {
        out.end = from_ms(ended);
    }
    out.seen = row.time();
    const auto ports = line::PortSet::unpack(static_cast<std::uint64_t>(row.integer()));
    if (!ports) {
        return fail(ports.error());
    }
    out.ports = *ports;
    return out;
}

Status SqliteLineStore::each_open(const std::function<void(const Session&)>& visit) {
    const std::scoped_lock lock{mutex_};
    // A row for each prefix, those of a session in succession. The constant is written out, or the
    // partial index on open sessions would not be used.
    auto statement = database_->prepare(
        "SELECT s.session, s.nas, s.line, s.realm, s.started, s.ended, s.seen, s.ports, s.id, "
        "h.first, "
        "h.length FROM sessions AS s LEFT JOIN held AS h ON h.session = s.id "
        "WHERE s.ended = 9223372036854775807 ORDER BY s.id"
    );
    if (!statement) {
        return fail(statement.error());
    }
    std::int64_t current = -1;
    Session session;
    while (true) {
        const auto row = statement->step();
        if (!row) {
            return fail(row.error());
        }
        auto next = *row ? read_session(*statement) : Result<Session>{};
        if (!next) {
            return fail(next.error());
        }
        const std::int64_t id = *row ? statement->integer() : -1;
        if (id != current) {
            if (current >= 0) {
                visit(session);
            }
            session = std::move(*next);
            current = id;
        }
        if (!*row) {
            return {};
        }
        const std::string first = statement->text();
        if (first.empty()) {
            continue;  // a session that names no address
        }
        const auto prefix = read_prefix(first, statement->integer());
        if (!prefix) {
            return fail(Errc::Corrupt, kImpossiblePrefix);
        }
        session.prefixes.push_back(*prefix);
    }
}

Status SqliteLineStore::read_all(Database& reading, const Reader& reader) {
    // A transaction that only reads sees one state of the file, from its first step on.
    if (Status begun = reading.run("BEGIN"); !begun) {
        reader.begun();
        return begun;
    }
    const auto sessions = [&]() -> Status {
        auto statement = reading.prepare(
            "SELECT session, nas, line, realm, started, ended, seen, ports, id FROM sessions "
            "ORDER BY id"
        );
        auto row = statement ? statement->step() : Result<bool>{fail(statement.error())};
        reader.begun();
        for (; row && *row; row = statement->step()) {
            const auto session = read_session(*statement);
            if (!session) {
                return fail(session.error());
            }
            if (Status taken = reader.session(statement->integer(), *session); !taken) {
                return taken;
            }
        }
        return row ? Status{} : fail(row.error());
    };
    Status read = sessions();
    if (read) {
        read = read_held(reading, reader);
    }
    const Status ended = reading.run("COMMIT");
    return read ? ended : read;
}

// The table's own order brings those of one prefix together.
Status SqliteLineStore::read_held(Database& reading, const Reader& reader) {
    auto statement = reading.prepare(
        "SELECT first, length, session, started FROM held ORDER BY first, length, ended, started"
    );
    if (!statement) {
        return fail(statement.error());
    }
    std::optional<Prefix> prefix;
    std::vector<std::pair<std::int64_t, Time>> held;
    while (true) {
        const auto row = statement->step();
        if (!row) {
            return fail(row.error());
        }
        std::optional<Prefix> next;
        if (*row) {
            const std::string first = statement->text();
            next = read_prefix(first, statement->integer());
            if (!next) {
                return fail(Errc::Corrupt, kImpossiblePrefix);
            }
        }
        if (prefix && prefix != next) {
            if (Status taken = reader.held(*prefix, held); !taken) {
                return taken;
            }
            held.clear();
        }
        if (!next) {
            return {};
        }
        prefix = next;
        const std::int64_t session = statement->integer();
        held.emplace_back(session, statement->time());
    }
}

}  // namespace sekisho::store

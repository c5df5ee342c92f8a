#include "store/request_store.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "exemption/exemption.h"
#include "store/sqlite.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {
namespace {

using exemption::Request;
using exemption::State;

#define SEKISHO_REQUEST_COLUMNS                                                              \
    "SELECT id, login, line, address, domain, reason, created, state, changed, changed_by, " \
    "why, reverse_name, findings, checked, lease, told FROM exemption_requests "
#define SEKISHO_OPEN "state IN ('asked', 'waiting', 'granted') "

Request read(Statement& row) {
    Request out;
    out.id = row.integer();
    out.login = row.text();
    out.line = row.text();
    // A damaged address is 0.0.0.0, which can't be exempted.
    out.address = IpAddress::parse(row.text()).value_or(IpAddress{});
    out.domain = row.text();
    out.reason = row.text();
    out.created = row.time();
    out.state = exemption::parse_state(row.text()).value_or(State::Withdrawn);
    out.changed = row.time();
    out.by = row.text();
    out.why = row.text();
    out.reverse_name = row.text();
    out.findings = exemption::parse_findings(row.text());
    const std::int64_t checked = row.integer();
    if (checked != 0) {
        out.checked = from_ms(checked);
    }
    out.lease = row.integer();
    out.told = exemption::parse_state(row.text());
    return out;
}

std::string_view told_of(const Request& request) {
    return request.told ? exemption::name(*request.told) : std::string_view{};
}

}  // namespace

Status SqliteRequestStore::check_room(const Request& request) {
    auto same = database_->prepare(SEKISHO_REQUEST_COLUMNS
                                   "WHERE (login = ? OR address = ?) "
                                   "AND " SEKISHO_OPEN "LIMIT 1");
    if (!same) {
        return fail(same.error());
    }
    const std::string address = request.address.text();
    const auto found =
        same->bind_all(std::string_view{request.login}, std::string_view{address}).all(read);
    if (!found) {
        return fail(found.error());
    }
    if (!found->empty()) {
        return fail(exemption::open_already(found->front()));
    }
    auto lately =
        database_->prepare("SELECT count(*) FROM exemption_requests WHERE login = ? AND created > ?"
        );
    if (!lately) {
        return fail(lately.error());
    }
    const auto row =
        lately
            ->bind_all(
                std::string_view{request.login}, Time{request.created - std::chrono::hours(24)}
            )
            .step();
    if (!row) {
        return fail(row.error());
    }
    return static_cast<std::size_t>(lately->integer()) < kOfLoginPerDay
               ? Status{}
               : fail(exemption::too_many());
}

Result<std::int64_t> SqliteRequestStore::add(const Request& request) {
    const std::scoped_lock lock{mutex_};
    std::int64_t id = 0;
    const Status done = database_->transaction([&]() -> Status {
        if (Status room = check_room(request); !room) {
            return room;
        }
        const std::string address = request.address.text();
        const std::string findings = exemption::to_text(request.findings);
        Status added = database_->run(
            "INSERT INTO exemption_requests (login, line, address, domain, reason, created, state, "
            "changed, changed_by, why, reverse_name, findings, checked, lease, told) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            std::string_view{request.login},
            std::string_view{request.line},
            std::string_view{address},
            std::string_view{request.domain},
            std::string_view{request.reason},
            request.created,
            exemption::name(request.state),
            request.changed,
            std::string_view{request.by},
            std::string_view{request.why},
            std::string_view{request.reverse_name},
            std::string_view{findings},
            request.checked ? to_ms(*request.checked) : std::int64_t{0},
            request.lease,
            told_of(request)
        );
        id = database_->last_id();
        return added;
    });
    return done ? Result<std::int64_t>(id) : fail(done.error());
}

Result<bool> SqliteRequestStore::replace(const Request& request, State before) {
    const std::scoped_lock lock{mutex_};
    const std::string findings = exemption::to_text(request.findings);
    const Status done = database_->run(
        "UPDATE exemption_requests SET state = ?, changed = ?, changed_by = ?, why = ?, "
        "reverse_name = ?, findings = ?, checked = ?, lease = ?, told = ? "
        "WHERE id = ? AND state = ?",
        exemption::name(request.state),
        request.changed,
        std::string_view{request.by},
        std::string_view{request.why},
        std::string_view{request.reverse_name},
        std::string_view{findings},
        request.checked ? to_ms(*request.checked) : std::int64_t{0},
        request.lease,
        told_of(request),
        request.id,
        exemption::name(before)
    );
    if (!done) {
        return fail(done.error());
    }
    if (database_->changes() > 0) {
        return true;
    }
    auto there = database_->prepare("SELECT 1 FROM exemption_requests WHERE id = ?");
    if (!there) {
        return fail(there.error());
    }
    const auto row = there->bind(request.id).step();
    if (!row) {
        return fail(row.error());
    }
    return *row ? Result<bool>(false) : fail(exemption::no_request(request.id));
}

Result<Request> SqliteRequestStore::find(std::int64_t id) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(SEKISHO_REQUEST_COLUMNS "WHERE id = ?");
    if (!statement) {
        return fail(statement.error());
    }
    const auto found = statement->bind(id).all(read);
    if (!found) {
        return fail(found.error());
    }
    return found->empty() ? Result<Request>(fail(exemption::no_request(id)))
                          : Result<Request>(found->front());
}

Result<std::vector<Request>> SqliteRequestStore::of_login(
    std::string_view login, std::size_t limit
) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare(SEKISHO_REQUEST_COLUMNS "WHERE login = ? ORDER BY id DESC LIMIT ?");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind_all(login, static_cast<std::int64_t>(limit)).all(read);
}

Result<std::vector<Request>> SqliteRequestStore::list(
    std::optional<State> state, std::size_t limit
) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        state ? std::string_view{SEKISHO_REQUEST_COLUMNS "WHERE state = ? ORDER BY id DESC LIMIT ?"}
              : std::string_view{SEKISHO_REQUEST_COLUMNS "ORDER BY id DESC LIMIT ?"}
    );
    if (!statement) {
        return fail(statement.error());
    }
    if (state) {
        statement->bind(exemption::name(*state));
    }
    return statement->bind(static_cast<std::int64_t>(limit)).all(read);
}

Result<std::vector<Request>> SqliteRequestStore::untold(std::size_t limit) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare(SEKISHO_REQUEST_COLUMNS "WHERE told != state ORDER BY id LIMIT ?");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind(static_cast<std::int64_t>(limit)).all(read);
}

}  // namespace sekisho::store

#include "store/login_memory.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "store/sqlite.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using conduct::LoginMark;

constexpr std::string_view kForgetSuccesses = "DELETE FROM login_successes WHERE at < ?";
constexpr std::string_view kForgetFailures = "DELETE FROM login_failures WHERE at < ?";

}  // namespace

Status SqliteLoginMemory::keep_success(const LoginMark& mark) {
    const std::scoped_lock lock{mutex_};
    // The account may have gone since.
    const auto written = database_->run(
        "INSERT INTO login_successes (login, address, at) "
        "SELECT login, ?2, ?3 FROM accounts WHERE login = ?1 "
        "ON CONFLICT (login, address) DO UPDATE SET at = excluded.at",
        std::string_view{mark.login},
        std::string_view{mark.address.text()},
        mark.at
    );
    if (written && database_->changes() == 0) {
        return fail(Errc::NotFound, "no account has the login " + printable(mark.login));
    }
    return written;
}

Status SqliteLoginMemory::keep_failure(const LoginMark& mark) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        if (Status gone = database_->run(kForgetFailures, mark.at - std::chrono::hours(1)); !gone) {
            return gone;
        }
        return database_->run(
            "INSERT INTO login_failures (at, login, address) VALUES (?, ?, ?)",
            mark.at,
            std::string_view{mark.login},
            std::string_view{mark.address.text()}
        );
    });
}

Result<std::vector<LoginMark>> SqliteLoginMemory::read(
    std::string_view forget, std::string_view select, Time since, std::size_t limit
) {
    const std::scoped_lock lock{mutex_};
    if (const Status gone = database_->run(forget, since); !gone) {
        return fail(gone.error());
    }
    auto statement = database_->prepare(select);
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(static_cast<std::int64_t>(limit));
    std::vector<LoginMark> out;
    while (true) {
        const auto row = statement->step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            std::ranges::reverse(out);
            return out;
        }
        LoginMark mark;
        mark.login = statement->text();
        // What can't be read is of no use and does no harm.
        const auto address = IpAddress::parse(statement->text());
        mark.at = statement->time();
        if (address) {
            mark.address = *address;
            out.push_back(std::move(mark));
        }
    }
}

Result<std::vector<LoginMark>> SqliteLoginMemory::successes(Time since, std::size_t limit) {
    return read(
        kForgetSuccesses,
        "SELECT login, address, at FROM login_successes ORDER BY at DESC LIMIT ?",
        since,
        limit
    );
}

Result<std::vector<LoginMark>> SqliteLoginMemory::failures(Time since, std::size_t limit) {
    return read(
        kForgetFailures,
        "SELECT login, address, at FROM login_failures ORDER BY at DESC, rowid DESC LIMIT ?",
        since,
        limit
    );
}

}  // namespace sekisho::store

#include "store/send_as_store.h"

#include "account/send_as.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "store/sqlite.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {
namespace {

using account::SendAs;

SendAs read(Statement& row) {
    SendAs one;
    one.login = row.text();
    one.address = row.text();
    one.code_digest = row.text();
    one.code_expires = row.time();
    one.wrong = static_cast<std::uint32_t>(row.integer());
    one.created = row.time();
    one.proven = row.time();
    one.vouched = row.text();
    one.outlook = row.text();
    return one;
}

Result<SendAs> only(Result<Statement>& statement, const std::string& missing) {
    const auto row = statement->step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return fail(Errc::NotFound, missing);
    }
    return read(*statement);
}

}  // namespace

Result<std::vector<SendAs>> SqliteSendAsStore::of(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT login, address, code_digest, code_expires, wrong, created, proven, vouched, "
        "outlook FROM send_as WHERE login = ? ORDER BY address"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const std::string key = account::normalised(login);
    statement->bind(std::string_view{key});
    return statement->all(read);
}

Result<SendAs> SqliteSendAsStore::find(std::string_view login, std::string_view address) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT login, address, code_digest, code_expires, wrong, created, proven, vouched, "
        "outlook FROM send_as WHERE login = ? AND address = ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const std::string who = account::normalised(login);
    const std::string what = account::normalised(address);
    statement->bind_all(std::string_view{who}, std::string_view{what});
    return only(
        statement, "the account " + printable(login) + " has not registered " + printable(address)
    );
}

Result<SendAs> SqliteSendAsStore::find_by_code(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT login, address, code_digest, code_expires, wrong, created, proven, vouched, "
        "outlook FROM send_as WHERE code_digest = ? AND code_digest <> ''"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(digest);
    return only(statement, "no address waits for this code");
}

Status SqliteSendAsStore::write(const SendAs& one) {
    return database_->run(
        "INSERT OR REPLACE INTO send_as (login, address, code_digest, code_expires, wrong, "
        "created, proven, vouched, outlook) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        std::string_view{one.login},
        std::string_view{one.address},
        std::string_view{one.code_digest},
        one.code_expires,
        std::int64_t{one.wrong},
        one.created,
        one.proven,
        std::string_view{one.vouched},
        std::string_view{one.outlook}
    );
}

Status SqliteSendAsStore::put(const SendAs& one) {
    const std::scoped_lock lock{mutex_};
    return write(one);
}

Status SqliteSendAsStore::put_with_code(const SendAs& one, Time at) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        if (Status written = write(one); !written) {
            return written;
        }
        return database_->run(
            "INSERT INTO send_as_codes (at, login, address) VALUES (?, ?, ?)",
            at,
            std::string_view{one.login},
            std::string_view{one.address}
        );
    });
}

Status SqliteSendAsStore::remove(std::string_view login, std::string_view address) {
    const std::scoped_lock lock{mutex_};
    const Status removed = database_->run(
        "DELETE FROM send_as WHERE login = ? AND address = ?",
        std::string_view{account::normalised(login)},
        std::string_view{account::normalised(address)}
    );
    if (removed && database_->changes() == 0) {
        return fail(
            Errc::NotFound,
            "the account " + printable(login) + " has not registered " + printable(address)
        );
    }
    return removed;
}

Result<account::CodesSent> SqliteSendAsStore::codes_sent(
    std::string_view login, std::string_view address, Time since
) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT coalesce(sum(login = ?1), 0), coalesce(sum(address = ?2), 0), "
        "coalesce(sum(login = ?1 AND address = ?2), 0) FROM send_as_codes "
        "WHERE at >= ?3 AND (login = ?1 OR address = ?2)"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind_all(login, address, since).step();
    if (!row) {
        return fail(row.error());
    }
    account::CodesSent sent;
    sent.of_login = static_cast<std::uint32_t>(statement->integer());
    sent.to_address = static_cast<std::uint32_t>(statement->integer());
    sent.of_pair = static_cast<std::uint32_t>(statement->integer());
    return sent;
}

Result<std::vector<account::Delegation>> SqliteSendAsStore::delegations(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT owner, delegate, since FROM delegates WHERE owner = ?1 "
        "UNION SELECT owner, delegate, since FROM delegates WHERE delegate = ?1 ORDER BY 1, 2"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const std::string key = account::normalised(login);
    statement->bind(std::string_view{key});
    return statement->all([](Statement& row) {
        account::Delegation one;
        one.owner = row.text();
        one.delegate = row.text();
        one.since = row.time();
        return one;
    });
}

Status SqliteSendAsStore::add_delegation(const account::Delegation& one) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        auto counted = database_->prepare("SELECT count(*) FROM delegates WHERE owner = ?");
        if (!counted) {
            return fail(counted.error());
        }
        const auto row = counted->bind(std::string_view{one.owner}).step();
        if (!row) {
            return fail(row.error());
        }
        if (counted->integer() >= static_cast<std::int64_t>(account::kDelegatesMax)) {
            return fail(Errc::Full, "an account has at most 1000 delegates; remove one");
        }
        const Status written = database_->run(
            "INSERT INTO delegates (owner, delegate, since) VALUES (?, ?, ?)",
            std::string_view{one.owner},
            std::string_view{one.delegate},
            one.since
        );
        if (!written && written.error().code == Errc::Conflict) {
            return fail(
                Errc::Conflict, one.delegate + " is a delegate of " + one.owner + " already"
            );
        }
        return written;
    });
}

Status SqliteSendAsStore::remove_delegation(const account::Delegation& one) {
    const std::scoped_lock lock{mutex_};
    const Status removed = database_->run(
        "DELETE FROM delegates WHERE owner = ? AND delegate = ?",
        std::string_view{one.owner},
        std::string_view{one.delegate}
    );
    if (removed && database_->changes() == 0) {
        return fail(
            Errc::NotFound, printable(one.delegate) + " is no delegate of " + printable(one.owner)
        );
    }
    return removed;
}

Result<std::int64_t> SqliteSendAsStore::forget_before(Time time) {
    const std::scoped_lock lock{mutex_};
    const Status codes = database_->run("DELETE FROM send_as_codes WHERE at < ?", time);
    if (!codes) {
        return fail(codes.error());
    }
    const std::int64_t gone = database_->changes();
    const Status waiting =
        database_->run("DELETE FROM send_as WHERE proven = 0 AND code_expires < ?", time);
    if (!waiting) {
        return fail(waiting.error());
    }
    return gone + database_->changes();
}

}  // namespace sekisho::store

// The app passwords of accounts, and credentials that are made anew.
#include "account/account.h"
#include "account/app_password.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "store/account_sql.h"
#include "store/account_store.h"
#include "store/sqlite.h"

#include <cstdint>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

using account::Account;
using account::AppPassword;

std::string joined(const std::vector<Prefix>& prefixes) {
    std::string out;
    for (const Prefix& one : prefixes) {
        out += (out.empty() ? "" : " ") + one.text();
    }
    return out;
}

Result<std::vector<Prefix>> parsed(std::string_view text) {
    std::vector<Prefix> out;
    for (const std::string_view part : split(text, ' ')) {
        if (part.empty()) {
            continue;
        }
        const auto prefix = Prefix::parse(part);
        if (!prefix) {
            return fail(Errc::Corrupt, "app_passwords.allowed_from: " + prefix.error().message);
        }
        out.push_back(*prefix);
    }
    return out;
}

std::unexpected<Error> no_password(std::string_view login, std::string_view name) {
    return fail(
        Errc::NotFound,
        "the account " + printable(login) + " has no app password \"" + printable(name) + "\""
    );
}

}  // namespace

Status SqliteAccountStore::read_app_passwords(Account& account) {
    auto statement = database_->prepare(
        "SELECT name, selector, password_hash, scram_salt, scram_iterations, scram_stored_key, "
        "scram_server_key, allowed_from, created, expires, last_used, last_address "
        "FROM app_passwords WHERE login = ? ORDER BY name"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(std::string_view{account.login});
    while (true) {
        const auto row = statement->step();
        if (!row || !*row) {
            return row ? Status{} : fail(row.error());
        }
        AppPassword one;
        one.name = statement->text();
        one.selector = statement->text();
        one.credential = read_credential(*statement);
        auto from = parsed(statement->text());
        if (!from) {
            return fail(from.error());
        }
        one.from = std::move(*from);
        one.created = statement->time();
        one.expires = statement->time();
        one.last_used = statement->time();
        one.last_address = statement->text();
        account.app_passwords.push_back(std::move(one));
    }
}

Status SqliteAccountStore::replace_credential(
    std::string_view login, std::string_view before, const account::Credential& credential
) {
    const std::scoped_lock lock{mutex_};
    const auto written = database_->run(
        "UPDATE accounts SET password_hash = ?, scram_salt = ?, scram_iterations = ?, "
        "scram_stored_key = ?, scram_server_key = ? WHERE login = ? AND password_hash = ?",
        std::string_view{credential.hash},
        Blob{credential.scram.salt},
        std::int64_t{credential.scram.iterations},
        Blob{credential.scram.stored_key},
        Blob{credential.scram.server_key},
        std::string_view{account::normalised(login)},
        before
    );
    if (written && database_->changes() == 0) {
        return fail(Errc::Conflict, "the password of " + printable(login) + " has changed since");
    }
    return written;
}

Status SqliteAccountStore::add_app_password(std::string_view login, const AppPassword& password) {
    if (const Status sound = account::check_app_password_name(password.name); !sound) {
        return sound;
    }
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto found = find_locked(account::normalised(login));
        if (!found) {
            return fail(found.error());
        }
        if (found->app_passwords.size() >= account::kAppPasswordsMax) {
            return fail(Errc::Invalid, "an account has at most 32 app passwords; revoke one");
        }
        const account::ScramKeys& scram = password.credential.scram;
        const auto written = database_->run(
            "INSERT INTO app_passwords VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
            std::string_view{found->login},
            std::string_view{password.name},
            std::string_view{password.selector},
            std::string_view{password.credential.hash},
            Blob{scram.salt},
            std::int64_t{scram.iterations},
            Blob{scram.stored_key},
            Blob{scram.server_key},
            std::string_view{joined(password.from)},
            password.created,
            password.expires
        );
        if (!written && written.error().code == Errc::Conflict) {
            return fail(
                Errc::Conflict,
                "the account has an app password \"" + printable(password.name) +
                    "\" already; revoke it first"
            );
        }
        return written;
    });
}

Status SqliteAccountStore::remove_app_password(std::string_view login, std::string_view name) {
    const std::scoped_lock lock{mutex_};
    const auto removed = database_->run(
        "DELETE FROM app_passwords WHERE login = ? AND name = ?",
        std::string_view{account::normalised(login)},
        name
    );
    if (removed && database_->changes() == 0) {
        return no_password(login, name);
    }
    return removed;
}

Status SqliteAccountStore::app_password_used(
    std::string_view login, std::string_view name, Time at, std::string_view address
) {
    const std::scoped_lock lock{mutex_};
    const auto written = database_->run(
        "UPDATE app_passwords SET last_used = ?, last_address = ? WHERE login = ? AND name = ?",
        at,
        address,
        std::string_view{account::normalised(login)},
        name
    );
    if (written && database_->changes() == 0) {
        return no_password(login, name);
    }
    return written;
}

}  // namespace sekisho::store

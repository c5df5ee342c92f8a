#include "store/account_store.h"

#include "account/account.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/result.h"
#include "store/account_sql.h"
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

constexpr std::string_view kFind =
    "SELECT login, name, line, enabled, disabled_reason, password_hash, scram_salt, "
    "scram_iterations, "
    "scram_stored_key, scram_server_key, created, changed, stays_home, time_zone, language "
    "FROM accounts WHERE login = ?";
constexpr std::string_view kList =
    "SELECT login, name, line, enabled, disabled_reason, password_hash, scram_salt, "
    "scram_iterations, "
    "scram_stored_key, scram_server_key, created, changed, stays_home, time_zone, language "
    "FROM accounts ORDER BY login";
Account read(Statement& row) {
    Account out;
    out.login = row.text();
    out.name = row.text();
    out.line = row.text();
    out.enabled = row.boolean();
    out.disabled_reason = row.text();
    out.credential = read_credential(row);
    out.created = row.time();
    out.changed = row.time();
    out.stays_home = row.boolean();
    out.time_zone = row.text();
    out.language = row.text();
    return out;
}

}  // namespace

account::Credential read_credential(Statement& row) {
    account::Credential out;
    out.hash = row.text();
    out.scram.salt = row.text();
    out.scram.iterations = static_cast<std::uint32_t>(row.integer());
    out.scram.stored_key = row.text();
    out.scram.server_key = row.text();
    return out;
}

Status write_account(Database& database, std::string_view sql, const Account& account) {
    const account::ScramKeys& scram = account.credential.scram;
    return database.run(
        sql,
        std::string_view{account.name},
        std::string_view{account.line},
        std::string_view{account.language},
        account.enabled,
        std::string_view{account.disabled_reason},
        std::string_view{account.credential.hash},
        Blob{scram.salt},
        std::int64_t{scram.iterations},
        Blob{scram.stored_key},
        Blob{scram.server_key},
        account.created,
        account.changed,
        std::string_view{account.login}
    );
}

std::unexpected<Error> no_account(std::string_view what) {
    return fail(Errc::NotFound, "no account has " + std::string{what});
}

std::unexpected<Error> no_login(std::string_view login) {
    return no_account("the login \"" + printable(login) + "\"");
}

std::vector<std::string> rows_of(const Account& account) {
    std::vector<std::string> out = account.addresses;
    for (const std::string& domain : account.domains) {
        out.push_back("@" + domain);
    }
    return out;
}

Status SqliteAccountStore::read_addresses(Account& account) {
    auto statement =
        database_->prepare("SELECT address FROM account_addresses WHERE login = ? ORDER BY position"
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
        std::string address = statement->text();
        if (address.starts_with('@')) {
            account.domains.push_back(address.substr(1));
        } else {
            account.addresses.push_back(std::move(address));
        }
    }
}

Status SqliteAccountStore::write_addresses(const Account& account) {
    auto cleared = database_->run(
        "DELETE FROM account_addresses WHERE login = ?", std::string_view{account.login}
    );
    if (!cleared) {
        return cleared;
    }
    std::int64_t position = 0;
    for (const std::string& address : rows_of(account)) {
        const auto written = database_->run(
            "INSERT INTO account_addresses (address, login, position) VALUES (?, ?, ?)",
            std::string_view{address},
            std::string_view{account.login},
            position++
        );
        if (!written && written.error().code == Errc::Conflict) {
            return fail(Errc::Conflict, "another account has the address " + printable(address));
        }
        if (!written) {
            return written;
        }
    }
    return {};
}

Result<Account> SqliteAccountStore::find_locked(std::string_view login) {
    auto statement = database_->prepare(kFind);
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(login).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return no_login(login);
    }
    Account out = read(*statement);
    if (const auto addresses = read_addresses(out); !addresses) {
        return fail(addresses.error());
    }
    if (const auto passwords = read_app_passwords(out); !passwords) {
        return fail(passwords.error());
    }
    return out;
}

Result<Account> SqliteAccountStore::find(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    return find_locked(account::normalised(login));
}

Result<Account> SqliteAccountStore::find_by_address(std::string_view address) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare("SELECT login FROM account_addresses WHERE address = ?");
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(std::string_view{account::normalised(address)}).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return no_account("the address \"" + printable(address) + "\"");
    }
    return find_locked(statement->text());
}

Result<std::vector<Account>> SqliteAccountStore::list() {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(kList);
    if (!statement) {
        return fail(statement.error());
    }
    std::vector<Account> out;
    while (true) {
        const auto row = statement->step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            return out;
        }
        out.push_back(read(*statement));
        if (const auto addresses = read_addresses(out.back()); !addresses) {
            return fail(addresses.error());
        }
        if (const auto passwords = read_app_passwords(out.back()); !passwords) {
            return fail(passwords.error());
        }
    }
}

Status SqliteAccountStore::add(const Account& account) {
    const auto sound = account::checked(account);
    if (!sound) {
        return fail(sound.error());
    }
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto written = write_account(*database_, kInsertAccount, *sound);
        if (!written && written.error().code == Errc::Conflict) {
            return fail(Errc::Conflict, "the login \"" + printable(sound->login) + "\" is taken");
        }
        return written ? write_addresses(*sound) : written;
    });
}

Status SqliteAccountStore::update(const Account& account) {
    const auto sound = account::checked(account);
    if (!sound) {
        return fail(sound.error());
    }
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        const auto written = write_account(*database_, kUpdateAccount, *sound);
        if (written && database_->changes() == 0) {
            return no_login(sound->login);
        }
        return written ? write_addresses(*sound) : written;
    });
}

Status SqliteAccountStore::remove(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    const auto removed = database_->run(
        "DELETE FROM accounts WHERE login = ?", std::string_view{account::normalised(login)}
    );
    if (removed && database_->changes() == 0) {
        return no_account("the login \"" + printable(login) + "\"");
    }
    return removed;
}

Status SqliteAccountStore::changed(Status written, std::string_view login) {
    if (written && database_->changes() == 0) {
        return no_login(login);
    }
    return written;
}

Status SqliteAccountStore::set_stays_home(std::string_view login, bool stays_home) {
    const std::scoped_lock lock{mutex_};
    return changed(
        database_->run(
            "UPDATE accounts SET stays_home = ? WHERE login = ?",
            stays_home,
            std::string_view{account::normalised(login)}
        ),
        login
    );
}

Status SqliteAccountStore::set_time_zone(std::string_view login, std::string_view zone) {
    const std::scoped_lock lock{mutex_};
    return changed(
        database_->run(
            "UPDATE accounts SET time_zone = ? WHERE login = ?",
            zone,
            std::string_view{account::normalised(login)}
        ),
        login
    );
}

}  // namespace sekisho::store

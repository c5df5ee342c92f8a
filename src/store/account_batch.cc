// Accounts by the thousand: what `sekisho account import` writes.
#include "account/account.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/result.h"
#include "store/account_sql.h"
#include "store/account_store.h"
#include "store/sqlite.h"

#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace sekisho::store {

using account::Account;
using account::BatchOptions;
using account::BatchResult;

Status SqliteAccountStore::check_addresses(const Account& account) {
    for (const std::string& address : rows_of(account)) {
        auto statement =
            database_->prepare("SELECT login FROM account_addresses WHERE address = ?");
        if (!statement) {
            return fail(statement.error());
        }
        const auto row = statement->bind(std::string_view{address}).step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            continue;
        }
        if (const std::string owner = statement->text(); owner != account.login) {
            return fail(
                Errc::Conflict,
                "the address " + printable(address) + " belongs to account " + printable(owner)
            );
        }
    }
    return {};
}

Status SqliteAccountStore::put(const Account& account, bool update, BatchResult& result) {
    auto known = database_->prepare("SELECT created FROM accounts WHERE login = ?");
    if (!known) {
        return fail(known.error());
    }
    const auto row = known->bind(std::string_view{account.login}).step();
    if (!row) {
        return fail(row.error());
    }
    if (*row && !update) {
        return fail(
            Errc::Conflict, "the login \"" + printable(account.login) + "\" is there already"
        );
    }
    // Looked at first: nothing of a faulty account may be written, for the others may be kept.
    if (Status free = check_addresses(account); !free) {
        return free;
    }
    Account written = account;
    if (*row) {
        written.created = known->time();
    }
    if (Status done = write_account(*database_, *row ? kUpdateAccount : kInsertAccount, written);
        !done) {
        return done;
    }
    ++(*row ? result.updated : result.added);
    return write_addresses(account);
}

Result<BatchResult> SqliteAccountStore::add_all(
    std::span<const Account> accounts, const BatchOptions& options
) {
    BatchResult result;
    const std::scoped_lock lock{mutex_};
    const Status done = database_->transaction([&]() -> Status {
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            const auto sound = account::checked(accounts[i]);
            const Status one =
                sound ? put(*sound, options.update, result) : Status{fail(sound.error())};
            if (one) {
                continue;
            }
            const Errc code = one.error().code;
            if (code != Errc::Conflict && code != Errc::Invalid) {
                return one;
            }
            result.faults.push_back({i, one.error()});
        }
        result.kept = !options.only_check && (options.skip_bad || result.faults.empty());
        // Rolls back; told from an error of the store by `kept`, which that leaves false too.
        return result.kept ? Status{} : fail(Errc::Cancelled, "nothing of the batch is kept");
    });
    if (!done && done.error().code != Errc::Cancelled) {
        return fail(done.error());
    }
    return result;
}

}  // namespace sekisho::store

#include "store/forward_store.h"

#include "account/forwarding.h"
#include "base/bytes.h"
#include "base/result.h"
#include "store/sqlite.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {
namespace {

using account::Alias;
using account::Forward;

// Addresses have no spaces.
std::string joined(const std::vector<std::string>& targets) {
    std::string out;
    for (const std::string& target : targets) {
        out += (out.empty() ? "" : " ") + target;
    }
    return out;
}

std::vector<std::string> divided(const std::string& text) {
    std::vector<std::string> out;
    for (const std::string_view one : split(text, ' ')) {
        out.emplace_back(one);
    }
    return out;
}

Alias read_alias(Statement& row) {
    Alias out;
    out.address = row.text();
    out.targets = divided(row.text());
    out.changed = row.time();
    return out;
}

Forward read_forward(Statement& row) {
    Forward out;
    out.login = row.text();
    out.targets = divided(row.text());
    out.keep = row.boolean();
    out.changed = row.time();
    return out;
}

}  // namespace

Result<Alias> SqliteForwardStore::alias(std::string_view address) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare("SELECT address, targets, changed FROM aliases WHERE address = ?");
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(address).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return fail(Errc::NotFound, "there is no alias " + std::string(address));
    }
    return read_alias(*statement);
}

Result<std::vector<Alias>> SqliteForwardStore::aliases() {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare("SELECT address, targets, changed FROM aliases ORDER BY address");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all(read_alias);
}

Result<std::vector<std::string>> SqliteForwardStore::aliases_to(std::string_view target) {
    const std::scoped_lock lock{mutex_};
    auto statement = database_->prepare(
        "SELECT address FROM alias_targets AS one WHERE target = ? AND NOT EXISTS (SELECT 1 FROM "
        "account_addresses WHERE address = one.address) ORDER BY address LIMIT ?"
    );
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind_all(target, static_cast<std::int64_t>(account::kDestinationsMax));
    return statement->all([](Statement& row) { return row.text(); });
}

Status SqliteForwardStore::set_alias(const Alias& alias) {
    const std::scoped_lock lock{mutex_};
    return write(alias);
}

Status SqliteForwardStore::set_aliases(const std::vector<Alias>& aliases) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const Alias& one : aliases) {
            if (Status written = write(one); !written) {
                return written;
            }
        }
        return {};
    });
}

Status SqliteForwardStore::write(const Alias& alias) {
    return database_->run(
        "INSERT INTO aliases (address, targets, changed) VALUES (?, ?, ?) ON CONFLICT (address) DO "
        "UPDATE SET targets = excluded.targets, changed = excluded.changed",
        std::string_view{alias.address},
        std::string_view{joined(alias.targets)},
        alias.changed
    );
}

Status SqliteForwardStore::remove_alias(std::string_view address) {
    const std::scoped_lock lock{mutex_};
    if (Status done = database_->run("DELETE FROM aliases WHERE address = ?", address); !done) {
        return done;
    }
    if (database_->changes() == 0) {
        return fail(Errc::NotFound, "there is no alias " + std::string(address));
    }
    return {};
}

Result<Forward> SqliteForwardStore::forward(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare("SELECT login, targets, keep, changed FROM forwards WHERE login = ?");
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->bind(login).step();
    if (!row) {
        return fail(row.error());
    }
    if (!*row) {
        return fail(Errc::NotFound, std::string(login) + " forwards nothing");
    }
    return read_forward(*statement);
}

Result<std::vector<Forward>> SqliteForwardStore::forwards() {
    const std::scoped_lock lock{mutex_};
    auto statement =
        database_->prepare("SELECT login, targets, keep, changed FROM forwards ORDER BY login");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all(read_forward);
}

Status SqliteForwardStore::set_forward(const Forward& forward) {
    const std::scoped_lock lock{mutex_};
    return database_->run(
        "INSERT INTO forwards (login, targets, keep, changed) VALUES (?, ?, ?, ?) ON CONFLICT "
        "(login) DO UPDATE SET targets = excluded.targets, keep = excluded.keep, changed = "
        "excluded.changed",
        std::string_view{forward.login},
        std::string_view{joined(forward.targets)},
        forward.keep,
        forward.changed
    );
}

Status SqliteForwardStore::remove_forward(std::string_view login) {
    const std::scoped_lock lock{mutex_};
    if (Status done = database_->run("DELETE FROM forwards WHERE login = ?", login); !done) {
        return done;
    }
    if (database_->changes() == 0) {
        return fail(Errc::NotFound, std::string(login) + " forwards nothing");
    }
    return {};
}

}  // namespace sekisho::store

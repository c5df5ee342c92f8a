// The row of an account and of an app password, for the files of SqliteAccountStore.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "store/sqlite.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {

inline constexpr std::string_view kInsertAccount =
    "INSERT INTO accounts (name, line, language, enabled, disabled_reason, password_hash, "
    "scram_salt, "
    "scram_iterations, scram_stored_key, scram_server_key, created, changed, login) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr std::string_view kUpdateAccount =
    "UPDATE accounts SET name = ?, line = ?, language = ?, enabled = ?, disabled_reason = ?, "
    "password_hash = ?, "
    "scram_salt = ?, scram_iterations = ?, scram_stored_key = ?, scram_server_key = ?, "
    "created = ?, changed = ? WHERE login = ?";

// One of the two above.
Status write_account(Database& database, std::string_view sql, const account::Account& account);

// The next five columns: hash, salt, iterations, stored key, server key.
[[nodiscard]] account::Credential read_credential(Statement& row);

// The account's rows of account_addresses: its addresses, then its domains as "@example.net".
[[nodiscard]] std::vector<std::string> rows_of(const account::Account& account);

// "no account has WHAT"
[[nodiscard]] std::unexpected<Error> no_account(std::string_view what);
[[nodiscard]] std::unexpected<Error> no_login(std::string_view login);

}  // namespace sekisho::store

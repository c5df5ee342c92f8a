// Accounts from the files of other systems: tables (CSV with a header, such as a database's export
// of Postfix' or PostfixAdmin's mailboxes), Dovecot's passwd-file, and dumps of databases (one
// table of them). Pure: text in, accounts and what is wrong with each other row out. What conflicts
// with accounts that are there already is the store's to find.
#pragma once

#include "account/account.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

enum class ImportFormat : std::uint8_t { Auto, Csv, PasswdFile, Sql };
[[nodiscard]] std::optional<ImportFormat> parse_import_format(std::string_view text);
[[nodiscard]] std::string_view name(ImportFormat format);  // "csv", ...

struct ImportOptions {
    ImportFormat format = ImportFormat::Auto;
    std::string default_scheme;  // parse_written_password()
    std::string domain;          // logins without '@' get the address LOGIN@domain; empty: none
    // Of a dump: the table. Of that and of CSV: what the columns are called, when nothing else
    // would tell; empty: by the usual names.
    std::string table = "mailbox", login_column, password_column;
    bool update = false;  // a table without passwords is sound: they stay as they are
};

struct ImportRow {
    std::size_t line = 0;  // from 1
    Account account;       // checked()
    // To be hashed before it is kept; empty: the credential has a hash. wipe() it.
    std::string plaintext;
};
struct ImportFault {
    std::size_t line = 0;
    std::string why;  // never holds a password or a hash
};
// Which fields the file has: an update leaves the others as they are.
struct ImportFields {
    bool password = false, name = false, addresses = false, line = false, enabled = false;
};
struct Import {
    ImportFormat format = ImportFormat::Auto;  // as it was found to be
    ImportFields fields;
    std::vector<std::string> ignored;  // columns that mean nothing here
    std::vector<ImportRow> rows;
    std::vector<ImportFault> faults;  // in order of line
};

// Invalid: the file as a whole can't be read (no header, no column for the login, ...).
[[nodiscard]] Result<Import> read_import(std::string_view text, const ImportOptions& options);

// What an update makes of an account that is there: the row's fields over it.
[[nodiscard]] Account merged(const Account& before, const Account& row, const ImportFields& fields);

}  // namespace sekisho::account

#include "account/import.h"

#include "account/account.h"
#include "account/digest.h"
#include "account/old_hash.h"
#include "account/password.h"
#include "account/sql_dump.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/csv.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

enum class Column : std::uint8_t { Login, Mail, Addresses, Password, Name, Line, Enabled, Reason };

// As the exports of other systems call them: PostfixAdmin's mailbox, LDAP, spreadsheets.
constexpr std::array<std::pair<std::string_view, Column>, 27> kColumns{{
    {"login", Column::Login},
    {"user", Column::Login},
    {"username", Column::Login},
    {"userid", Column::Login},
    {"account", Column::Login},
    {"mail", Column::Mail},
    {"email", Column::Mail},
    {"address", Column::Addresses},
    {"addresses", Column::Addresses},
    {"aliases", Column::Addresses},
    {"password", Column::Password},
    {"passwd", Column::Password},
    {"userpassword", Column::Password},
    {"hash", Column::Password},
    {"password_hash", Column::Password},
    {"crypt", Column::Password},
    {"name", Column::Name},
    {"fullname", Column::Name},
    {"full_name", Column::Name},
    {"displayname", Column::Name},
    {"cn", Column::Name},
    {"gecos", Column::Name},
    {"line", Column::Line},
    {"enabled", Column::Enabled},
    {"active", Column::Enabled},
    {"disabled_reason", Column::Reason},
    {"reason", Column::Reason},
}};

// A row before it is checked.
struct Draft {
    std::size_t line = 0;
    std::string login, addresses, password, name, subscriber_line, enabled, reason;
};

std::optional<bool> truth(std::string_view text) {
    const std::string word = to_lower(trim(text));
    for (const std::string_view yes : {"", "1", "true", "t", "yes", "y", "enabled", "active"}) {
        if (word == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"0", "false", "f", "no", "n", "disabled", "inactive"}) {
        if (word == no) {
            return false;
        }
    }
    return std::nullopt;
}

std::vector<std::string> address_list(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(" ,;|\t\r\n");
        if (end != 0) {
            out.emplace_back(text.substr(0, end));
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

// Collects rows; finds what is there twice.
class Collector {
  public:
    Collector(const ImportOptions& options, Import& out) : options_(options), out_(out) {}

    void fault(std::size_t line, std::string why) { out_.faults.push_back({line, std::move(why)}); }

    void add(Draft draft) {
        auto row = made(draft);
        if (!row) {
            fault(draft.line, row.error().message);
            return;
        }
        if (const std::string twice = taken(row->account); !twice.empty()) {
            fault(draft.line, twice);
            return;
        }
        const Account& account = row->account;
        logins_.emplace(account.login, draft.line);
        for (const std::string& address : account.addresses) {
            addresses_.emplace(address, draft.line);
        }
        out_.rows.push_back(std::move(*row));
    }

  private:
    [[nodiscard]] Result<ImportRow> made(const Draft& draft) const {
        ImportRow row;
        row.line = draft.line;
        Account account;
        account.login = normalised(draft.login);
        account.name = trim(draft.name);
        account.line = trim(draft.subscriber_line);
        account.addresses = address_list(draft.addresses);
        if (account.addresses.empty()) {
            if (account.login.find('@') != std::string::npos) {
                account.addresses.push_back(account.login);
            } else if (!options_.domain.empty()) {
                account.addresses.push_back(account.login + "@" + options_.domain);
            }
        }
        const auto enabled = truth(draft.enabled);
        if (!enabled) {
            return fail(
                Errc::Invalid,
                "\"" + printable(draft.enabled, 40) + "\" is neither enabled (1, yes) nor disabled"
            );
        }
        account.enabled = *enabled;
        account.disabled_reason = *enabled ? std::string_view{} : trim(draft.reason);
        auto sound = checked(std::move(account));
        if (!sound) {
            return fail(sound.error());
        }
        row.account = std::move(*sound);
        if (!out_.fields.password) {
            return row;
        }
        if (const Status read = take_password(row, draft.password); !read) {
            return fail(read.error());
        }
        return row;
    }

    Status take_password(ImportRow& row, std::string_view text) const {
        // How /etc/shadow and its kin write that nobody may log in.
        if (text.starts_with('!') || text.starts_with('*')) {
            return fail(Errc::Invalid, "the password is locked (it begins with '!' or '*')");
        }
        auto written = parse_written_password(text, options_.default_scheme);
        if (!written) {
            return fail(written.error());
        }
        if (written->hash.empty()) {
            row.plaintext = std::move(written->plaintext);
            return check_password(row.plaintext);
        }
        row.account.credential.hash = std::move(written->hash);
        if (auto keys = scram_keys_of(row.account.credential.hash)) {
            row.account.credential.scram = std::move(*keys);
        }
        return {};
    }

    [[nodiscard]] std::string taken(const Account& account) const {
        if (const auto at = logins_.find(account.login); at != logins_.end()) {
            return "the login \"" + account.login + "\" is in line " + std::to_string(at->second) +
                   " already";
        }
        for (const std::string& address : account.addresses) {
            if (const auto at = addresses_.find(address); at != addresses_.end()) {
                return "the address " + address + " is in line " + std::to_string(at->second) +
                       " already";
            }
        }
        return {};
    }

    const ImportOptions& options_;  // NOLINT(*-avoid-const-or-ref-data-members)
    Import& out_;                   // NOLINT(*-avoid-const-or-ref-data-members)
    std::unordered_map<std::string, std::size_t> logins_, addresses_;
};

// Where each field stands in a record.
struct Header {
    std::map<Column, std::size_t> at;
    std::size_t size = 0;
};

// As the options call it, else as it is usually called.
std::string column_named(const std::string& field, const ImportOptions& options) {
    std::string name = normalised(field);
    if (!options.login_column.empty() && name == normalised(options.login_column)) {
        return "login";
    }
    if (!options.password_column.empty() && name == normalised(options.password_column)) {
        return "password";
    }
    // Named by an option, another of that meaning has none.
    const auto* const known = std::ranges::find(
        kColumns, std::string_view{name}, &std::pair<std::string_view, Column>::first
    );
    if (known != kColumns.end() &&
        ((known->second == Column::Login && !options.login_column.empty()) ||
         (known->second == Column::Password && !options.password_column.empty()))) {
        return {};
    }
    return name;
}

Result<Header> read_header(
    const std::vector<std::string>& fields, const ImportOptions& options, Import& out
) {
    Header header;
    header.size = fields.size();
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::string wanted = column_named(fields[i], options);
        const auto* const known = std::ranges::find(
            kColumns, std::string_view{wanted}, &std::pair<std::string_view, Column>::first
        );
        if (known == kColumns.end()) {
            out.ignored.push_back(printable(fields[i], 40));
        } else if (!header.at.emplace(known->second, i).second) {
            return fail(Errc::Invalid, "the header has two columns for \"" + wanted + "\"");
        }
    }
    // A table of addresses alone: they are the logins.
    if (const auto mail = header.at.find(Column::Mail); mail != header.at.end()) {
        const Column meant = header.at.contains(Column::Login) ? Column::Addresses : Column::Login;
        if (!header.at.emplace(meant, mail->second).second) {
            return fail(Errc::Invalid, "the header has two columns for addresses");
        }
    }
    if (!header.at.contains(Column::Login)) {
        return fail(
            Errc::Invalid,
            "no column is called \"login\" (or username, user, email): a table needs a header; "
            "--login-column says which one it is"
        );
    }
    const auto has = [&](Column column) { return header.at.contains(column); };
    out.fields = {
        .password = has(Column::Password),
        .name = has(Column::Name),
        .addresses = has(Column::Addresses),
        .line = has(Column::Line),
        .enabled = has(Column::Enabled),
    };
    return header;
}

// Fields in the order of the header.
Draft draft_of(std::size_t line, const std::vector<std::string>& fields, const Header& header) {
    const auto field = [&](Column column) {
        const auto at = header.at.find(column);
        return at == header.at.end() ? std::string{} : fields[at->second];
    };
    return {
        .line = line,
        .login = field(Column::Login),
        .addresses = field(Column::Addresses),
        .password = field(Column::Password),
        .name = field(Column::Name),
        .subscriber_line = field(Column::Line),
        .enabled = field(Column::Enabled),
        .reason = field(Column::Reason),
    };
}

Status need_password(const Import& out, const ImportOptions& options) {
    if (out.fields.password || options.update) {
        return {};
    }
    return fail(
        Errc::Invalid,
        "no column is called \"password\" (or passwd, hash); --password-column says which one it is"
    );
}

char separator_of(std::string_view text) {
    const std::string_view first = text.substr(0, text.find('\n'));
    if (first.find(',') == std::string_view::npos) {
        for (const char other : {';', '\t'}) {
            if (first.find(other) != std::string_view::npos) {
                return other;
            }
        }
    }
    return ',';
}

Status read_csv(std::string_view text, const ImportOptions& options, Import& out) {
    CsvReader reader(text, separator_of(text));
    const auto first = reader.next();
    if (!first) {
        return fail(Errc::Invalid, "the file is empty");
    }
    if (!first->fault.empty()) {
        return fail(Errc::Invalid, "the header: " + first->fault);
    }
    const auto header = read_header(first->fields, options, out);
    if (!header) {
        return fail(header.error());
    }
    if (const Status named = need_password(out, options); !named) {
        return named;
    }
    Collector collector(options, out);
    while (const auto record = reader.next()) {
        if (!record->fault.empty()) {
            collector.fault(record->line, record->fault);
            continue;
        }
        if (record->fields.size() != header->size) {
            collector.fault(
                record->line,
                "it has " + std::to_string(record->fields.size()) + " fields, the header " +
                    std::to_string(header->size)
            );
            continue;
        }
        collector.add(draft_of(record->line, record->fields, *header));
    }
    return {};
}

// Several rows may stand in one line of a dump.
Status read_sql(std::string_view text, const ImportOptions& options, Import& out) {
    auto table = read_sql_table(text, options.table);
    if (!table) {
        return fail(table.error());
    }
    const auto header = read_header(table->columns, options, out);
    if (!header) {
        return fail(header.error());
    }
    if (const Status named = need_password(out, options); !named) {
        return named;
    }
    Collector collector(options, out);
    for (SqlRow& row : table->rows) {
        if (row.fault.empty()) {
            collector.add(draft_of(row.line, row.fields, *header));
        } else {
            collector.fault(row.line, std::move(row.fault));
        }
        for (std::string& field : row.fields) {
            wipe(field);
        }
    }
    return {};
}

// user:password:uid:gid:(gecos):home:(shell):extra_fields; the trailing ones may be missing, and a
// line with '#' in front is a comment (Dovecot, "Passwd-file").
Status read_passwd_file(std::string_view text, const ImportOptions& options, Import& out) {
    constexpr std::size_t kGecos = 4;
    out.fields = {.password = true, .name = true};
    Collector collector(options, out);
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        const auto parts = split(line, ':');
        if (parts.size() < 2) {
            collector.fault(number, "it has no ':' between user and password");
            continue;
        }
        Draft draft;
        draft.line = number;
        draft.login = parts[0];
        draft.password = parts[1];
        // GECOS has the name before its first comma.
        if (parts.size() > kGecos) {
            draft.name = parts[kGecos].substr(0, parts[kGecos].find(','));
        }
        collector.add(std::move(draft));
    }
    if (number == 0) {
        return fail(Errc::Invalid, "the file is empty");
    }
    return {};
}

// A header has no colon; a line of a passwd-file has one before any comma.
ImportFormat guess(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::string word = to_lower(line.substr(0, line.find(' ')));
        if (word.starts_with("--") || word.starts_with("/*") || word == "insert" ||
            word == "create" || word == "copy" || word == "set" || word == "begin" ||
            word == "pragma") {
            return ImportFormat::Sql;
        }
        if (!line.empty() && !line.starts_with('#')) {
            const std::size_t sign = line.find_first_of(",:;\t");
            return sign != std::string_view::npos && line[sign] == ':' ? ImportFormat::PasswdFile
                                                                       : ImportFormat::Csv;
        }
    }
    return ImportFormat::Csv;
}

}  // namespace

std::string_view name(ImportFormat format) {
    switch (format) {
        case ImportFormat::Auto:
            return "auto";
        case ImportFormat::Csv:
            return "csv";
        case ImportFormat::PasswdFile:
            return "passwd-file";
        case ImportFormat::Sql:
            return "sql";
    }
    return "?";
}

std::optional<ImportFormat> parse_import_format(std::string_view text) {
    for (const ImportFormat one :
         {ImportFormat::Auto, ImportFormat::Csv, ImportFormat::PasswdFile, ImportFormat::Sql}) {
        if (text == name(one)) {
            return one;
        }
    }
    return std::nullopt;
}

Result<Import> read_import(std::string_view text, const ImportOptions& options) {
    Import out;
    out.format = options.format == ImportFormat::Auto ? guess(text) : options.format;
    const Status read = out.format == ImportFormat::Csv   ? read_csv(text, options, out)
                        : out.format == ImportFormat::Sql ? read_sql(text, options, out)
                                                          : read_passwd_file(text, options, out);
    if (!read) {
        return fail(read.error());
    }
    return out;
}

Account merged(const Account& before, const Account& row, const ImportFields& fields) {
    Account out = before;
    if (fields.password) {
        out.credential = row.credential;
    }
    if (fields.name) {
        out.name = row.name;
    }
    if (fields.addresses) {
        out.addresses = row.addresses;
        out.domains = row.domains.empty() ? before.domains : row.domains;
    }
    if (fields.line) {
        out.line = row.line;
    }
    if (fields.enabled) {
        out.enabled = row.enabled;
        out.disabled_reason = row.disabled_reason;
    }
    return out;
}

}  // namespace sekisho::account

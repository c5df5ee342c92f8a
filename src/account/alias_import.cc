#include "account/alias_import.h"

#include "account/forwarding.h"
#include "account/sql_dump.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

class Collector {
  public:
    Collector(const AliasImportOptions& options, AliasImport& out) : options_(options), out_(out) {}

    void fault(std::size_t line, std::string why) { out_.faults.push_back({line, std::move(why)}); }

    void add(std::size_t line, std::string_view key, std::string_view targets) {
        Alias alias;
        alias.address = whole(key);
        for (const std::string_view one : listed(targets)) {
            // aliases(5): a command, a file, a list in a file.
            if (one.starts_with('|') || one.starts_with('/') || one.starts_with('"') ||
                one.starts_with(":include:")) {
                fault(line, printable(one, 100) + " is no address, and nothing else is taken here");
                return;
            }
            alias.targets.push_back(whole(one));
        }
        if (alias.targets == std::vector{alias.address}) {
            ++out_.passed_over;
            return;
        }
        auto sound = checked(std::move(alias));
        if (!sound) {
            fault(line, advised(sound.error().message));
            return;
        }
        const auto [there, is_new] = lines_.emplace(sound->address, line);
        if (!is_new) {
            fault(
                line, sound->address + " is in line " + std::to_string(there->second) + " already"
            );
            return;
        }
        out_.rows.push_back({line, std::move(*sound)});
    }

  private:
    [[nodiscard]] std::string whole(std::string_view name) const {
        std::string out = normalised(name);
        if (!out.contains('@') && !options_.domain.empty()) {
            out += "@" + normalised(options_.domain);
        }
        return out;
    }

    [[nodiscard]] std::string advised(std::string why) const {
        if (options_.domain.empty() && why.contains("no '@'")) {
            why += "; --domain says which domain such names are of";
        }
        return why;
    }

    static std::vector<std::string_view> listed(std::string_view text) {
        std::vector<std::string_view> out;
        while (!text.empty()) {
            const std::size_t end = text.find_first_of(" ,\t\r\n");
            if (end != 0) {
                out.push_back(text.substr(0, end));
            }
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        return out;
    }

    const AliasImportOptions& options_;  // NOLINT(*-avoid-const-or-ref-data-members)
    AliasImport& out_;                   // NOLINT(*-avoid-const-or-ref-data-members)
    std::unordered_map<std::string, std::size_t> lines_;
};

// postmap(1): a line that begins with white space goes on with the one before; a line that is empty
// or has '#' first is a comment.
void read_map(std::string_view text, Collector& collector) {
    std::string logical;
    std::size_t begun = 0;
    const auto take = [&] {
        const std::string_view line = trim(logical);
        if (!line.empty()) {
            const std::size_t end = line.find_first_of(" \t");
            std::string_view key = line.substr(0, end);
            std::string_view rest = end == std::string_view::npos ? "" : line.substr(end);
            const std::size_t colon = key.find(':');
            if (colon != std::string_view::npos && colon > 0) {  // aliases(5)
                rest = line.substr(colon + 1);
                key = key.substr(0, colon);
            } else if (trim(rest).starts_with(':')) {
                rest = trim(rest).substr(1);
            }
            if (trim(rest).empty()) {
                collector.fault(begun, printable(key, 100) + " leads nowhere");
            } else {
                collector.add(begun, key, rest);
            }
        }
        logical.clear();
    };
    std::size_t number = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        ++number;
        if (trim(line).empty() || trim(line).starts_with('#')) {
            continue;
        }
        if (line.front() != ' ' && line.front() != '\t') {
            take();
            begun = number;
        }
        if (logical.empty()) {
            begun = number;
        }
        logical += line;
        logical += ' ';
    }
    take();
}

Status read_dump(
    std::string_view text, const AliasImportOptions& options, Collector& collector, AliasImport& out
) {
    const auto table = read_sql_table(text, options.table);
    if (!table) {
        return fail(table.error());
    }
    const auto column = [&](std::string_view name) -> std::optional<std::size_t> {
        const auto at = std::ranges::find(table->columns, name);
        if (at == table->columns.end()) {
            return std::nullopt;
        }
        return static_cast<std::size_t>(at - table->columns.begin());
    };
    const auto address = column("address");
    const auto targets = column("goto");
    const auto active = column("active");
    if (!address || !targets) {
        return fail(Errc::Invalid, "the table has no columns \"address\" and \"goto\"");
    }
    for (const SqlRow& row : table->rows) {
        if (!row.fault.empty()) {
            collector.fault(row.line, row.fault);
            continue;
        }
        const std::string on = active ? to_lower(row.fields[*active]) : "1";
        if (on == "0" || on == "f" || on == "false") {
            ++out.passed_over;
            continue;
        }
        collector.add(row.line, row.fields[*address], row.fields[*targets]);
    }
    return {};
}

}  // namespace

std::optional<AliasFormat> parse_alias_format(std::string_view text) {
    if (text == "postfix") {
        return AliasFormat::Postfix;
    }
    return text == "sql" ? std::optional{AliasFormat::Sql} : std::nullopt;
}

Result<AliasImport> read_aliases(std::string_view text, const AliasImportOptions& options) {
    AliasImport out;
    Collector collector(options, out);
    if (options.format == AliasFormat::Sql) {
        if (const Status read = read_dump(text, options, collector, out); !read) {
            return fail(read.error());
        }
    } else if (text.contains('\0')) {
        return fail(Errc::Invalid, "it is no text; give the file that postmap makes its table of");
    } else {
        read_map(text, collector);
    }
    return out;
}

}  // namespace sekisho::account

#include "account/sql_dump.h"

#include "account/sql_lexer.h"
#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

using sql::Kind;
using sql::Lexer;
using sql::shown;
using sql::Token;

// What COPY writes: tabs between, "\N" for NULL, and escapes.
std::vector<std::string> copied_fields(std::string_view line) {
    std::vector<std::string> out;
    for (const std::string_view raw : split(line, '\t')) {
        std::string field;
        for (std::size_t i = 0; i < raw.size() && raw != "\\N"; ++i) {
            if (raw[i] != '\\' || i + 1 == raw.size()) {
                field.push_back(raw[i]);
                continue;
            }
            const char c = raw[++i];
            field.push_back(c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c);
        }
        out.push_back(std::move(field));
    }
    return out;
}

class Reader {
  public:
    Reader(std::string_view text, std::string_view table) : lexer_(text), wanted_(table) {}

    Result<SqlTable> run() {
        if (const Status begun = advance(); !begun) {
            return fail(begun.error());
        }
        while (token_.kind != Kind::End) {
            if (const Status done = statement(); !done) {
                return fail(done.error());
            }
        }
        if (!found_) {
            return fail(Errc::Invalid, "nothing is put into a table " + shown(wanted_));
        }
        return std::move(out_);
    }

  private:
    Status advance() {
        auto token = lexer_.next();
        if (!token) {
            return fail(token.error());
        }
        token_ = std::move(*token);
        return {};
    }
    [[nodiscard]] bool is_word(std::string_view word) const {
        return token_.kind == Kind::Word && iequals(token_.text, word);
    }
    [[nodiscard]] bool is_sign(char sign) const {
        return token_.kind == Kind::Sign && token_.text[0] == sign;
    }
    [[nodiscard]] bool is_name() const {
        return token_.kind == Kind::Word || token_.kind == Kind::Name;
    }
    [[nodiscard]] bool is_end() const { return token_.kind == Kind::End || is_sign(';'); }

    Status skip_statement() {
        while (!is_end()) {
            if (Status moved = advance(); !moved) {
                return moved;
            }
        }
        return token_.kind == Kind::End ? Status{} : advance();
    }

    Status statement() {
        const bool create = is_word("CREATE");
        const bool insert = is_word("INSERT") || is_word("REPLACE");
        const bool copy = is_word("COPY");
        if (!create && !insert && !copy) {
            return skip_statement();
        }
        // Up to the name: CREATE TABLE [IF NOT EXISTS], INSERT [IGNORE] INTO.
        Status moved = advance();
        bool table = copy;
        for (const std::string_view word :
             {"TEMPORARY", "IGNORE", "LOW_PRIORITY", "INTO", "TABLE", "IF", "NOT", "EXISTS"}) {
            if (moved && is_word(word)) {
                table = table || word == "INTO" || word == "TABLE";
                moved = advance();
            }
        }
        auto name = moved && table ? table_name() : Result<std::string>(std::string{});
        if (!moved || !name) {
            return moved ? Status(fail(name.error())) : moved;
        }
        if (!iequals(*name, wanted_)) {
            return skip_other(copy);
        }
        return create ? created() : copy ? copied() : inserted();
    }

    // The data of another table's COPY is no SQL.
    Status skip_other(bool copy) {
        bool from_stdin = false;
        while (!is_end()) {
            from_stdin = from_stdin || is_word("stdin");
            if (Status moved = advance(); !moved) {
                return moved;
            }
        }
        if (copy && from_stdin) {
            lexer_.skip_line();
            while (!lexer_.at_end() && lexer_.take_line() != "\\.") {
            }
        }
        return token_.kind == Kind::End ? Status{} : advance();
    }

    // "schema"."table": the last part.
    Result<std::string> table_name() {
        std::string name;
        while (is_name()) {
            name = token_.text;
            if (Status moved = advance(); !moved) {
                return fail(moved.error());
            }
            if (!is_sign('.')) {
                break;
            }
            if (Status moved = advance(); !moved) {
                return fail(moved.error());
            }
        }
        return name;
    }

    // The first word of each item between the outer parentheses, unless it begins a constraint.
    Status created() {
        static constexpr std::array<std::string_view, 11> kConstraints{
            "PRIMARY",
            "KEY",
            "UNIQUE",
            "CONSTRAINT",
            "FOREIGN",
            "CHECK",
            "INDEX",
            "FULLTEXT",
            "SPATIAL",
            "EXCLUDE",
            "LIKE"
        };
        std::vector<std::string> columns;
        int depth = 0;
        bool first = false;
        while (!is_end()) {
            if (is_sign('(')) {
                first = ++depth == 1;
            } else if (is_sign(')')) {
                --depth;
            } else if (is_sign(',') && depth == 1) {
                first = true;
            } else if (first && is_name()) {
                const bool constraint =
                    token_.kind == Kind::Word && std::ranges::any_of(kConstraints, [&](auto word) {
                        return iequals(word, token_.text);
                    });
                if (!constraint && columns.size() < kSqlColumnsMax) {
                    columns.push_back(to_lower(token_.text));
                }
                first = false;
            }
            if (Status moved = advance(); !moved) {
                return moved;
            }
        }
        created_ = std::move(columns);
        return skip_statement();
    }

    // "(a, b, c)", when it stands there.
    Result<std::vector<std::string>> column_list() {
        std::vector<std::string> columns;
        if (!is_sign('(')) {
            return created_;
        }
        while (!is_sign(')') && !is_end()) {
            if (is_name() && columns.size() < kSqlColumnsMax) {
                columns.push_back(to_lower(token_.text));
            }
            if (Status moved = advance(); !moved) {
                return fail(moved.error());
            }
        }
        if (Status moved = is_end() ? Status{} : advance(); !moved) {
            return fail(moved.error());
        }
        return columns;
    }

    // Where each column of this statement belongs in `out_.columns`; kSqlColumnsMax: nowhere.
    Status begin_rows(std::size_t line) {
        auto columns = column_list();
        if (!columns) {
            return fail(columns.error());
        }
        if (columns->empty()) {
            return fail(
                Errc::Invalid,
                "line " + std::to_string(line) +
                    ": nothing says what the columns of the table are called; dump it with CREATE "
                    "TABLE, or with names in INSERT (mysqldump --complete-insert)"
            );
        }
        if (!found_) {
            found_ = true;
            out_.columns = *columns;
        }
        place_.clear();
        for (const std::string& one : *columns) {
            const auto at = std::ranges::find(out_.columns, one);
            place_.push_back(
                at == out_.columns.end() ? kSqlColumnsMax
                                         : static_cast<std::size_t>(at - out_.columns.begin())
            );
        }
        return {};
    }

    void add(std::size_t line, std::vector<std::string> values, std::string fault) {
        SqlRow row;
        row.line = line;
        row.fault = std::move(fault);
        if (row.fault.empty() && values.size() != place_.size()) {
            row.fault = "it has " + std::to_string(values.size()) + " values, the table " +
                        std::to_string(place_.size()) + " columns";
        }
        if (row.fault.empty()) {
            row.fields.resize(out_.columns.size());
            for (std::size_t i = 0; i < values.size(); ++i) {
                if (place_[i] < row.fields.size()) {
                    row.fields[place_[i]] = std::move(values[i]);
                }
            }
        }
        out_.rows.push_back(std::move(row));
    }

    Status copied() {
        if (Status begun = begin_rows(token_.line); !begun) {
            return begun;
        }
        while (!is_end()) {
            if (Status moved = advance(); !moved) {
                return moved;
            }
        }
        lexer_.skip_line();
        while (!lexer_.at_end()) {
            const std::size_t line = lexer_.line();
            const std::string_view text = lexer_.take_line();
            if (text == "\\.") {
                return advance();
            }
            add(line, copied_fields(text), {});
        }
        return fail(Errc::Invalid, "the data of COPY has no end (\"\\.\"): the dump is cut off");
    }

    Status inserted() {
        if (Status begun = begin_rows(token_.line); !begun) {
            return begun;
        }
        if (!is_word("VALUES") && !is_word("VALUE")) {
            return skip_statement();  // INSERT ... SELECT
        }
        Status moved = advance();
        while (moved && is_sign('(')) {
            moved = one_row();
            if (moved && is_sign(',')) {
                moved = advance();
            }
        }
        return moved ? skip_statement() : moved;
    }

    // From its '(' past its ')'.
    Status one_row() {
        const std::size_t line = token_.line;
        std::vector<std::string> values;
        std::string fault;
        bool due = true;  // a value, else a comma
        Status moved = advance();
        int depth = 1;
        while (moved && !is_end()) {
            if (is_sign(')') && --depth == 0) {
                break;
            }
            if (is_sign('(')) {
                ++depth;
            }
            if (depth == 1 && is_sign(',')) {
                due = true;
            } else if (due && is_literal()) {
                values.push_back(token_.kind == Kind::Word ? word_value() : token_.text);
                due = false;
            } else if (fault.empty()) {
                fault = shown(token_.text) + " is no plain value";
            }
            moved = advance();
        }
        if (!moved) {
            return moved;
        }
        if (depth > 0) {
            fault = "the row has no end";
        }
        add(line, std::move(values), std::move(fault));
        return is_end() ? Status{} : advance();
    }

    [[nodiscard]] bool is_literal() const {
        return token_.kind == Kind::Text || token_.kind == Kind::Number || is_word("NULL") ||
               is_word("TRUE") || is_word("FALSE");
    }
    [[nodiscard]] std::string word_value() const {
        return is_word("NULL") ? std::string{} : to_lower(token_.text);
    }

    Lexer lexer_;
    Token token_;
    std::string wanted_;
    std::vector<std::string> created_;
    std::vector<std::size_t> place_;
    SqlTable out_;
    bool found_ = false;
};

}  // namespace

Result<SqlTable> read_sql_table(std::string_view text, std::string_view table) {
    if (table.empty()) {
        return fail(Errc::Invalid, "the table needs a name");
    }
    return Reader(text, table).run();
}

}  // namespace sekisho::account

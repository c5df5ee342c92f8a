#include "account/sql_dump.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

enum class Kind : std::uint8_t { End, Word, Name, Text, Number, Sign };

struct Token {
    Kind kind = Kind::End;
    std::string text;  // of a Word as written; of a Name or Text what stands between the quotes
    std::size_t line = 0;
};

bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string shown(std::string_view text) {
    return "\"" + printable(text, 40) + "\"";
}

class Lexer {
  public:
    explicit Lexer(std::string_view text)
        : text_(text), backslashes_(text.contains("MySQL dump") || text.contains("MariaDB dump")) {}

    // Errors: what has no end.
    Result<Token> next() {
        if (const Status skipped = skip(); !skipped) {
            return fail(skipped.error());
        }
        Token token;
        token.line = line_;
        if (at_ >= text_.size()) {
            return token;
        }
        const char c = text_[at_];
        if (c == '\'') {
            return quotes(Kind::Text, '\'', backslashes_);
        }
        if (c == '"' || c == '`') {
            backslashes_ = backslashes_ || c == '`';  // only MySQL's names stand in these
            return quotes(Kind::Name, c, false);
        }
        if (c == '$') {
            if (auto token_in_dollars = dollars()) {
                return std::move(*token_in_dollars);
            }
        }
        if (c == '[') {
            return quotes(Kind::Name, ']', false);
        }
        if (is_digit(c) || ((c == '-' || c == '+' || c == '.') && at_ + 1 < text_.size() &&
                            is_digit(text_[at_ + 1]))) {
            return number();
        }
        if (is_word_char(c)) {
            return word();
        }
        token.kind = Kind::Sign;
        token.text = c;
        ++at_;
        return token;
    }

    // The rest of the line at hand, and the next one: for the data of COPY.
    void skip_line() { static_cast<void>(take_line()); }
    [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
    [[nodiscard]] std::size_t line() const { return line_; }
    std::string_view take_line() {
        const std::size_t end = text_.find('\n', at_);
        std::string_view out = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
        ++line_;
        if (out.ends_with('\r')) {
            out.remove_suffix(1);
        }
        return out;
    }

  private:
    [[nodiscard]] std::unexpected<Error> endless(std::size_t line, std::string_view what) const {
        return fail(
            Errc::Invalid,
            "line " + std::to_string(line) + ": " + std::string(what) + " begins and has no end"
        );
    }

    // White space and comments; MySQL's "/*!40101 ... */" are of no use here either.
    Status skip() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            const std::string_view rest = text_.substr(at_);
            if (c == '\n') {
                ++line_;
                ++at_;
            } else if (c == ' ' || c == '\t' || c == '\r') {
                ++at_;
            } else if (c == '#' || rest.starts_with("--")) {
                skip_line();
            } else if (rest.starts_with("/*")) {
                const std::size_t end = text_.find("*/", at_ + 2);
                if (end == std::string_view::npos) {
                    return endless(line_, "a comment");
                }
                line_ += lines_in(text_.substr(at_, end - at_));
                at_ = end + 2;
            } else {
                break;
            }
        }
        return {};
    }

    static std::size_t lines_in(std::string_view text) {
        return static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }

    // A doubled quote is one of the text.
    Result<Token> quotes(Kind kind, char quote, bool backslashes) {
        Token token{kind, {}, line_};
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == quote) {
                if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
                    ++at_;
                } else {
                    ++at_;
                    return token;
                }
            } else if (c == '\\' && backslashes && at_ + 1 < text_.size()) {
                token.text.push_back(unescaped(text_[++at_]));
                line_ += text_[at_] == '\n' ? 1 : 0;
                continue;
            }
            line_ += c == '\n' ? 1 : 0;
            token.text.push_back(c);
        }
        return endless(token.line, kind == Kind::Text ? "a string" : "a name");
    }

    static char unescaped(char c) {
        switch (c) {
            case '0':
                return '\0';
            case 'b':
                return '\b';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'Z':
                return '\x1a';
            default:
                return c;
        }
    }

    Result<Token> number() {
        Token token{Kind::Number, {}, line_};
        do {
            token.text.push_back(text_[at_++]);
        } while (at_ < text_.size() && (is_word_char(text_[at_]) || text_[at_] == '.'));
        // mysqldump --hex-blob.
        if (token.text.starts_with("0x") && token.text.size() > 2) {
            const auto bytes = unhex(std::string_view(token.text).substr(2));
            if (bytes) {
                token.text = *bytes;
                token.kind = Kind::Text;
            }
        }
        return token;
    }

    Result<Token> word() {
        Token token{Kind::Word, {}, line_};
        while (at_ < text_.size() && is_word_char(text_[at_])) {
            token.text.push_back(text_[at_++]);
        }
        // E'...' of PostgreSQL, _binary '...' of MySQL: a string all the same.
        const bool escape = token.text == "E" || token.text == "e";
        if (escape && at_ < text_.size() && text_[at_] == '\'') {
            return quotes(Kind::Text, '\'', true);
        }
        if (iequals(token.text, "_binary") && text_.substr(at_).starts_with(" '")) {
            ++at_;
            return quotes(Kind::Text, '\'', true);
        }
        return token;
    }

    // PostgreSQL's $$...$$ and $name$...$name$, in which functions stand; nullopt: it is none.
    std::optional<Result<Token>> dollars() {
        const std::size_t end = text_.find('$', at_ + 1);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string_view tag = text_.substr(at_, end + 1 - at_);
        if (!std::ranges::all_of(tag, is_word_char)) {
            return std::nullopt;
        }
        const std::size_t close = text_.find(tag, end + 1);
        if (close == std::string_view::npos) {
            return endless(line_, "a string");
        }
        Token token{Kind::Text, std::string(text_.substr(end + 1, close - end - 1)), line_};
        line_ += lines_in(token.text);
        at_ = close + tag.size();
        return token;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    bool backslashes_;
};

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

// The words of SQL as dumps of databases write it. For sql_dump.cc alone.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::account::sql {

enum class Kind : std::uint8_t { End, Word, Name, Text, Number, Sign };

struct Token {
    Kind kind = Kind::End;
    std::string text;  // of a Word as written; of a Name or Text what stands between the quotes
    std::size_t line = 0;
};

inline bool is_word_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

inline std::string shown(std::string_view text) {
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

}  // namespace sekisho::account::sql

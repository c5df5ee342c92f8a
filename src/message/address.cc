#include "message/address.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::message {
namespace {

constexpr std::size_t kCommentDepthMax = 50;
// Searches that may fail and be begun again at the next comma are short, so that a list made to
// fail costs no more than one that doesn't.
constexpr std::size_t kRouteMax = 1000;
constexpr std::size_t kLiteralMax = 300;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 32 && c != '\t') || byte == 127;
}

// RFC 5322 §3.2.3, and what RFC 6532 §3.2 adds to it.
bool is_atext(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 128 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
        (byte >= 'A' && byte <= 'Z')) {
        return true;
    }
    return std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

bool is_dot_atom(std::string_view text) {
    bool after_dot = true;
    for (const char c : text) {
        if (c == '.') {
            if (after_dot) {
                return false;
            }
            after_dot = true;
        } else if (is_atext(c)) {
            after_dot = false;
        } else {
            return false;
        }
    }
    return !after_dot;
}

// As it goes into an SMTP path: quoted only where it must be (RFC 5321 §4.1.2).
std::string local_part(std::string_view content) {
    if (is_dot_atom(content)) {
        return std::string(content);
    }
    std::string out = "\"";
    for (const char c : content) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    out += '"';
    return out;
}

class Reader {
  public:
    Reader(std::string_view text, std::size_t mailboxes_max)
        : text_(text), mailboxes_max_(mailboxes_max) {}

    AddressList run() {
        while (true) {
            skip_cfws();
            if (at_ >= text_.size()) {
                if (in_group_) {
                    list_.well_formed = false;  // the group was not closed
                }
                return std::move(list_);
            }
            const char c = text_[at_];
            if (c == ',') {  // empty elements are an obsolete form (RFC 5322 §4.4)
                ++at_;
            } else if (c == ';' && in_group_) {
                ++at_;
                in_group_ = false;
                group_.clear();
            } else if (!element()) {
                list_.well_formed = false;
                skip_to_delimiter();
            }
            if (list_.mailboxes.size() >= mailboxes_max_) {
                skip_cfws();
                while (peek() == ',') {
                    ++at_;
                    skip_cfws();
                }
                list_.truncated = at_ < text_.size();
                return std::move(list_);
            }
        }
    }

  private:
    // One mailbox, or the head of a group.
    bool element() {
        std::string phrase;  // for a display name or a group's name: words joined by one space
        std::string joined;  // for a local part: words and dots without white space
        bool last_was_dot = false;
        bool dots_well_placed = true;
        std::size_t words = 0;
        while (true) {
            const std::size_t before = at_;
            skip_cfws();
            const bool spaced = at_ != before;
            if (at_ >= text_.size()) {
                return false;
            }
            const char c = text_[at_];
            if (c == '.') {
                dots_well_placed = dots_well_placed && words > 0 && !last_was_dot;
                last_was_dot = true;
                phrase += '.';
                joined += '.';
                ++at_;
                continue;
            }
            if (c == '@' && words > 0) {
                ++at_;
                return dots_well_placed && !last_was_dot && (words == dotted_words_) &&
                       bare_address(joined);
            }
            if (c == '<') {
                ++at_;
                return angle_address(std::move(phrase));
            }
            if (c == ':' && words > 0 && !in_group_) {
                ++at_;
                in_group_ = true;
                group_ = phrase;
                list_.groups.push_back(std::move(phrase));
                dotted_words_ = 0;
                return true;
            }
            const std::optional<std::string> word = read_word();
            if (!word) {
                return false;
            }
            if (!phrase.empty() && spaced) {
                phrase += ' ';
            }
            phrase += *word;
            dotted_words_ = (words == 0) ? 1 : dotted_words_ + (last_was_dot ? 1 : 0);
            joined += *word;
            last_was_dot = false;
            ++words;
        }
    }

    bool bare_address(std::string_view local) {
        const std::optional<std::string> domain = read_domain();
        if (!domain) {
            return false;
        }
        add("", local, *domain);
        return at_delimiter();
    }

    // After '<': [route ":"] local "@" domain ">".
    bool angle_address(std::string display_name) {
        skip_cfws();
        if (peek() == '@' || peek() == ',') {  // obsolete route (RFC 5322 §4.4): read over
            const std::string_view route = text_.substr(at_, kRouteMax);
            const std::size_t colon = route.find_first_of(":>");
            if (colon == std::string_view::npos || route[colon] == '>') {
                return false;
            }
            at_ += colon + 1;
        }
        std::string local;
        bool want_word = true;
        while (true) {
            skip_cfws();
            if (want_word) {
                const std::optional<std::string> word = read_word();
                if (!word) {
                    return false;
                }
                local += *word;
                want_word = false;
            } else if (peek() == '.') {
                local += '.';
                ++at_;
                want_word = true;
            } else if (peek() == '@') {
                ++at_;
                break;
            } else {
                return false;
            }
        }
        const std::optional<std::string> domain = read_domain();
        skip_cfws();
        if (!domain || peek() != '>') {
            return false;
        }
        ++at_;
        add(std::move(display_name), local, *domain);
        return at_delimiter();
    }

    std::optional<std::string> read_word() {
        if (peek() == '"') {
            return read_quoted();
        }
        const std::size_t start = at_;
        while (at_ < text_.size() && is_atext(text_[at_])) {
            ++at_;
        }
        if (at_ == start) {
            return std::nullopt;
        }
        return std::string(text_.substr(start, at_ - start));
    }

    std::optional<std::string> read_quoted() {
        std::string word;
        bool controls = false;  // no address that we pass on may hold one
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return controls ? std::nullopt : std::optional(std::move(word));
            }
            if (c == '\\' && at_ + 1 < text_.size()) {
                word += text_[++at_];
            } else if (c != '\r' && c != '\n') {  // a fold
                word += c;
            }
            controls = controls || (!word.empty() && is_control(word.back()));
        }
        return std::nullopt;
    }

    std::optional<std::string> read_domain() {
        skip_cfws();
        if (peek() == '[') {
            const std::string_view rest = text_.substr(at_, kLiteralMax);
            const std::size_t end = rest.find_first_of("]\r\n");
            if (end == std::string_view::npos || rest[end] != ']') {
                return std::nullopt;
            }
            std::string literal(rest.substr(0, end + 1));
            at_ += end + 1;
            if (std::any_of(literal.begin(), literal.end(), is_control)) {
                return std::nullopt;
            }
            return literal;
        }
        std::string domain;
        while (true) {
            skip_cfws();
            const std::size_t start = at_;
            while (at_ < text_.size() && is_atext(text_[at_])) {
                ++at_;
            }
            if (at_ == start) {
                return std::nullopt;
            }
            domain += text_.substr(start, at_ - start);
            const std::size_t after = at_;
            skip_cfws();
            if (peek() != '.') {
                at_ = after;
                return domain;
            }
            ++at_;
            domain += '.';
        }
    }

    void add(std::string display_name, std::string_view local, std::string domain) {
        list_.mailboxes.push_back(
            {std::move(display_name), local_part(local), std::move(domain), group_}
        );
    }

    // After a mailbox only a delimiter may stand.
    bool at_delimiter() {
        skip_cfws();
        return at_ >= text_.size() || peek() == ',' || (peek() == ';' && in_group_);
    }

    // White space and comments, nested to a limit; a comment that doesn't end takes the rest.
    void skip_cfws() {
        std::size_t depth = 0;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '(' && depth < kCommentDepthMax) {
                ++depth;
            } else if (depth > 0 && c == '\\') {
                ++at_;
            } else if (depth > 0 && c == ')') {
                --depth;
            } else if (depth == 0 && !is_space(c)) {
                return;
            }
        }
        at_ = std::min(at_, text_.size());
        if (depth > 0) {
            list_.well_formed = false;
        }
    }

    // Recovery: to the next comma, or the semicolon of a group, outside of quotes and comments.
    void skip_to_delimiter() {
        while (true) {
            skip_cfws();
            if (at_ >= text_.size() || peek() == ',' || (peek() == ';' && in_group_)) {
                return;
            }
            if (peek() == '"' && read_quoted()) {
                continue;
            }
            if (at_ < text_.size()) {
                ++at_;
            }
        }
    }

    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    std::string_view text_;
    std::size_t mailboxes_max_;
    std::size_t at_ = 0;
    bool in_group_ = false;
    std::string group_;
    // Of the words read so far, how many are joined by dots from the first on: "a b.c@d" is no
    // local part, "a . b@c" is an obsolete one (RFC 5322 §4.4).
    std::size_t dotted_words_ = 0;
    AddressList list_;
};

}  // namespace

std::string Mailbox::address() const {
    return local + "@" + to_lower(domain);
}

AddressList parse_address_list(std::string_view value, std::size_t mailboxes_max) {
    return Reader(value, mailboxes_max).run();
}

}  // namespace sekisho::message

#include "message/field_words.h"

#include "base/bytes.h"
#include "base/result.h"
#include "message/encode.h"
#include "message/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::message {
namespace {

// Words that are encoded already are encoded anew together with those that aren't.
std::string words(std::string_view text) {
    return encode_words(text.contains("=?") ? decode_words(text) : std::string(text));
}

// Goes through a list of addresses (RFC 5322 §3.4) and copies it, names and comments encoded.
class AddressEncoder {
  public:
    explicit AddressEncoder(std::string_view text) : text_(text) {}

    // nullopt: an address isn't ASCII.
    std::optional<std::string> run() {
        while (at_ < text_.size() && good_) {
            step(text_[at_]);
        }
        end_of_address();
        return good_ ? std::optional(std::move(out_)) : std::nullopt;
    }

  private:
    void step(char c) {
        switch (c) {
            case '"':
                quoted();
                return;
            case '(':
                name();
                comment();
                return;
            case '<':
                name();
                angle();
                return;
            case ':':
                name();
                encoded_ = false;
                break;
            case ',':
            case ';':
                end_of_address();
                break;
            default:
                raw_ += c;
                plain_ += c;
                ++at_;
                return;
        }
        out_ += c;
        ++at_;
    }

    // What was read is a name: of a mailbox or a group.
    void name() {
        if (is_ascii(raw_)) {
            out_ += raw_;
        } else {
            // Behind an "@" stands a domain, whatever follows.
            good_ = good_ && !plain_.contains('@');
            encoded_ = true;
            const bool apart = !out_.empty() && out_.back() != ' ';
            out_ += (apart ? " " : "") + words(trim(plain_)) + " ";
        }
        raw_.clear();
        plain_.clear();
    }

    void end_of_address() {
        // A name that was encoded and turns out to be a part of an address.
        good_ = good_ && is_ascii(raw_) && !(encoded_ && plain_.contains('@'));
        encoded_ = false;
        out_ += raw_;
        raw_.clear();
        plain_.clear();
    }

    void quoted() {
        const std::size_t begin = at_++;
        while (at_ < text_.size() && text_[at_] != '"') {
            at_ += text_[at_] == '\\' && at_ + 1 < text_.size() ? 1 : 0;
            plain_ += text_[at_++];
        }
        at_ = std::min(at_ + 1, text_.size());
        raw_ += text_.substr(begin, at_ - begin);
    }

    void comment() {
        const std::size_t begin = at_++;
        std::string inside;
        for (int depth = 1; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            depth += c == '(' ? 1 : 0;
            depth -= c == ')' ? 1 : 0;
            if (depth == 0) {
                break;
            }
            at_ += c == '\\' && at_ + 1 < text_.size() ? 1 : 0;
            inside += text_[at_];
        }
        at_ = std::min(at_ + 1, text_.size());
        const std::string_view whole = text_.substr(begin, at_ - begin);
        out_ += is_ascii(whole) ? std::string(whole) : "(" + words(inside) + ")";
    }

    void angle() {
        const std::size_t begin = at_;
        bool quotes = false;
        while (at_ < text_.size() && (quotes || text_[at_] != '>')) {
            quotes = quotes != (text_[at_] == '"');
            ++at_;
        }
        at_ = std::min(at_ + 1, text_.size());
        const std::string_view whole = text_.substr(begin, at_ - begin);
        good_ = good_ && is_ascii(whole);
        encoded_ = false;
        out_ += whole;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string raw_, plain_;  // since the last delimiter: as written, and without quotes
    std::string out_;
    bool good_ = true;
    bool encoded_ = false;  // a name of the mailbox at hand
};

std::string percent(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

// RFC 2231 §4. nullopt: not in a parameter's value.
std::optional<std::string> encode_parameters(std::string_view value) {
    std::string out;
    std::size_t at = 0;
    while (at <= value.size()) {
        std::size_t end = at;
        bool quotes = false;
        for (; end < value.size() && (quotes || value[end] != ';'); ++end) {
            if (value[end] == '\\' && quotes && end + 1 < value.size()) {
                ++end;
            } else {
                quotes = quotes != (value[end] == '"');
            }
        }
        const std::string_view piece = trim(value.substr(at, end - at));
        out += at == 0 ? "" : "; ";
        if (is_ascii(piece)) {
            out += piece;
        } else {
            const std::size_t equals = piece.find('=');
            const std::string_view name = trim(piece.substr(0, equals));
            if (at == 0 || equals == std::string_view::npos || !is_ascii(name) ||
                name.ends_with('*')) {
                return std::nullopt;
            }
            std::string_view content = trim(piece.substr(equals + 1));
            if (content.size() >= 2 && content.starts_with('"') && content.ends_with('"')) {
                content = content.substr(1, content.size() - 2);
            }
            out += std::string(name) + "*=utf-8''" + percent(content);
        }
        at = end + 1;
    }
    return out;
}

bool is_one_of(std::string_view field_name, const auto& names) {
    return std::ranges::any_of(names, [field_name](std::string_view one) {
        return iequals(one, field_name);
    });
}

}  // namespace

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool has_addresses(std::string_view field_name) {
    static constexpr std::array<std::string_view, 15> kNames{
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Bcc",
        "Resent-From",
        "Resent-Sender",
        "Resent-To",
        "Resent-Cc",
        "Resent-Bcc",
        "Resent-Reply-To",
        "Disposition-Notification-To",
        "Errors-To",
        "List-Id",
    };
    return is_one_of(field_name, kNames);
}

Result<std::string> encode_field(const Field& field) {
    static constexpr std::array<std::string_view, 2> kParameters{
        "Content-Type", "Content-Disposition"
    };
    // Nothing in them is text.
    static constexpr std::array<std::string_view, 9> kNoText{
        "Message-ID",
        "In-Reply-To",
        "References",
        "Received",
        "MIME-Version",
        "Content-Transfer-Encoding",
        "Content-ID",
        "Resent-Message-ID",
        "Resent-Date",
    };
    const std::string value = field.value();
    if (!is_utf8(value)) {
        return fail(
            Errc::Invalid,
            fmt::format("the field {} has characters that are neither ASCII nor UTF-8", field.name)
        );
    }
    std::optional<std::string> encoded;
    if (has_addresses(field.name)) {
        encoded = AddressEncoder(value).run();
        if (!encoded) {
            return fail(
                Errc::Denied,
                fmt::format(
                    "the field {} has an address that is not ASCII; only a program that speaks "
                    "SMTPUTF8 can send it",
                    field.name
                )
            );
        }
    } else if (is_one_of(field.name, kParameters)) {
        encoded = encode_parameters(value);
    } else if (!is_one_of(field.name, kNoText)) {
        encoded = words(value);
    }
    if (!encoded) {
        return fail(
            Errc::Invalid,
            fmt::format("the field {} may have nothing but ASCII characters", field.name)
        );
    }
    return make_field(field.name, *encoded);
}

}  // namespace sekisho::message

#include "spf/macro.h"

#include "base/bytes.h"
#include "base/ip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::spf {
namespace {

constexpr std::string_view kDelimiters = ".-+,/_=";
constexpr std::string_view kLetters = "slodiphv";
constexpr std::string_view kExplanationLetters = "crt";
constexpr std::size_t kKeepMax = 1000;  // more parts than any name has
constexpr std::size_t kDomainMax = 253;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool holds(std::string_view set, char c) {
    return set.find(c) != std::string_view::npos;
}

class MacroParser {
  public:
    MacroParser(std::string_view text, MacroPlace place) : text_(text), place_(place) {}

    std::optional<MacroString> run() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '%') {
                if (!macro()) {
                    return std::nullopt;
                }
                continue;
            }
            const bool visible = c > 0x20 && c < 0x7F;
            if (!visible && !(c == ' ' && place_ == MacroPlace::Explanation)) {
                return std::nullopt;
            }
            literal_ += c;
            ++at_;
        }
        flush();
        return std::move(parts_);
    }

  private:
    void flush() {
        if (!literal_.empty()) {
            parts_.emplace_back(std::move(literal_));
            literal_.clear();
        }
    }

    // At '%': "%%", "%_", "%-" or "%{...}".
    bool macro() {
        const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
        at_ += 2;
        switch (next) {
            case '%':
                literal_ += '%';
                return true;
            case '_':
                literal_ += ' ';
                return true;
            case '-':
                literal_ += "%20";
                return true;
            case '{':
                return braces();
            default:
                return false;
        }
    }

    bool braces() {
        const std::size_t close = text_.find('}', at_);
        if (close == std::string_view::npos || close == at_) {
            return false;
        }
        std::string_view inner = text_.substr(at_, close - at_);
        at_ = close + 1;
        Macro macro;
        const std::string letter = to_lower(inner.substr(0, 1));
        macro.letter = letter.front();
        macro.escape = inner.front() != macro.letter;
        inner.remove_prefix(1);
        const bool allowed =
            holds(kLetters, macro.letter) ||
            (place_ == MacroPlace::Explanation && holds(kExplanationLetters, macro.letter));
        if (!allowed || !transformers(inner, macro)) {
            return false;
        }
        macro.delimiters = std::string(inner);
        flush();
        parts_.emplace_back(std::move(macro));
        return std::ranges::all_of(inner, [](char c) { return holds(kDelimiters, c); });
    }

    // Takes `*DIGIT ["r"]` from the front. A number must not be zero (RFC 7208 §7.1).
    static bool transformers(std::string_view& inner, Macro& macro) {
        bool number = false;
        while (!inner.empty() && is_digit(inner.front())) {
            number = true;
            macro.keep =
                std::min(macro.keep * 10 + static_cast<std::size_t>(inner.front() - '0'), kKeepMax);
            inner.remove_prefix(1);
        }
        if (!inner.empty() && (inner.front() == 'r' || inner.front() == 'R')) {
            macro.reverse = true;
            inner.remove_prefix(1);
        }
        return !number || macro.keep > 0;
    }

    std::string_view text_;
    MacroPlace place_;
    std::size_t at_ = 0;
    std::string literal_;
    MacroString parts_;
};

// toplabel of RFC 7208 §7.1: letters, digits and inner hyphens, and not digits alone.
bool is_top_label(std::string_view label) {
    if (label.empty() || label.front() == '-' || label.back() == '-') {
        return false;
    }
    const bool good =
        std::ranges::all_of(label, [](char c) { return is_digit(c) || is_alpha(c) || c == '-'; });
    return good && !std::ranges::all_of(label, is_digit);
}

// Whether the written text ends with a macro-expand: "%{...}", or the escapes that are one too.
bool ends_with_macro(std::string_view text) {
    std::size_t at = 0;
    bool macro = false;
    while (at < text.size()) {
        macro = text[at] == '%';
        if (!macro) {
            ++at;
        } else if (at + 1 < text.size() && text[at + 1] == '{') {
            at = std::min(text.find('}', at), text.size() - 1) + 1;
        } else {
            at += 2;
        }
    }
    return macro;
}

std::string dotted(const IpAddress& address) {
    if (address.is_v4()) {
        return address.text();
    }
    std::string out;
    for (const auto byte : address.bytes()) {
        out += fmt::format("{}{:X}.{:X}", out.empty() ? "" : ".", byte >> 4U, byte & 0xFU);
    }
    return out;
}

std::string value_of(char letter, const MacroValues& values) {
    switch (letter) {
        case 's':
            return values.local + "@" + values.sender_domain;
        case 'l':
            return values.local;
        case 'o':
            return values.sender_domain;
        case 'd':
            return values.domain;
        case 'i':
            return dotted(values.client);
        case 'p':
            return values.validated.empty() ? "unknown" : values.validated;
        case 'v':
            return values.client.is_v4() ? "in-addr" : "ip6";
        case 'h':
            return values.helo;
        case 'c':
            return values.client.text();
        case 'r':
            return values.receiver.empty() ? "unknown" : values.receiver;
        case 't':
            return fmt::format("{}", values.seconds);
        default:
            return {};
    }
}

std::string transform(const std::string& value, const Macro& macro) {
    if (macro.keep == 0 && !macro.reverse && macro.delimiters.empty()) {
        return value;
    }
    const std::string delimiters = macro.delimiters.empty() ? "." : macro.delimiters;
    std::vector<std::string> parts(1);
    for (const char c : value) {
        if (holds(delimiters, c)) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    if (macro.reverse) {
        std::ranges::reverse(parts);
    }
    const std::size_t keep = macro.keep == 0 ? parts.size() : std::min(macro.keep, parts.size());
    std::string out;
    for (std::size_t i = parts.size() - keep; i < parts.size(); ++i) {
        out += (i == parts.size() - keep ? "" : ".") + parts[i];
    }
    return out;
}

// Everything but the unreserved characters (RFC 3986 §2.3).
std::string url_escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_digit(c) || is_alpha(c) || holds("-._~", c)) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

}  // namespace

std::optional<MacroString> parse_macro_string(std::string_view text, MacroPlace place) {
    return MacroParser(text, place).run();
}

std::optional<MacroString> parse_domain_spec(std::string_view text) {
    auto parsed = parse_macro_string(text, MacroPlace::Term);
    if (!parsed || parsed->empty() || ends_with_macro(text)) {
        return parsed && !parsed->empty() ? std::move(parsed) : std::nullopt;
    }
    std::string_view end = text;
    if (end.ends_with('.')) {
        end.remove_suffix(1);
    }
    const std::size_t dot = end.rfind('.');
    if (dot == std::string_view::npos || !is_top_label(end.substr(dot + 1))) {
        return std::nullopt;
    }
    return parsed;
}

bool uses(const MacroString& text, std::string_view letters) {
    return std::ranges::any_of(text, [letters](const auto& part) {
        const auto* macro = std::get_if<Macro>(&part);
        return macro != nullptr && holds(letters, macro->letter);
    });
}

std::string expand(const MacroString& text, const MacroValues& values) {
    std::string out;
    for (const auto& part : text) {
        if (const auto* literal = std::get_if<std::string>(&part)) {
            out += *literal;
            continue;
        }
        const Macro& macro = std::get<Macro>(part);
        const std::string value = transform(value_of(macro.letter, values), macro);
        out += macro.escape ? url_escape(value) : value;
    }
    return out;
}

std::string expand_domain(const MacroString& text, const MacroValues& values) {
    std::string out = expand(text, values);
    if (out.ends_with('.')) {
        out.pop_back();
    }
    while (out.size() > kDomainMax) {
        const std::size_t dot = out.find('.');
        if (dot == std::string::npos) {
            break;
        }
        out.erase(0, dot + 1);
    }
    return to_lower(out);
}

}  // namespace sekisho::spf

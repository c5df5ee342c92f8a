#include "peer/name_patterns.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "peer/asset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::peer {
namespace {

// Each may be tried at every place of a name, within the one before it.
constexpr std::ptrdiff_t kStarsMax = 4;
constexpr std::size_t kFormMax = 253, kWordMax = 63;
constexpr std::size_t kLineWidth = 100;

struct Section {
    std::string_view name;
    NamePatterns::Words NamePatterns::* words;
    bool forms;
};
constexpr std::array<Section, 7> kSections{{
    {"dynamic", &NamePatterns::dynamic, false},
    {"dynamic beside numbers", &NamePatterns::dynamic_beside_numbers, false},
    {"static", &NamePatterns::fixed, false},
    {"mail", &NamePatterns::mail, false},
    {"mail beginnings", &NamePatterns::mail_beginnings, false},
    {"dynamic forms", &NamePatterns::dynamic_forms, true},
    {"server forms", &NamePatterns::server_forms, true},
}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool good_word(std::string_view word) {
    return !word.empty() && word.size() <= kWordMax && std::ranges::all_of(word, is_letter);
}

bool good_form(std::string_view form) {
    return form.contains('.') && form.size() <= kFormMax &&
           std::ranges::count(form, '*') <= kStarsMax && std::ranges::all_of(form, [](char c) {
               return is_letter(c) || is_digit(c) || std::string_view("-_.#%*").contains(c);
           });
}

const Section* section_of(std::string_view name) {
    const auto found = std::ranges::find(kSections, name, &Section::name);
    return found == kSections.end() ? nullptr : &*found;
}

// A line without its comment: '#' and a space. "#-#.dyn.example" is a form.
std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '#' && (i == 0 || line[i - 1] == ' ') &&
            (i + 1 == line.size() || line[i + 1] == ' ')) {
            return line.substr(0, i);
        }
    }
    return line;
}

// What is wrong with it; empty: nothing.
std::string take_word(NamePatterns& out, const Section& section, std::string_view written) {
    const bool away = written.starts_with('-');
    const std::string word = to_lower(away ? written.substr(1) : written);
    if (section.forms ? !good_form(word) : !good_word(word)) {
        return fmt::format(
            "\"{}\" is no {}",
            printable(written, kWordMax),
            section.forms ? "form: letters, digits, -, _, #, %, at least one dot, at most four *"
                          : "word: letters only"
        );
    }
    NamePatterns::Words& words = out.*section.words;
    if (!away) {
        words.insert(word);
        return {};
    }
    return words.erase(word) == 1 ? std::string{}
                                  : fmt::format("\"{}\" isn't there to be taken away", word);
}

}  // namespace

// Longest runs first; a form has few wildcards, so the recursion is shallow.
bool matches_form(std::string_view text, std::string_view form) {
    while (!form.empty()) {
        const char c = form.front();
        form.remove_prefix(1);
        if (c == '*') {
            for (std::size_t skip = 0; skip <= text.size(); ++skip) {
                if (matches_form(text.substr(skip), form)) {
                    return true;
                }
            }
            return false;
        }
        if (c == '#' || c == '%') {
            const auto in_run = c == '#' ? is_digit : is_hex;
            std::size_t run = 0;
            while (run < text.size() && in_run(text[run])) {
                ++run;
            }
            if (run == 0) {
                return false;
            }
            text.remove_prefix(run);
            continue;
        }
        if (text.empty() || text.front() != c) {
            return false;
        }
        text.remove_prefix(1);
    }
    return text.empty();
}

Result<NamePatterns> NamePatterns::with(std::string_view text) const {
    NamePatterns out = *this;
    const Section* section = nullptr;
    std::size_t number = 0;
    for (const std::string_view written : split(text, '\n')) {
        ++number;
        const std::string_view line = trim(without_comment(trim(written)));
        const auto fault = [&](std::string_view what) {
            return fail(Errc::Invalid, fmt::format("line {}: {}", number, what));
        };
        if (line.starts_with('[')) {
            section =
                line.ends_with(']') ? section_of(trim(line.substr(1, line.size() - 2))) : nullptr;
            if (section == nullptr) {
                return fault("\"" + printable(line, kWordMax) + "\" is no section");
            }
            continue;
        }
        for (const std::string_view word : split(line, ' ')) {
            if (word.empty()) {
                continue;
            }
            if (section == nullptr) {
                return fault("there is no section yet, such as [dynamic]");
            }
            if (const std::string wrong = take_word(out, *section, word); !wrong.empty()) {
                return fault(wrong);
            }
        }
    }
    return out;
}

std::string NamePatterns::text() const {
    std::string out;
    for (const Section& section : kSections) {
        out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section.name);
        std::size_t width = 0;
        for (const std::string& word : this->*section.words) {
            const bool breaks = width > 0 && (section.forms || width + word.size() > kLineWidth);
            out += breaks ? "\n" : (width > 0 ? " " : "");
            width = breaks ? word.size() : width + 1 + word.size();
            out += word;
        }
        out += width > 0 ? "\n" : "";
    }
    return out;
}

const NamePatterns& NamePatterns::built_in() {
    static const NamePatterns patterns = [] {
        auto parsed = NamePatterns{}.with(asset::peer_names_txt);
        SEKISHO_ASSERT(parsed.has_value());
        return std::move(*parsed);
    }();
    return patterns;
}

}  // namespace sekisho::peer

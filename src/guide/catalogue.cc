#include "guide/catalogue.h"

#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sekisho::guide {
namespace {

using Index = std::unordered_map<std::string_view, std::string_view>;

std::vector<Entry> joined(std::initializer_list<std::span<const Entry>> tables) {
    std::vector<Entry> out;
    for (const auto& table : tables) {
        out.insert(out.end(), table.begin(), table.end());
    }
    return out;
}

Index make_index(Language language) {
    Index index;
    for (const Entry& entry : catalogue(language)) {
        index.emplace(entry.key, entry.text);
    }
    return index;
}

// The weight in thousandths, 1000 when none is given, 0 for what can't be read.
int weight(std::string_view parameters) {
    for (const std::string_view part : split(parameters, ';')) {
        const std::string_view item = trim(part);
        if (item.size() < 3 || (item[0] != 'q' && item[0] != 'Q') || item[1] != '=') {
            continue;
        }
        const std::string_view value = item.substr(2);
        if (value[0] == '1') {
            return 1000;
        }
        if (value[0] != '0' || (value.size() > 1 && value[1] != '.')) {
            return 0;
        }
        std::string digits{value.size() > 2 ? value.substr(2, 3) : "0"};
        digits.resize(3, '0');
        int thousandths = 0;
        const auto [end, ec] =
            std::from_chars(digits.data(), digits.data() + digits.size(), thousandths);
        return ec == std::errc{} && end == digits.data() + digits.size() ? thousandths : 0;
    }
    return 1000;
}

}  // namespace

std::span<const Entry> catalogue(Language language) {
    static const std::array<std::vector<Entry>, 2> kTables{
        joined({kCatalogueJa, kProgramsJa, kMyJa}), joined({kCatalogueEn, kProgramsEn, kMyEn})
    };
    return kTables.at(static_cast<std::size_t>(language));
}

std::optional<std::string_view> find_text(Language language, std::string_view key) {
    static const std::array<Index, 2> kIndexes{make_index(Language::Ja), make_index(Language::En)};
    const Index& index = kIndexes.at(static_cast<std::size_t>(language));
    const auto found = index.find(key);
    return found == index.end() ? std::nullopt : std::optional{found->second};
}

std::string_view code(Language language) {
    return language == Language::Ja ? "ja" : "en";
}

std::optional<Language> parse_language(std::string_view text) {
    for (const Language language : {Language::Ja, Language::En}) {
        if (code(language) == text) {
            return language;
        }
    }
    return std::nullopt;
}

Language preferred(std::string_view accept_language, Language otherwise) {
    int best = 0;
    Language chosen = otherwise;
    for (const std::string_view range : split(accept_language.substr(0, 512), ',')) {
        const auto semicolon = range.find(';');
        const std::string_view parameters =
            semicolon == std::string_view::npos ? "" : range.substr(semicolon + 1);
        const std::string tag = to_lower(trim(range.substr(0, semicolon)));
        const auto language = parse_language(std::string_view{tag}.substr(0, tag.find('-')));
        const int score = weight(parameters);
        if (language && score > best) {
            best = score;
            chosen = *language;
        }
    }
    return chosen;
}

}  // namespace sekisho::guide

#include "guide/catalogue.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <string_view>

namespace sekisho::guide {
namespace {

// The {values}, the marks and the [..](targets) of a text: what a translation must keep.
std::multiset<std::string> fixed_parts(std::string_view text) {
    std::multiset<std::string> parts;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') {
            parts.emplace(text.substr(i, text.find('}', i) - i + 1));
        } else if (text[i] == '(' && i > 0 && text[i - 1] == ']') {
            parts.emplace(text.substr(i, text.find(')', i) - i + 1));
        }
    }
    return parts;
}

TEST(Catalogue, EveryLanguageHasTheSameKeysOnce) {
    std::multiset<std::string_view> ja;
    std::multiset<std::string_view> en;
    for (const Entry& entry : catalogue(Language::Ja)) {
        ja.insert(entry.key);
    }
    for (const Entry& entry : catalogue(Language::En)) {
        en.insert(entry.key);
    }
    EXPECT_GT(ja.size(), 200U);
    EXPECT_THAT(ja, testing::ContainerEq(en));
    EXPECT_EQ(std::set<std::string_view>(ja.begin(), ja.end()).size(), ja.size()) << "a key twice";
}

TEST(Catalogue, TranslationsNameTheSameValuesAndPages) {
    // The two languages place a provider's name differently; pages and other values must agree.
    const auto comparable = [](std::string_view text) {
        auto parts = fixed_parts(text);
        parts.erase("{provider}");
        return std::set<std::string>(parts.begin(), parts.end());
    };
    for (const Entry& entry : catalogue(Language::Ja)) {
        const auto other = find_text(Language::En, entry.key);
        ASSERT_TRUE(other.has_value()) << entry.key;
        EXPECT_EQ(comparable(entry.text), comparable(*other)) << entry.key;
    }
}

TEST(Catalogue, NoTextIsEmptyOrUntranslated) {
    const std::set<std::string_view> alike{"word.ipv4", "word.ipv6", "picture.ok"};
    for (const Entry& entry : catalogue(Language::Ja)) {
        EXPECT_FALSE(entry.text.empty()) << entry.key;
        EXPECT_TRUE(alike.contains(entry.key) || find_text(Language::En, entry.key) != entry.text)
            << entry.key;
    }
}

TEST(Catalogue, FindsNothingForAnUnknownKey) {
    EXPECT_EQ(find_text(Language::Ja, "no.such.key"), std::nullopt);
}

TEST(AcceptLanguage, PicksTheHeaviestOfOurs) {
    const auto pick = [](std::string_view header) { return preferred(header, Language::En); };
    EXPECT_EQ(pick("ja"), Language::Ja);
    EXPECT_EQ(pick("JA-jp, en;q=0.5"), Language::Ja);
    EXPECT_EQ(pick("en-US,en;q=0.9,ja;q=0.8"), Language::En);
    EXPECT_EQ(pick("fr, ja;q=0.3, en;q=0.25"), Language::Ja);
    EXPECT_EQ(pick("ja;q=0, en;q=0.001"), Language::En);
    EXPECT_EQ(pick("ja;q=0"), Language::En);
}

TEST(AcceptLanguage, FallsBackOnNonsense) {
    for (const std::string_view header :
         {"", "*", "fr", ";;;,,q=1", "ja;q=x", "ja;q=0.zz", "jam"}) {
        EXPECT_EQ(preferred(header, Language::En), Language::En) << header;
    }
    EXPECT_EQ(preferred("", Language::Ja), Language::Ja);
}

}  // namespace
}  // namespace sekisho::guide

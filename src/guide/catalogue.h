// Every word of the guide, one table per language. A test holds the tables' keys and placeholders
// equal.
//
// Texts may use {name} for a value, **strong**, `code` and [label](page) for a link to a page of
// the guide.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sekisho::guide {

enum class Language : std::uint8_t { Ja, En };

struct Entry {
    std::string_view key;
    std::string_view text;
};
[[nodiscard]] std::span<const Entry> catalogue(Language language);
[[nodiscard]] std::optional<std::string_view> find_text(Language language, std::string_view key);

[[nodiscard]] std::string_view code(Language language);  // "ja", "en"
[[nodiscard]] std::optional<Language> parse_language(std::string_view code);
// The best of ours for an Accept-Language header (RFC 9110 §12.5.4); `otherwise` when it names
// none.
[[nodiscard]] Language preferred(std::string_view accept_language, Language otherwise);

// The tables that a language is made of.
extern const std::span<const Entry> kCatalogueJa, kProgramsJa, kMyJa;
extern const std::span<const Entry> kCatalogueEn, kProgramsEn, kMyEn;

}  // namespace sekisho::guide

// Texts that say everything in Japanese and in English, for who asked for one of them.
#pragma once

#include <string>
#include <string_view>

namespace sekisho {

// `language`: "ja", "en", or empty for both.
[[nodiscard]] inline bool wants(std::string_view language, std::string_view one) {
    return language.empty() || language == one;
}

// "日本語 / English", or its half.
[[nodiscard]] inline std::string_view in_language(
    std::string_view both, std::string_view language
) {
    constexpr std::string_view kBetween = " / ";
    const std::size_t at = both.find(kBetween);
    if (language.empty() || at == std::string_view::npos) {
        return both;
    }
    return language == "ja" ? both.substr(0, at) : both.substr(at + kBetween.size());
}

// The two texts with a line between, or the one that is wanted.
[[nodiscard]] inline std::string in_language(
    const std::string& ja, const std::string& en, std::string_view language
) {
    if (language == "ja") {
        return ja;
    }
    return language == "en" ? en : ja + "--\n\n" + en;
}

}  // namespace sekisho

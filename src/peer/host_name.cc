#include "peer/host_name.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "peer/name_patterns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::peer {
namespace {

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view token) {
    return std::find(words.begin(), words.end(), token) != words.end();
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_alpha(char c) {
    return c >= 'a' && c <= 'z';
}

// What stands before the part that is registered: "a.b.example.ne.jp" -> "a.b". The second level of
// country domains is known by its usual names; a full public suffix list would change little here.
std::string_view own_part(std::string_view host) {
    static constexpr auto kSecondLevel = std::to_array<std::string_view>(
        {"co", "ne", "or", "ad", "ac", "go", "gr", "ed", "lg", "com", "net", "org", "gov", "edu"}
    );
    const std::vector<std::string_view> labels = split(host, '.');
    std::size_t registered = 2;
    if (labels.size() >= 3 && labels.back().size() == 2 &&
        is_one_of(kSecondLevel, labels[labels.size() - 2])) {
        registered = 3;
    }
    if (labels.size() <= registered) {
        // The domain itself greets or is the name: its first label is all there is to read.
        return labels.front();
    }
    const std::string_view first_registered = labels[labels.size() - registered];
    return host.substr(0, static_cast<std::size_t>(first_registered.data() - host.data()) - 1);
}

// "c-73-12.hsd1" -> c, hsd: the runs of letters.
std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    std::size_t i = 0;
    while (i < text.size()) {
        const std::size_t start = i;
        while (i < text.size() && is_alpha(text[i])) {
            ++i;
        }
        if (i > start) {
            words.push_back(text.substr(start, i - start));
        } else {
            ++i;
        }
    }
    return words;
}

std::vector<std::string_view> digit_runs(std::string_view text) {
    std::vector<std::string_view> runs;
    std::size_t i = 0;
    while (i < text.size()) {
        const std::size_t start = i;
        while (i < text.size() && is_digit(text[i])) {
            ++i;
        }
        if (i > start) {
            runs.push_back(text.substr(start, i - start));
        } else {
            ++i;
        }
    }
    return runs;
}

int octet_of(std::string_view run) {
    int value = -1;
    if (run.size() <= 3) {
        std::from_chars(run.data(), run.data() + run.size(), value);
    }
    return value;
}

// How many octets in a row, forwards or backwards, end with the last one (or begin with it).
std::size_t octets_in_row(
    const std::vector<std::string_view>& runs, const std::array<int, 4>& octets
) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        // octets[3] at run i: the ones before it to the left (a-b-c-d) or to the right (d-c-b-a).
        if (octet_of(runs[i]) != octets[3]) {
            continue;
        }
        std::size_t left = 1;
        while (left < 4 && left <= i && octet_of(runs[i - left]) == octets[3 - left]) {
            ++left;
        }
        std::size_t right = 1;
        while (right < 4 && i + right < runs.size() &&
               octet_of(runs[i + right]) == octets[3 - right]) {
            ++right;
        }
        best = std::max({best, left, right});
    }
    return best;
}

// The address written into the name, as text; empty when it isn't.
std::string v4_numbers_in(std::string_view own, const IpAddress& address) {
    const std::uint32_t value = address.to_v4();
    const std::array<int, 4> octets{
        static_cast<int>(value >> 24U),
        static_cast<int>((value >> 16U) & 0xFFU),
        static_cast<int>((value >> 8U) & 0xFFU),
        static_cast<int>(value & 0xFFU),
    };
    const std::vector<std::string_view> runs = digit_runs(own);
    const std::size_t in_row = octets_in_row(runs, octets);
    // Two small numbers come together by chance: "mx1-2".
    if (in_row >= 3 || (in_row == 2 && octets[2] >= 10 && octets[3] >= 10)) {
        return address.text();
    }
    const std::string padded =
        fmt::format("{:03}{:03}{:03}{:03}", octets[0], octets[1], octets[2], octets[3]);
    const std::string reversed =
        fmt::format("{:02x}{:02x}{:02x}{:02x}", octets[3], octets[2], octets[1], octets[0]);
    const std::string forward = fmt::format("{:08x}", value);
    for (const std::string& form : {padded, forward, reversed}) {
        if (own.contains(form)) {
            return form;
        }
    }
    return {};
}

std::string v6_numbers_in(std::string_view own, const IpAddress& address) {
    std::string bare;
    for (const char c : own) {
        if (is_hex(c)) {
            bare += c;
        }
    }
    std::string all;
    for (const std::uint8_t byte : address.bytes()) {
        all += fmt::format("{:02x}", byte);
    }
    // The network's first 12 digits or the host's last 16.
    const std::string network = all.substr(0, 12);
    const std::string host = all.substr(16);
    if (bare.contains(network) || (host != std::string(16, '0') && bare.contains(host))) {
        return address.text();
    }
    return {};
}

}  // namespace

std::string_view name(NameKind kind) {
    switch (kind) {
        case NameKind::Dynamic:
            return "dynamic";
        case NameKind::Generic:
            return "generic";
        case NameKind::Static:
            return "static";
        case NameKind::Mail:
            return "mail";
        case NameKind::Plain:
            return "plain";
        case NameKind::Bad:
            return "bad";
    }
    return "bad";
}

bool is_host_name(std::string_view text) {
    if (text.ends_with('.')) {
        text.remove_suffix(1);
    }
    if (text.empty() || text.size() > 253 || !text.contains('.')) {
        return false;
    }
    for (const std::string_view label : split(text, '.')) {
        const bool good =
            !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
            std::all_of(label.begin(), label.end(), [](char c) {
                return is_digit(c) || is_alpha(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
            });
        if (!good) {
            return false;
        }
    }
    const std::string_view last = text.substr(text.rfind('.') + 1);
    return !std::all_of(last.begin(), last.end(), is_digit);
}

NameShape shape_of(std::string_view host, const IpAddress& address, const NamePatterns& patterns) {
    if (!is_host_name(host)) {
        return {NameKind::Bad, {}};
    }
    std::string lower = to_lower(host);
    if (lower.ends_with('.')) {
        lower.pop_back();
    }
    const auto fits = [&lower](const std::string& form) { return matches_form(lower, form); };
    if (std::ranges::any_of(patterns.server_forms, fits)) {
        return {NameKind::Plain, {}};
    }
    const auto form = std::ranges::find_if(patterns.dynamic_forms, fits);
    if (form != patterns.dynamic_forms.end()) {
        return {NameKind::Dynamic, *form};
    }
    const std::string_view own = own_part(lower);
    const std::string numbers =
        address.is_v4() ? v4_numbers_in(own, address) : v6_numbers_in(own, address);
    std::string_view dynamic_word;
    std::string_view static_word;
    std::string_view mail_word;
    for (const std::string_view word : words_of(own)) {
        if (patterns.fixed.contains(word)) {
            static_word = word;
        } else if (patterns.dynamic.contains(word) ||
                   (!numbers.empty() && patterns.dynamic_beside_numbers.contains(word))) {
            dynamic_word = word;
        } else if (patterns.mail.contains(word) ||
                   std::ranges::any_of(
                       patterns.mail_beginnings,
                       [word](std::string_view beginning) { return word.starts_with(beginning); }
                   )) {
            mail_word = word;
        }
    }
    if (!mail_word.empty() && numbers.empty()) {
        return {NameKind::Mail, std::string(mail_word)};
    }
    if (!static_word.empty()) {
        return {NameKind::Static, std::string(static_word)};
    }
    if (!dynamic_word.empty()) {
        return {NameKind::Dynamic, std::string(dynamic_word)};
    }
    if (!mail_word.empty()) {
        return {NameKind::Mail, std::string(mail_word)};
    }
    if (!numbers.empty()) {
        return {NameKind::Generic, numbers};
    }
    return {NameKind::Plain, {}};
}

}  // namespace sekisho::peer

#include "delivery/tls/mta_sts.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sekisho::delivery {
namespace {

constexpr std::size_t kIdMax = 32;
constexpr std::size_t kNameMax = 253;
constexpr std::size_t kLabelMax = 63;
constexpr std::int64_t kMaxAgeMax = 31'557'600;  // RFC 8461 §3.2: a year

bool letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
           label.back() != '-' && std::ranges::all_of(label, [](char c) {
               return letter_or_digit(c) || c == '-' || c == '_';
           });
}

// "key: value" or "key=value" of a record or a policy: trimmed.
struct Field {
    std::string_view key, value;
};
std::optional<Field> field(std::string_view line, char between) {
    const std::size_t at = line.find(between);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    return Field{trim(line.substr(0, at)), trim(line.substr(at + 1))};
}

std::optional<StsPolicy::Mode> parse_mode(std::string_view text) {
    using Mode = StsPolicy::Mode;
    for (const Mode mode : {Mode::None, Mode::Testing, Mode::Enforce}) {
        if (text == name(mode)) {
            return mode;
        }
    }
    return std::nullopt;
}

std::optional<Duration> parse_max_age(std::string_view text) {
    std::int64_t seconds = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, seconds);
    if (text.empty() || read.ec != std::errc{} || read.ptr != end || seconds < 0 ||
        seconds > kMaxAgeMax) {
        return std::nullopt;
    }
    return std::chrono::seconds(seconds);
}

// The fields as they come; the first of each counts.
struct Seen {
    std::optional<std::string_view> version, mode, max_age;
    std::vector<std::string> mx;
};

Result<Seen> read_fields(std::string_view text) {
    Seen seen;
    // RFC 8461 §3.2: lines end with LF or CRLF.
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (trim(line).empty()) {
            continue;
        }
        const auto one = field(line, ':');
        if (!one) {
            return fail(Errc::Invalid, "a line without \"key: value\": " + printable(line));
        }
        if (one->key == "version" && !seen.version) {
            seen.version = one->value;
        } else if (one->key == "mode" && !seen.mode) {
            seen.mode = one->value;
        } else if (one->key == "max_age" && !seen.max_age) {
            seen.max_age = one->value;
        } else if (one->key == "mx") {
            if (!is_sts_pattern(one->value)) {
                return fail(Errc::Invalid, "mx is no host name: " + printable(one->value));
            }
            if (seen.mx.size() == kStsHostsMax) {
                return fail(Errc::Full, "more than 1000 mx fields");
            }
            seen.mx.push_back(to_lower(one->value));
        }
    }
    return seen;
}

}  // namespace

std::string_view name(StsPolicy::Mode mode) {
    switch (mode) {
        case StsPolicy::Mode::None:
            return "none";
        case StsPolicy::Mode::Testing:
            return "testing";
        case StsPolicy::Mode::Enforce:
            return "enforce";
    }
    return "?";
}

std::optional<std::string> sts_id(const std::vector<std::string>& records) {
    std::optional<std::string> id;
    std::size_t count = 0;
    for (const std::string& record : records) {
        const std::vector<std::string_view> parts = split(record, ';');
        const auto version = field(parts.front(), '=');
        if (!version || version->key != "v" || version->value != "STSv1" || parts.size() < 2) {
            continue;
        }
        ++count;
        for (const std::string_view part : parts) {
            const auto one = field(part, '=');
            if (one && one->key == "id" && !id) {
                id = one->value;
            }
        }
    }
    const bool valid = count == 1 && id && !id->empty() && id->size() <= kIdMax &&
                       std::ranges::all_of(*id, letter_or_digit);
    return valid ? id : std::nullopt;
}

Result<StsPolicy> parse_sts_policy(std::string_view text) {
    if (text.size() > kStsPolicyMax) {
        return fail(Errc::Full, "the policy has more than 64 KiB");
    }
    const auto seen = read_fields(text);
    if (!seen) {
        return fail(seen.error());
    }
    if (seen->version != "STSv1") {
        return fail(Errc::Invalid, "version isn't STSv1");
    }
    const auto mode = parse_mode(seen->mode.value_or(""));
    if (!mode) {
        return fail(Errc::Invalid, "mode isn't enforce, testing or none");
    }
    const auto max_age = parse_max_age(seen->max_age.value_or(""));
    if (!max_age) {
        return fail(Errc::Invalid, "max_age isn't a number of seconds up to a year");
    }
    StsPolicy policy;
    policy.mode = *mode;
    policy.max_age = *max_age;
    policy.mx = seen->mx;
    // RFC 8461 §3.2: at least one mx, except with none.
    if (policy.mx.empty() && policy.mode != StsPolicy::Mode::None) {
        return fail(Errc::Invalid, "no mx");
    }
    return policy;
}

bool is_sts_host(std::string_view text) {
    return !text.empty() && text.size() <= kNameMax &&
           std::ranges::all_of(split(text, '.'), is_label);
}

bool is_sts_pattern(std::string_view text) {
    return is_sts_host(text.starts_with("*.") ? text.substr(2) : text);
}

bool sts_matches(const std::vector<std::string>& patterns, std::string_view host) {
    const std::string lower = to_lower(host);
    return std::ranges::any_of(patterns, [&](const std::string& pattern) {
        if (!pattern.starts_with("*.")) {
            return pattern == lower;
        }
        const std::size_t dot = lower.find('.');
        return dot != std::string::npos && dot > 0 &&
               std::string_view(lower).substr(dot) == std::string_view(pattern).substr(1);
    });
}

}  // namespace sekisho::delivery

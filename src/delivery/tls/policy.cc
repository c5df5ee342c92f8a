#include "delivery/tls/policy.h"

#include "base/bytes.h"
#include "delivery/tls/mta_sts.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

constexpr std::array<std::pair<std::string_view, TlsLevel>, 6> kLevels{{
    {"none", TlsLevel::None},
    {"opportunistic", TlsLevel::Opportunistic},
    {"auto", TlsLevel::Auto},
    {"required", TlsLevel::Required},
    {"verified", TlsLevel::Verified},
    {"dane", TlsLevel::Dane},
}};

bool covers(const TlsRule& rule, std::string_view domain) {
    if (rule.domain.starts_with('.')) {
        return domain.size() > rule.domain.size() && domain.ends_with(rule.domain);
    }
    return rule.domain == domain || rule.domain == "*";
}

// How much of the domain a rule names: all of it, an end, nothing.
std::size_t exactness(const TlsRule& rule) {
    if (rule.domain == "*") {
        return 0;
    }
    // "a.example.net" is more exact than ".example.net", however long.
    return rule.domain.size() + (rule.domain.starts_with('.') ? 0 : 1);
}

}  // namespace

std::string_view name(TlsLevel level) {
    for (const auto& [text, one] : kLevels) {
        if (one == level) {
            return text;
        }
    }
    return "?";
}

std::optional<TlsLevel> parse_tls_level(std::string_view text) {
    for (const auto& [known, level] : kLevels) {
        if (known == text) {
            return level;
        }
    }
    return std::nullopt;
}

std::optional<std::string> read_tls_rule(
    std::string_view domain, std::string_view text, TlsRule& rule
) {
    const std::string_view plain = domain.starts_with('.') ? domain.substr(1) : domain;
    if (domain != "*" && !is_sts_host(plain)) {
        return "\"" + printable(domain) +
               "\" is no domain: expected \"example.net\", \".example.net\" for all below it, or "
               "\"*\"";
    }
    TlsRule read;
    read.domain = to_lower(domain);
    bool first = true;
    for (const std::string_view word : split(text, ' ')) {
        if (word.empty()) {
            continue;
        }
        if (std::exchange(first, false)) {
            const auto level = parse_tls_level(word);
            if (!level) {
                return "expected none, opportunistic, auto, required, verified or dane for \"" +
                       read.domain + "\"";
            }
            read.level = *level;
            continue;
        }
        if (!is_sts_pattern(word)) {
            return "\"" + printable(word) + "\" is no mail host: expected \"mx.example.net\" or " +
                   "\"*.example.net\"";
        }
        read.mx.push_back(to_lower(word));
    }
    if (first) {
        return "no policy for \"" + read.domain + "\"";
    }
    rule = std::move(read);
    return std::nullopt;
}

TlsRule tls_rule_for(const std::vector<TlsRule>& rules, std::string_view domain) {
    const TlsRule* best = nullptr;
    for (const TlsRule& rule : rules) {
        if (covers(rule, domain) && (best == nullptr || exactness(rule) > exactness(*best))) {
            best = &rule;
        }
    }
    return best == nullptr ? TlsRule{} : *best;
}

}  // namespace sekisho::delivery

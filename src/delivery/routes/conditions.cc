#include "delivery/routes/conditions.h"

#include "base/bytes.h"
#include "delivery/tls/mta_sts.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::delivery {

bool covers(const std::string& pattern, std::string_view domain) {
    if (pattern.starts_with('.')) {
        return domain.size() > pattern.size() && domain.ends_with(pattern);
    }
    return pattern == "*" || pattern == domain;
}

namespace {

bool is_domain_pattern(std::string_view text) {
    return text == "*" || is_sts_host(text.starts_with('.') ? text.substr(1) : text);
}

bool is_sender_pattern(std::string_view text) {
    const std::size_t at = text.rfind('@');
    if (at == std::string_view::npos) {
        return text == "<>" || is_domain_pattern(text);
    }
    return at > 0 && is_sts_host(text.substr(at + 1));
}

// `who`: an address, or a login that may look like one.
bool covers_whom(const std::string& pattern, std::string_view who) {
    const std::size_t at = who.rfind('@');
    return pattern == who || pattern == "*" ||
           (!pattern.contains('@') && at != std::string_view::npos &&
            covers(pattern, who.substr(at + 1)));
}

bool covers_sender(const std::string& pattern, std::string_view sender) {
    return sender.empty() ? pattern == "<>" || pattern == "*" : covers_whom(pattern, sender);
}

std::string in_quotes(std::string_view text) {
    return "\"" + printable(text, 100) + "\"";
}

}  // namespace

std::optional<std::string> check_conditions(Conditions& conditions) {
    for (std::string& one : conditions.domains) {
        if (!is_domain_pattern(one)) {
            return "domains: " + in_quotes(one) +
                   " is no domain: expected \"example.net\", \".example.net\" for all below it, or "
                   "\"*\"";
        }
        one = to_lower(one);
    }
    for (std::string& one : conditions.senders) {
        if (!is_sender_pattern(one)) {
            return "senders: " + in_quotes(one) +
                   " is no sender: expected an address, a domain, \".example.net\" for all below "
                   "it, \"<>\", or \"*\"";
        }
        one = to_lower(one);
    }
    for (std::string& one : conditions.accounts) {
        one = to_lower(one);
    }
    return std::nullopt;
}

bool fits(const Conditions& conditions, const RouteQuestion& question, bool own) {
    const std::string sender = to_lower(question.sender);
    const std::string account = to_lower(question.account);
    const auto domain = [&](const std::string& one) {
        return own ? one == question.domain : covers(one, question.domain);
    };
    const auto from = [&](const std::string& one) { return covers_sender(one, sender); };
    const auto by = [&](const std::string& one) {
        return !account.empty() && covers_whom(one, account);
    };
    return ((conditions.domains.empty() && !own) || std::ranges::any_of(conditions.domains, domain)
           ) &&
           (conditions.senders.empty() || std::ranges::any_of(conditions.senders, from)) &&
           (conditions.accounts.empty() || std::ranges::any_of(conditions.accounts, by));
}

}  // namespace sekisho::delivery

#include "delivery/routes/rule.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sekisho::delivery {
namespace {

using Protocol = RouteRule::Protocol;

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

bool covers(const std::string& pattern, std::string_view domain) {
    if (pattern.starts_with('.')) {
        return domain.size() > pattern.size() && domain.ends_with(pattern);
    }
    return pattern == "*" || pattern == domain;
}

bool covers_sender(const std::string& pattern, std::string_view sender) {
    if (sender.empty()) {
        return pattern == "<>" || pattern == "*";
    }
    const std::size_t at = sender.rfind('@');
    return pattern == sender || (!pattern.contains('@') && at != std::string_view::npos &&
                                 covers(pattern, sender.substr(at + 1)));
}

bool fits(const RouteRule& rule, const RouteQuestion& question, bool own) {
    const std::string sender = to_lower(question.sender);
    const auto domain = [&](const std::string& one) {
        return own ? one == question.domain : covers(one, question.domain);
    };
    const auto from = [&](const std::string& one) { return covers_sender(one, sender); };
    return ((rule.domains.empty() && !own) || std::ranges::any_of(rule.domains, domain)) &&
           (rule.senders.empty() || std::ranges::any_of(rule.senders, from)) &&
           (rule.accounts.empty() ||
            std::ranges::find(rule.accounts, question.account) != rule.accounts.end());
}

std::string in_quotes(std::string_view text) {
    return "\"" + printable(text, 100) + "\"";
}

// Names of what is wrong with the hosts.
std::optional<std::string> check_hosts(const RouteRule& rule) {
    for (const std::string& one : rule.via) {
        const bool socket = rule.protocol == Protocol::Lmtp && one.starts_with('/');
        if (!socket && !parse_route_host(one)) {
            return "via: " + in_quotes(one) + " is not HOST:PORT" +
                   (rule.protocol == Protocol::Lmtp ? " or the path of a socket" : "");
        }
        if (socket && rule.via.size() > 1) {
            return "via: a socket stands alone";
        }
    }
    if (rule.via.empty() && rule.protocol != Protocol::Smtp) {
        return "via: is missing; the hosts of MX records speak SMTP only";
    }
    return std::nullopt;
}

// A password goes to nobody by accident.
std::optional<std::string> check_login(const RouteRule& rule) {
    if (rule.login.empty() != rule.password_file.empty()) {
        return "login and password_file go together: give both or neither";
    }
    if (rule.login.empty()) {
        if (rule.login_without_tls) {
            return "login_without_tls: there is no login";
        }
        return std::nullopt;
    }
    if (rule.via.empty()) {
        return "login: a route by MX logs in nowhere; name the server with via";
    }
    if (rule.protocol == Protocol::Lmtp) {
        return "login: LMTP has none here";
    }
    if (rule.tls && rule.tls->level == TlsLevel::None && !rule.login_without_tls) {
        return "tls: \"none\" would send the password in plain; if that is meant, add "
               "login_without_tls = true";
    }
    return std::nullopt;
}

}  // namespace

std::optional<Protocol> parse_protocol(std::string_view text) {
    if (text == "smtp") {
        return Protocol::Smtp;
    }
    if (text == "submissions") {
        return Protocol::Submissions;
    }
    return text == "lmtp" ? std::optional(Protocol::Lmtp) : std::nullopt;
}

std::optional<RouteHost> parse_route_host(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return std::nullopt;
    }
    RouteHost host;
    const std::string_view port = text.substr(colon + 1);
    const char* const end = port.data() + port.size();
    const auto read = std::from_chars(port.data(), end, host.port);
    if (read.ec != std::errc{} || read.ptr != end || host.port == 0) {
        return std::nullopt;
    }
    std::string_view name = text.substr(0, colon);
    if (name.starts_with('[') && name.ends_with(']')) {
        name = name.substr(1, name.size() - 2);
        if (!IpAddress::parse(name)) {
            return std::nullopt;
        }
    } else if (name.find_first_of(":[]/ ") != std::string_view::npos) {
        return std::nullopt;
    }
    host.name = to_lower(name);
    while (host.name.ends_with('.')) {
        host.name.pop_back();
    }
    return host.name.empty() ? std::nullopt : std::optional(host);
}

std::optional<std::string> check_route(RouteRule& rule) {
    for (std::string& one : rule.domains) {
        if (!is_domain_pattern(one)) {
            return "domains: " + in_quotes(one) +
                   " is no domain: expected \"example.net\", \".example.net\" for all below it, or "
                   "\"*\"";
        }
        one = to_lower(one);
    }
    for (std::string& one : rule.senders) {
        if (!is_sender_pattern(one)) {
            return "senders: " + in_quotes(one) +
                   " is no sender: expected an address, a domain, \".example.net\" for all below "
                   "it, \"<>\", or \"*\"";
        }
        one = to_lower(one);
    }
    if (rule.domains.empty() && rule.senders.empty() && rule.accounts.empty()) {
        return "domains, senders and accounts are all missing; domains = [\"*\"] is everybody";
    }
    if (auto wrong = check_hosts(rule)) {
        return wrong;
    }
    if (auto wrong = check_login(rule)) {
        return wrong;
    }
    if (rule.protocol == Protocol::Submissions && rule.tls && rule.tls->level == TlsLevel::None) {
        return "tls: protocol = \"submissions\" is nothing but TLS";
    }
    if (rule.protocol == Protocol::Lmtp && rule.tls) {
        return "tls: LMTP goes without TLS here";
    }
    if (!rule.login.empty() && !rule.tls && !rule.login_without_tls) {
        rule.tls = TlsRule{.domain = "*", .level = TlsLevel::Verified, .mx = {}};
    }
    return std::nullopt;
}

const RouteRule* route_for(
    const std::vector<RouteRule>& rules, const RouteQuestion& question, bool own
) {
    const auto found = std::ranges::find_if(rules, [&](const RouteRule& rule) {
        return fits(rule, question, own);
    });
    return found == rules.end() ? nullptr : &*found;
}

}  // namespace sekisho::delivery

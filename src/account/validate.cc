#include "account/validate.h"

#include "account/account.h"
#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

// RFC 5321 §4.5.3.1.1, §4.5.3.1.2; a whole path is 256 with its angle brackets (§4.5.3.1.3).
constexpr std::size_t kLocalMax = 64;
constexpr std::size_t kDomainMax = 255;
constexpr std::size_t kAddressMax = 254;
constexpr std::size_t kLabelMax = 63;  // RFC 1035 §2.3.4
constexpr std::size_t kTextMax = 500;

std::unexpected<Error> bad(std::string_view text, std::string_view what) {
    return fail(Errc::Invalid, "\"" + printable(text) + "\" " + std::string{what});
}

bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_high(char c) {
    return static_cast<std::uint8_t>(c) >= 0x80;
}

// atext of RFC 5322 §3.2.3, and the bytes of UTF-8 (RFC 6531 §3.3).
bool is_atext(char c) {
    return is_alnum(c) || is_high(c) ||
           std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
           label.back() != '-' &&
           std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || is_high(c); });
}

bool is_one_line(std::string_view text) {
    return text.size() <= kTextMax && is_utf8(text) && std::ranges::none_of(text, [](char c) {
               return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f;
           });
}

}  // namespace

std::string normalised(std::string_view text) {
    return to_lower(trim(text));
}

Status check_domain(std::string_view domain) {
    if (domain.empty() || domain.size() > kDomainMax || !is_utf8(domain)) {
        return bad(domain, "is not a domain: it is empty, longer than 255 bytes or not UTF-8");
    }
    for (const std::string_view label : split(domain, '.')) {
        if (!is_label(label)) {
            return bad(
                domain,
                "is not a domain: between its dots stand 1 to 63 letters, digits and inner hyphens"
            );
        }
    }
    return {};
}

Status check_address(std::string_view address) {
    const std::size_t at = address.rfind('@');
    if (at == std::string_view::npos) {
        return bad(address, "is not a mail address: it has no '@'");
    }
    const std::string_view local = address.substr(0, at);
    if (local.empty() || local.size() > kLocalMax || address.size() > kAddressMax) {
        return bad(
            address, "is not a mail address: up to 64 bytes stand before the '@', 254 in all"
        );
    }
    if (!is_utf8(local)) {
        return bad(address, "is not a mail address: it is not UTF-8");
    }
    for (const std::string_view atom : split(local, '.')) {
        if (atom.empty() || !std::ranges::all_of(atom, is_atext)) {
            return bad(
                address,
                "is not a mail address: before the '@' there may be no space, quote or double dot"
            );
        }
    }
    if (const auto domain = check_domain(address.substr(at + 1)); !domain) {
        return bad(address, "is not a mail address: " + domain.error().message);
    }
    return {};
}

Status check_login(std::string_view login) {
    if (login.find('@') != std::string_view::npos) {
        return check_address(login);
    }
    if (login.empty() || login.size() > kLocalMax) {
        return bad(login, "is not a login: it has 1 to 64 bytes, or is a mail address");
    }
    const bool sound = is_alnum(login.front()) && std::ranges::all_of(login, [](char c) {
                           return is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+';
                       });
    if (!sound) {
        return bad(
            login,
            "is not a login: letters, digits, '.', '_', '-' and '+', first a letter or digit; or a "
            "mail address"
        );
    }
    return {};
}

namespace {

// "@example.net" among the addresses is the domain.
Status check_addresses(Account& account) {
    std::set<std::string> seen;
    std::vector<std::string> addresses, domains;
    for (const std::string& written : account.addresses) {
        std::string address = normalised(written);
        if (address.starts_with('@')) {
            domains.push_back(address.substr(1));
            continue;
        }
        if (const auto sound = check_address(address); !sound) {
            return sound;
        }
        if (!seen.insert(address).second) {
            return bad(address, "is listed twice");
        }
        addresses.push_back(std::move(address));
    }
    for (const std::string& written : account.domains) {
        const std::string domain = normalised(written);
        domains.push_back(domain.starts_with('@') ? domain.substr(1) : domain);
    }
    for (const std::string& domain : domains) {
        if (const auto sound = check_domain(domain); !sound) {
            return sound;
        }
        if (!seen.insert("@" + domain).second) {
            return bad("@" + domain, "is listed twice");
        }
    }
    account.addresses = std::move(addresses);
    account.domains = std::move(domains);
    return {};
}

}  // namespace

Result<Account> checked(Account account) {
    account.login = normalised(account.login);
    if (const auto login = check_login(account.login); !login) {
        return fail(login.error());
    }
    if (const auto sound = check_addresses(account); !sound) {
        return fail(sound.error());
    }
    account.language = normalised(account.language);
    if (account.language == "both") {
        account.language.clear();
    }
    if (!account.language.empty() && account.language != "ja" && account.language != "en") {
        return bad(account.language, "is no language of notices: ja, en or both");
    }
    for (const std::string_view text :
         {std::string_view{account.name},
          std::string_view{account.line},
          std::string_view{account.disabled_reason}}) {
        if (!is_one_line(text)) {
            return bad(text, "is not one line of UTF-8 of at most 500 bytes");
        }
    }
    return account;
}

}  // namespace sekisho::account

#include "account/app_password.h"

#include "account/account.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::account {
namespace {

constexpr std::size_t kGroup = 4;
constexpr std::size_t kGroups = 5;
constexpr std::size_t kNameMax = 40;

bool is_sign(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '9');
}

}  // namespace

std::string_view selector_of(std::string_view password) {
    if (password.size() != kGroups * (kGroup + 1) - 1) {
        return {};
    }
    for (std::size_t i = 0; i < password.size(); ++i) {
        const bool separator = i % (kGroup + 1) == kGroup;
        if (separator ? password[i] != '-' : !is_sign(password[i])) {
            return {};
        }
    }
    return password.substr(0, kGroup);
}

Status check_app_password_name(std::string_view name) {
    const bool sound = !name.empty() && name.size() <= kNameMax && is_utf8(name) &&
                       trim(name) == name && std::ranges::none_of(name, [](char c) {
                           return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f;
                       });
    if (!sound) {
        return fail(
            Errc::Invalid,
            "\"" + printable(name) +
                "\" is not a name for an app password: one line of 1 to 40 bytes"
        );
    }
    return {};
}

std::string why_unusable(const AppPassword& password, const IpAddress& from, Time now) {
    if (password.expires != Time{} && password.expires <= now) {
        return "has expired on " + rfc3339(password.expires);
    }
    const bool here =
        password.from.empty() || std::ranges::any_of(password.from, [&](const Prefix& prefix) {
            return prefix.contains(from);
        });
    return here ? "" : "is not for " + from.text();
}

}  // namespace sekisho::account

// App passwords: which one a password is, and whether it may be used here and now. Pure.
#pragma once

#include "account/account.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::account {

inline constexpr std::size_t kAppPasswordsMax = 32;  // of one account

// The first group of what generate_app_password() makes; empty for everything else.
[[nodiscard]] std::string_view selector_of(std::string_view password);

// One word or a few: 1 to 40 bytes of UTF-8 without control characters.
[[nodiscard]] Status check_app_password_name(std::string_view name);

// Empty: it may be used. Else the end of a sentence: "has expired on ...", "is not for ...".
[[nodiscard]] std::string why_unusable(
    const AppPassword& password, const IpAddress& from, Time now
);

}  // namespace sekisho::account

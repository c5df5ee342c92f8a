// What the subscriber's own page shows, found in accounts, journal and the mail role.
#pragma once

#include "account/account.h"
#include "base/ip.h"
#include "base/time.h"
#include "desk/context.h"
#include "guide/my.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::desk {

// nullopt: the mail role can't be asked.
[[nodiscard]] std::optional<guide::MyConduct> conduct_of(
    const Context& context, const std::string& login
);
// Everything but `conduct` and the session.
void fill_account(const Context& context, const account::Account& account, guide::MyAccount& out);
// The same, as far as the list of app passwords goes.
void fill_devices(const account::Account& account, guide::MyAccount& out);

// Why a login was refused, as journalled: "password", "limit", "disabled", "conduct",
// "app-password", "other".
[[nodiscard]] std::string reason_of(std::string_view detail);

// Whether the line, and no other, had the address then.
[[nodiscard]] bool is_of_line(
    const Context& context, const std::string& line, const IpAddress& address, Time at
);

}  // namespace sekisho::desk

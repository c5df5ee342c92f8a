// A password that comes by another way than SMTP (the subscriber's own page), judged as AUTH judges
// it: the same limits on guessing, the same work whether or not there is such an account.
#pragma once

#include "base/ip.h"

#include <cstdint>
#include <string>

namespace sekisho::mail {

struct Shared;

enum class PasswordVerdict : std::uint8_t { Right, Wrong, Disabled, TooMany, Unavailable };
[[nodiscard]] std::string_view name(PasswordVerdict verdict);  // "right", ...

struct PasswordAnswer {
    PasswordVerdict verdict = PasswordVerdict::Wrong;
    std::string login;   // Right: as the account is called
    std::string detail;  // TooMany: when it may be tried again, as the mail server says it
};

// Of the account's own password: an app password is a wrong one here. Hashes: on a worker. Records
// the login in the journal. Whoever shows the answer waits before it, as AUTH does.
[[nodiscard]] PasswordAnswer check_password(
    Shared& shared, const std::string& login, std::string password, const IpAddress& from
);

}  // namespace sekisho::mail

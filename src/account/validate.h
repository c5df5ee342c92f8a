// What an account may be called and which addresses it may have. Pure; the messages are for
// operators and say what to change.
#pragma once

#include "account/account.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace sekisho::account {

// The form in which logins and addresses are kept and compared: trimmed, ASCII letters in lower
// case. (RFC 5321 §2.4 leaves the case of a local part to its host; here, as at nearly every
// provider, it has no meaning.)
[[nodiscard]] std::string normalised(std::string_view text);

// A mailbox of RFC 5321 §4.1.2 with a dot-string as its local part, or UTF-8 there and in the
// domain (RFC 6531 §3.3). Quoted local parts and address literals are not for accounts.
[[nodiscard]] Status check_address(std::string_view address);
[[nodiscard]] Status check_domain(std::string_view domain);
// An address, or a name of letters, digits, '.', '_', '-' and '+' that starts with a letter or
// digit; 64 bytes at most without '@'.
[[nodiscard]] Status check_login(std::string_view login);

// The account with login and addresses normalised, or what is wrong with it: its login, an address,
// one address twice, a name or reason of more than one line. "@example.net" among the addresses
// becomes one of its domains.
[[nodiscard]] Result<Account> checked(Account account);

}  // namespace sekisho::account

// A directory (LDAP, RFC 4511) as a source of accounts: the entry is found with a filter, and the
// password is proved by binding as it, or compared.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "source/source.h"

#include <memory>
#include <string>
#include <string_view>

namespace sekisho::source {

// libldap blocks, so each source has threads and connections of its own, as many as configured; a
// directory that hangs holds up its own logins alone. Invalid: the URL or the filter is wrong.
[[nodiscard]] Result<std::unique_ptr<Source>> make_ldap(const config::AccountSource& config);

// A value as it may stand in a filter (RFC 4515 §3).
[[nodiscard]] std::string filter_value(std::string_view text);

}  // namespace sekisho::source

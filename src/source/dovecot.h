// Dovecot's authentication (its socket auth-client) as a source of accounts: whom the IMAP server
// lets in may send. It doesn't tell a wrong password from an unknown name, so it ends the chain.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "source/source.h"

#include <memory>

namespace sekisho::source {

// Invalid: the server is no path.
[[nodiscard]] Result<std::unique_ptr<Source>> make_dovecot(const config::AccountSource& config);

}  // namespace sekisho::source

// A RADIUS server (RFC 2865, PAP) as a source of accounts: whom the access network lets in may
// send. It doesn't tell a wrong password from an unknown name, so it ends the chain.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "source/source.h"

#include <memory>

namespace sekisho::source {

// Invalid: the server is no endpoint, or there is no secret.
[[nodiscard]] Result<std::unique_ptr<Source>> make_radius(const config::AccountSource& config);

}  // namespace sekisho::source

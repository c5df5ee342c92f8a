// The first start: a state folder with working defaults.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>

namespace sekisho::cli {

struct FirstStart {
    std::string config_file;
    std::string login;     // of the first account; empty when it existed already
    std::string password;  // shown once, kept nowhere
};

inline constexpr const char* kFirstLogin = "first@example.net";

// Creates what is missing in `state`: sekisho.toml, database, certificate, operator token, first
// account. What is there is left as it is.
[[nodiscard]] Result<FirstStart> initialise(const std::string& state);

// The certificate and the operator token that a configuration names and that may be made for it.
Status ensure_certificate(const config::Config& config);
Status ensure_token(const config::Config& config);

}  // namespace sekisho::cli

// Questions of the command line to the configured resolvers.
#pragma once

#include "base/result.h"
#include "cli/dkim_ops.h"
#include "config/config.h"
#include "mail/signatures.h"
#include "zone/records.h"

#include <string>
#include <vector>

namespace sekisho::cli {

[[nodiscard]] Result<TxtAnswers> ask_txt(
    const config::Config& config, std::vector<std::string> names
);

// The DKIM signatures and the ARC chain of a message.
[[nodiscard]] Result<mail::Vouched> verify_message(
    const config::Config& config, std::string message
);

// Asks for each record and compares. An error: no resolver at all.
[[nodiscard]] Result<std::vector<zone::Finding>> check_records(
    const config::Config& config, const std::vector<zone::Record>& records
);

}  // namespace sekisho::cli

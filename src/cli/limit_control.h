// What the mail role answers to `sekisho limit list|show|reset`.
#pragma once

#include "base/result.h"
#include "cli/context.h"
#include "event/event.h"
#include "mail/server.h"

#include <string>

namespace sekisho::cli {

// limit-list; limit-show {"subject"}; limit-reset {"subject","limit","reason","by"}.
[[nodiscard]] Result<Json> limit_command(
    mail::Server& server, event::Journal& journal, const std::string& name, const Json& request
);

}  // namespace sekisho::cli

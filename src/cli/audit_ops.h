// What a command at the machine itself leaves in the audit.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "staff/audit.h"
#include "store/store.h"

#include <string>
#include <utility>

namespace sekisho::cli {

inline Status note_command(
    store::Store& store,
    const std::string& action,
    const std::string& subject,
    const std::string& reason
) {
    staff::AuditEntry entry;
    entry.at = now();
    entry.who = "local " + operator_name();
    entry.how = "command";
    entry.action = action;
    entry.subject = subject;
    entry.reason = reason;
    entry.outcome = "done";
    const auto noted = store.staff().note(std::move(entry));
    return noted ? Status{} : fail(noted.error());
}

}  // namespace sekisho::cli

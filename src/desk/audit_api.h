// Notes what operators do, and shows it to auditors.
#pragma once

#include "base/result.h"
#include "desk/api.h"
#include "staff/audit.h"

namespace sekisho::desk {

// Adds the time, chains it, and logs its number and digest, so that the log tells when the end of
// the chain was cut off.
Status note(const Context& context, staff::AuditEntry entry);

[[nodiscard]] ApiAnswer read_audit(const Call& call);
[[nodiscard]] ApiAnswer verify_audit(const Call& call);

}  // namespace sekisho::desk

// What a submission server changes in the text of a message so that other servers can take it, and
// what it can't mend. repair.h adds and removes whole fields.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <string>
#include <string_view>

namespace sekisho::message {

struct MendOptions {
    bool utf8 = false;    // the header may have UTF-8 (SMTPUTF8)
    bool binary = false;  // the body is no lines (BINARYMIME)
};

[[nodiscard]] bool needs_mending(std::string_view message, const MendOptions& options);
// Denied: an address would have to be SMTPUTF8's. Invalid: says why it can't be mended. What the
// sender's own system signed (DKIM) isn't changed.
[[nodiscard]] Result<std::string> mend(std::string_view message, const MendOptions& options);

// A date as RFC 5322 §3.3 has it, or §4.3.
[[nodiscard]] bool is_date(std::string_view value);

}  // namespace sekisho::message

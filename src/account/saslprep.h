// Logins and passwords as they are compared (RFC 4013), as far as it can be done without tables of
// Unicode: ASCII exactly; of the rest the mappings and prohibitions that are short lists, but
// neither NFKC (RFC 4013 §2.2) nor the check of mixed directions (§2.4). A password that NFKC
// would change therefore has to be typed as it was set: programs that send it unchanged (PLAIN,
// LOGIN) always match, a SCRAM client that normalises may not.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace sekisho::account {

// Maps spaces of any kind to U+0020 and drops what RFC 3454 table B.1 drops. Invalid when the bytes
// are not UTF-8 or hold a control, private-use, non-character, tagging or display-changing code
// point; the message never repeats the text.
[[nodiscard]] Result<std::string> saslprep(std::string_view text);

}  // namespace sekisho::account

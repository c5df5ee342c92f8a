// What a report means, in a plain sentence.
#pragma once

#include "report/ledger.h"
#include "report/tls.h"

#include <cstdint>
#include <string>

namespace sekisho::report {

// "203.0.113.9 sends as example.net without aligned SPF or DKIM: 1,200 messages, 100% fail. ..."
[[nodiscard]] std::string hint(const SourceSum& source);
// What a failure type of RFC 8460 §4.3 says about our mail host, and what to look at.
[[nodiscard]] std::string hint(const TlsFailure& failure);
[[nodiscard]] std::string grouped(std::uint64_t number);  // "1,200"

}  // namespace sekisho::report

// An SMTP TLS report as the JSON of RFC 8460 §4.4, and read back.
#pragma once

#include "base/result.h"
#include "report/tls.h"

#include <string>
#include <string_view>

namespace sekisho::report {

[[nodiscard]] std::string write_tls(const TlsReport& report);
// What isn't known is passed over. Invalid, Full: it is no such report.
[[nodiscard]] Result<TlsReport> read_tls(std::string_view json);

}  // namespace sekisho::report

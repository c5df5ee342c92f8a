// A DMARC aggregate report as the XML of RFC 9990's appendix A, and read back.
#pragma once

#include "base/result.h"
#include "report/dmarc.h"

#include <string>
#include <string_view>

namespace sekisho::report {

inline constexpr std::string_view kDmarcNamespace = "urn:ietf:params:xml:ns:dmarc-2.0";

// UTF-8, with an XML declaration. The report must have rows (§3.1.1.2).
[[nodiscard]] std::string write_dmarc(const DmarcReport& report);

// Of RFC 9990, or of RFC 7489 (appendix C), with a namespace or without. What isn't known is passed
// over; what is missing but could be guessed is left empty. Invalid, Full: it is no such report.
[[nodiscard]] Result<DmarcReport> read_dmarc(std::string_view xml);

}  // namespace sekisho::report

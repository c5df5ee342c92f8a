// From what came in to the reports in it.
#pragma once

#include "base/result.h"
#include "report/dmarc.h"
#include "report/ledger.h"
#include "report/tls.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::report {

using Report = std::variant<DmarcReport, TlsReport>;

// The organization, the report's id and the domain that it is about: of TLS the first policy's.
[[nodiscard]] ReceivedFacts facts_of(const Report& report);

// Of a file: XML or JSON, plain, in gzip or in zip.
[[nodiscard]] Result<std::vector<Report>> reports_in(std::string_view file);
// Of the attachments of a mail, or of its whole body. Invalid: it has none, or one that can't be
// read.
[[nodiscard]] Result<std::vector<Report>> reports_in_mail(std::string_view mail);

}  // namespace sekisho::report

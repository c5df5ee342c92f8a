// Sends one failure report (report/failure.h), at once, to who may have it.
#pragma once

#include "base/result.h"
#include "cli/report_sending.h"
#include "config/config.h"
#include "report/dmarc.h"

#include <string>

namespace sekisho::cli {

// To whom; empty: nobody may have it, or the DNS has no answer now. Waits for the DNS and the
// spool: for a thread of its own.
[[nodiscard]] Result<std::string> send_failure(
    const report::DmarcSeen& seen, const config::Config& config, const ReportMeans& means
);

}  // namespace sekisho::cli

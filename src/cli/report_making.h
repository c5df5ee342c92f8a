// One report of ours: to whom it goes, and its bytes. The shell around room report's letters.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "net/resolver.h"
#include "net/task.h"
#include "report/ledger.h"
#include "report/letter.h"

#include <string>
#include <vector>

namespace sekisho::cli {

struct Asking {
    net::Resolver& resolver;
    net::Executor executor;
};

// Who gets it: "mailto:..." and "https://..." as in the records.
struct Destinations {
    std::vector<std::string> open;
    std::vector<std::string> problems;  // of those that don't, for people
    bool temporary = false;             // an answer is missing: later there may be more
};
[[nodiscard]] Destinations dmarc_destinations(const Asking& asking, const report::DmarcDay& day);
[[nodiscard]] Destinations tls_destinations(
    const Asking& asking, const config::Reports& config, const std::string& domain
);

struct MadeReport {
    std::string packed;  // gzip
    report::Letter letter;
    std::vector<std::string> to;  // addresses that take its size
    std::vector<std::string> too_large;
};
// By what the store has of the job's day; the same job gives the same report.
[[nodiscard]] Result<MadeReport> make_report(
    report::Ledger& ledger, const report::Job& job, const config::Config& config, Time now
);

// "2026-11-26.example.org.k3v9@example.net": dots and letters alone (RFC 9990 §3.5.1).
[[nodiscard]] std::string new_report_id(const report::Slot& slot, const std::string& submitter);
[[nodiscard]] std::string submitter_of(const config::Config& config);
[[nodiscard]] report::Sender sender_of(const config::Config& config);

}  // namespace sekisho::cli

#include "cli/report_failures.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/report_making.h"
#include "cli/report_sending.h"
#include "config/config.h"
#include "report/destination.h"
#include "report/dmarc.h"
#include "report/failure.h"
#include "report/ledger.h"
#include "report/letter.h"
#include "store/store.h"

#include <functional>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr const char* kKey = "report_digests";
constexpr int kIdBits = 100, kKeySize = 32;

std::string key_of(store::Store& store) {
    const auto key = store.setting_or_make(kKey, [] { return hex(random_bytes(kKeySize)); });
    return key.value_or("");
}

}  // namespace

Result<std::string> send_failure(
    const report::DmarcSeen& seen, const config::Config& config, const ReportMeans& means
) {
    const Asking asking{means.resolver, means.executor};
    // The same who may have aggregate reports (RFC 9991 §4).
    report::DmarcDay wanted;
    wanted.policy = seen.policy;
    wanted.organization = seen.organization;
    wanted.rua = seen.ruf;
    std::vector<std::string> to;
    std::string all;
    for (const std::string& uri : dmarc_destinations(asking, wanted).open) {
        if (const auto mailbox = report::parse_mailto(uri)) {
            to.push_back(mailbox->address);
            all += (all.empty() ? "" : ", ") + mailbox->address;
        }
    }
    const std::string key = key_of(means.store);
    if (to.empty() || key.empty()) {
        return std::string();
    }
    const report::FailureParts parts{
        random_token(kIdBits) + "@" + submitter_of(config), key, config.mail.hostname
    };
    const report::Letter letter = report::failure_letter(seen, parts, to, sender_of(config), now());
    const Status queued =
        queue_letter(means, letter, to, means.spool.reserve_id(), Duration{0}, now());
    return queued ? Result<std::string>(all) : fail(queued.error());
}

}  // namespace sekisho::cli

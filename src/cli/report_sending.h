// One report on its way (report::Job): whom it goes to, by mail, by https, each step kept before
// the next, so that a crash repeats none that others see.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/report_making.h"
#include "config/config.h"
#include "dkim/sign.h"
#include "net/resolver.h"
#include "net/task.h"
#include "net/tls.h"
#include "queue/spool.h"
#include "report/ledger.h"
#include "report/letter.h"
#include "store/store.h"

#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {

struct ReportMeans {
    store::Store& store;
    queue::Spool& spool;
    net::Resolver& resolver;
    net::Executor executor;
    const dkim::SignerHolder& signer;
    // For https: of a certificate that doesn't verify nothing is made (RFC 8460 §3).
    std::shared_ptr<const net::TlsContext> tls;
};

// Signed, and durable in the spool, from where it goes after `wait`. Waits for the disk.
[[nodiscard]] Status queue_letter(
    const ReportMeans& means,
    const report::Letter& letter,
    const std::vector<std::string>& to,
    const std::string& queue_id,
    Duration wait,
    Time now
);

// Waits for the DNS, the disk and others' servers: for a thread of its own.
class Sending {
  public:
    Sending(
        report::Job job, std::shared_ptr<const config::Config> config, const ReportMeans& means
    );

    // All the steps that can be done now. True: it was sent, or given up.
    [[nodiscard]] Result<bool> run();
    // After a crash, before mail is delivered: its mail is in the spool, or isn't.
    [[nodiscard]] Status settle();

    [[nodiscard]] const report::Job& job() const { return job_; }
    // What went wrong on the way and will be tried again.
    [[nodiscard]] const std::vector<Error>& troubles() const { return troubles_; }

  private:
    [[nodiscard]] Result<bool> address(Time now);
    [[nodiscard]] Result<Destinations> destinations();
    [[nodiscard]] Result<bool> later(Time now);
    [[nodiscard]] Result<bool> end(Time now);
    [[nodiscard]] Status mail(const MadeReport& made);
    [[nodiscard]] Status queue(const MadeReport& made, Time now);
    [[nodiscard]] bool is_in_spool();
    void post(const MadeReport& made, const std::string& url);
    void mailed(const std::string& what);
    void add_detail(const std::string& what);
    [[nodiscard]] bool wants_mail() const;
    [[nodiscard]] Result<bool> kept(bool value);

    report::Job job_;
    std::shared_ptr<const config::Config> config_;
    const ReportMeans& means_;  // NOLINT(*-avoid-const-or-ref-data-members)
    std::vector<Error> troubles_;
};

}  // namespace sekisho::cli

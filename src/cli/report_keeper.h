// Reports to other domains and of them (room report), in the mail role: writes down what sessions
// saw, sends each day's reports once, takes in what others report. A thread of its own looks up,
// writes and sends: nobody's mail waits for it.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/report_sending.h"
#include "config/config.h"
#include "mail/server.h"
#include "report/dmarc.h"
#include "report/failure.h"
#include "report/ledger.h"
#include "report/recorder.h"
#include "report/tls.h"
#include "store/store.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::cli {

class ReportKeeper {
  public:
    using Deps = ReportMeans;
    ReportKeeper(Deps deps, const config::Config& config);
    ReportKeeper(const ReportKeeper&) = delete;
    ReportKeeper& operator=(const ReportKeeper&) = delete;
    ~ReportKeeper();

    // Before mail is delivered: what a crash left half done is in the spool, or isn't.
    void settle();
    void start();
    void stop();  // while the loops run
    void follow(const config::Config& config);
    void tidy(Time at);

    // From any thread; never wait.
    void note(const report::DmarcSeen& seen);
    void note(const report::TlsSeen& seen);
    // On a worker.
    void read(const mail::ReportMail& mail);

    // reports-due; reports-send {dry_run}: all days that are over, at once.
    [[nodiscard]] Result<Json> command(const std::string& name, const Json& request);
    [[nodiscard]] Json status() const;

  private:
    struct Counters {
        std::atomic<std::uint64_t> sent{0}, failed{0}, received{0}, duplicates{0}, refused{0};
    };
    [[nodiscard]] std::shared_ptr<const config::Config> in_force() const;
    void run();
    void flush();
    void send_failures();
    // What became of each report, for people.
    [[nodiscard]] std::vector<Json> pass(bool at_once, bool dry_run);
    void send(const report::Job& job, std::shared_ptr<const config::Config> settings);
    [[nodiscard]] Result<Json> due();

    Deps deps_;
    report::Recorder recorder_;
    Counters counters_;
    report::FailureQuota quota_;
    mutable std::mutex mutex_;                 // config_, stopping_, failures_
    std::vector<report::DmarcSeen> failures_;  // to be reported
    std::shared_ptr<const config::Config> config_;
    bool stopping_ = false;
    std::condition_variable wake_;
    std::mutex passing_;  // one pass at a time
    std::thread thread_;
};

// Whether reports about the domain are ours to read.
[[nodiscard]] bool reads_about(const config::Config& config, const std::string& domain);

// A mail or a file, in the store: how many reports were new. Shared with `sekisho reports read`.
struct TakenReports {
    std::size_t taken = 0, known = 0;
    std::vector<std::string> refused;  // about others' domains
};
[[nodiscard]] Result<TakenReports> take_reports(
    store::Store& store,
    const config::Config& config,
    const std::string& text,
    bool is_mail,
    const std::string& from,
    bool verified
);

}  // namespace sekisho::cli

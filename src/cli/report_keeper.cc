#include "cli/report_keeper.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/report_failures.h"
#include "cli/report_making.h"
#include "cli/report_sending.h"
#include "config/config.h"
#include "queue/spool.h"
#include "report/dmarc.h"
#include "report/incoming.h"
#include "report/ledger.h"
#include "report/recorder.h"
#include "report/schedule.h"
#include "report/tls.h"
#include "store/store.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using report::Job;
using report::Kind;

constexpr auto kTick = std::chrono::seconds(1);
constexpr Duration kBetweenPasses = std::chrono::seconds(30);
constexpr std::size_t kAtOnce = 500;  // reports a pass
constexpr std::size_t kFailuresWaiting = 100;
constexpr report::Day kDaysKept = 8;  // of what was seen, when nothing could be sent

report::Schedule schedule_of(const config::Config& config) {
    return {config.reports.send_after, config.reports.spread, config.mail.hostname};
}

bool wanted(const config::Config& config, Kind kind) {
    return kind == Kind::Dmarc ? config.reports.dmarc : config.reports.tls;
}

Json to_json(const Job& job) {
    return Json{
        {"kind", name(job.slot.kind)},
        {"day", report::date_of(job.slot.day)},
        {"domain", job.slot.domain},
        {"state", name(job.state)},
        {"count", job.count},
        {"tries", job.tries},
        {"detail", job.detail}
    };
}

}  // namespace

ReportKeeper::ReportKeeper(Deps deps, const config::Config& config)
    : deps_(std::move(deps)), config_(std::make_shared<const config::Config>(config)) {}

ReportKeeper::~ReportKeeper() {
    stop();
}

std::shared_ptr<const config::Config> ReportKeeper::in_force() const {
    const std::scoped_lock lock(mutex_);
    return config_;
}

void ReportKeeper::follow(const config::Config& config) {
    auto fresh = std::make_shared<const config::Config>(config);
    const std::scoped_lock lock(mutex_);
    config_ = std::move(fresh);
}

void ReportKeeper::note(const report::DmarcSeen& seen) {
    const auto settings = in_force();
    if (settings->reports.from.empty()) {
        return;
    }
    if (settings->reports.dmarc && !seen.rua.empty()) {
        recorder_.note(seen, now());
    }
    if (settings->reports.failures && !seen.ruf.empty()) {
        const std::scoped_lock lock(mutex_);
        if (failures_.size() < kFailuresWaiting) {
            failures_.push_back(seen);
        }
    }
}

// Those that wait, each to whom may have it. One that can't be looked up now isn't sent at all: it
// tells of a moment.
void ReportKeeper::send_failures() {
    std::vector<report::DmarcSeen> all;
    {
        const std::scoped_lock lock(mutex_);
        all.swap(failures_);
    }
    const auto settings = in_force();
    for (const report::DmarcSeen& one : all) {
        if (!quota_.take(one.policy.domain, settings->reports.failures_per_day, now())) {
            continue;
        }
        const auto sent = send_failure(one, *settings, deps_);
        if (!sent) {
            log::warning(
                "REPORT_FAILURE_NOT_SENT", sent.error().message, {{"domain", one.policy.domain}}
            );
        } else if (!sent->empty()) {
            ++counters_.sent;
            log::info(
                "REPORT_FAILURE_SENT",
                "a failure report",
                {{"domain", one.policy.domain}, {"to", *sent}}
            );
        }
    }
}

void ReportKeeper::note(const report::TlsSeen& seen) {
    const auto settings = in_force();
    if (!settings->reports.from.empty() && settings->reports.tls) {
        recorder_.note(seen, now());
    }
}

void ReportKeeper::flush() {
    const report::Batch batch = recorder_.take();
    if (batch.empty()) {
        return;
    }
    const auto without_room = deps_.store.reports().add(batch);
    if (!without_room) {
        recorder_.put_back(batch);
        log::warning("REPORTS_NOT_KEPT", without_room.error().message);
        return;
    }
    recorder_.lose(*without_room);
}

void ReportKeeper::start() {
    thread_ = std::thread([this] { run(); });
}

void ReportKeeper::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
        flush();
    }
}

void ReportKeeper::run() {
    auto next = std::chrono::steady_clock::now();
    while (true) {
        flush();
        send_failures();
        if (std::chrono::steady_clock::now() >= next) {
            static_cast<void>(pass(false, false));
            next = std::chrono::steady_clock::now() + kBetweenPasses;
        }
        std::unique_lock lock(mutex_);
        if (wake_.wait_for(lock, kTick, [this] { return stopping_; })) {
            return;
        }
    }
}

void ReportKeeper::tidy(Time at) {
    const auto gone =
        deps_.store.reports().forget(report::day_of(at) - kDaysKept, at - in_force()->reports.keep);
    if (!gone) {
        log::warning("REPORTS_NOT_FORGOTTEN", gone.error().message);
    }
}

void ReportKeeper::settle() {
    const auto made = deps_.store.reports().jobs(Job::State::Made);
    if (!made) {
        log::warning("REPORTS_NOT_SETTLED", made.error().message);
        return;
    }
    for (const Job& job : *made) {
        Sending sending(job, in_force(), deps_);
        if (const Status settled = sending.settle(); !settled) {
            log::warning("REPORTS_NOT_SETTLED", settled.error().message);
        }
    }
}

std::vector<Json> ReportKeeper::pass(bool at_once, bool dry_run) {
    const std::scoped_lock one(passing_);
    std::vector<Json> told;
    const auto settings = in_force();
    if (settings->reports.from.empty()) {
        return told;
    }
    const Time at = now();
    const auto jobs = deps_.store.reports().due(report::day_of(at), kAtOnce);
    if (!jobs) {
        log::warning("REPORTS_NOT_SENT", jobs.error().message);
        return told;
    }
    for (const Job& job : *jobs) {
        {
            const std::scoped_lock lock(mutex_);
            if (stopping_) {
                break;
            }
        }
        const bool its_time =
            report::due_time(job.slot, schedule_of(*settings)) <= at && job.next_try <= at;
        if (!wanted(*settings, job.slot.kind) || (!at_once && !its_time)) {
            continue;
        }
        Json row = to_json(job);
        if (dry_run) {
            const Asking asking{deps_.resolver, deps_.executor};
            Destinations found;
            if (job.slot.kind == Kind::Tls) {
                found = tls_destinations(asking, settings->reports, job.slot.domain);
            } else if (const auto day = deps_.store.reports().dmarc_day(job.slot)) {
                found = dmarc_destinations(asking, *day);
            }
            row["to"] = found.open;
            row["problems"] = found.problems;
        } else {
            send(job, settings);
            const auto after = deps_.store.reports().job(job.slot);
            if (after && *after) {
                row["state"] = name((*after)->state);
                row["detail"] = (*after)->detail;
            }
        }
        told.push_back(std::move(row));
    }
    return told;
}

void ReportKeeper::send(const Job& job, std::shared_ptr<const config::Config> settings) {
    Sending sending(job, std::move(settings), deps_);
    const auto ended = sending.run();
    std::vector<Error> troubles = sending.troubles();
    if (!ended) {
        troubles.push_back(ended.error());
    }
    for (const Error& error : troubles) {
        ++counters_.failed;
        log::warning(
            "REPORT_NOT_SENT",
            error.message,
            {{"kind", name(job.slot.kind)}, {"domain", job.slot.domain}}
        );
    }
    if (ended && *ended) {
        ++counters_.sent;
        log::info(
            "REPORT_SENT",
            sending.job().detail,
            {{"kind", name(job.slot.kind)},
             {"domain", job.slot.domain},
             {"day", report::date_of(job.slot.day)},
             {"queue_id", sending.job().queue_id}}
        );
    }
}

Result<Json> ReportKeeper::due() {
    flush();
    const auto settings = in_force();
    const Time at = now();
    // Today's, too: they become due.
    const auto jobs = deps_.store.reports().due(report::day_of(at) + 1, 10'000);
    if (!jobs) {
        return fail(jobs.error());
    }
    Json rows = Json::array();
    for (const Job& job : *jobs) {
        if (!wanted(*settings, job.slot.kind)) {
            continue;
        }
        Json row = to_json(job);
        row["due"] =
            rfc3339(std::max(report::due_time(job.slot, schedule_of(*settings)), job.next_try));
        rows.push_back(std::move(row));
    }
    return Json{{"from", settings->reports.from}, {"reports", std::move(rows)}};
}

Result<Json> ReportKeeper::command(const std::string& name, const Json& request) {
    if (name == "reports-due") {
        return due();
    }
    if (name == "reports-send") {
        if (in_force()->reports.from.empty()) {
            return fail(Errc::Invalid, "reports.from is empty: no reports are sent");
        }
        flush();
        Json rows = Json::array();
        for (Json& row : pass(true, request.value("dry_run", false))) {
            rows.push_back(std::move(row));
        }
        return Json{{"dry_run", request.value("dry_run", false)}, {"reports", std::move(rows)}};
    }
    return fail(Errc::NotFound, "the mail server knows no command \"" + name + "\"");
}

Json ReportKeeper::status() const {
    const report::Recorder::Counters recorded = recorder_.counters();
    return Json{
        {"recorded_total", recorded.recorded},
        {"lost_total", recorded.lost},
        {"sent_total", counters_.sent.load()},
        {"failures_total", counters_.failed.load()},
        {"received_total", counters_.received.load()},
        {"duplicates_total", counters_.duplicates.load()},
        {"refused_total", counters_.refused.load()}
    };
}

void ReportKeeper::read(const mail::ReportMail& mail) {
    const auto taken =
        take_reports(deps_.store, *in_force(), mail.text, true, mail.author, mail.verified);
    if (!taken) {
        ++counters_.refused;
        log::warning(
            "REPORT_NOT_READ",
            "a mail to reports.receive stays what it is, a mail",
            {{"from", mail.author}, {"error", taken.error().message}}
        );
        return;
    }
    counters_.received += taken->taken;
    counters_.duplicates += taken->known;
    counters_.refused += taken->refused.size();
    for (const std::string& domain : taken->refused) {
        log::info(
            "REPORT_NOT_OURS",
            "a report about a domain that is neither in mail.domains nor in reports.domains",
            {{"from", mail.author}, {"domain", printable(domain)}}
        );
    }
}

bool reads_about(const config::Config& config, const std::string& domain) {
    const auto within = [&domain](const std::string& ours) {
        const std::string key = to_lower(ours);
        return domain == key || domain.ends_with("." + key);
    };
    return std::ranges::any_of(config.mail.domains, within) ||
           std::ranges::any_of(config.reports.domains, within) || within(config.mail.hostname);
}

Result<TakenReports> take_reports(
    store::Store& store,
    const config::Config& config,
    const std::string& text,
    bool is_mail,
    const std::string& from,
    bool verified
) {
    auto found = is_mail ? report::reports_in_mail(text) : report::reports_in(text);
    if (!found) {
        return fail(found.error());
    }
    TakenReports out;
    for (report::Report& one : *found) {
        const std::string domain = report::facts_of(one).domain;
        if (!reads_about(config, domain)) {
            out.refused.push_back(domain);
            continue;
        }
        report::Received received;
        received.at = now();
        received.from = printable(from);
        received.verified = verified;
        received.report = std::move(one);
        const auto is_new = store.reports().receive(received);
        if (!is_new) {
            return fail(is_new.error());
        }
        ++(*is_new ? out.taken : out.known);
    }
    return out;
}

}  // namespace sekisho::cli

#include "cli/report_keeper.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/report_making.h"
#include "config/config.h"
#include "delivery/dismiss.h"
#include "event/event.h"
#include "message/header.h"
#include "net/http_client.h"
#include "net/wait.h"
#include "queue/notice.h"
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
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::cli {
namespace {

using report::Job;
using report::Kind;

constexpr auto kTick = std::chrono::seconds(1);
constexpr Duration kBetweenPasses = std::chrono::seconds(30);
constexpr std::size_t kAtOnce = 500;  // reports a pass
constexpr auto kQueueTime = std::chrono::seconds(20);
constexpr Duration kPostTime = std::chrono::seconds(20);
// A report isn't delivered before its job says Done: a crash in between finds it in the spool.
constexpr Duration kInSpool = std::chrono::seconds(30);
constexpr report::Day kDaysKept = 8;  // of what was seen, when nothing could be sent

report::Schedule schedule_of(const config::Config& config) {
    return {config.reports.send_after, config.reports.spread, config.mail.hostname};
}

bool wanted(const config::Config& config, Kind kind) {
    return kind == Kind::Dmarc ? config.reports.dmarc : config.reports.tls;
}

bool is_mailto(const std::string& uri) {
    return to_lower(uri).starts_with("mailto:");
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

std::string joined(const std::vector<std::string>& all, const char* between) {
    std::string out;
    for (const std::string& one : all) {
        out += (out.empty() ? "" : between) + one;
    }
    return out;
}

// One report on its way: the steps that report::Job tells of.
class Sending {
  public:
    Sending(Job begun, const config::Config& settings, report::Ledger& ledger)
        : job_(std::move(begun)), config_(settings), ledger_(ledger) {}

    [[nodiscard]] const Job& job() const { return job_; }

    // Whom it goes to. False: that is settled, one way or the other.
    Result<bool> address(const Asking& asking, Time now) {
        const auto found = destinations(asking);
        if (!found) {
            return fail(found.error());
        }
        if (job_.tries == 0) {
            job_.first_try = now;
        }
        job_.detail = printable(joined(found->problems, "; "), 1000);
        if (found->temporary && now - job_.first_try < report::kTriesFor) {
            return later(now);
        }
        if (found->open.empty()) {
            job_.detail = job_.detail.empty() ? "nobody wants it" : "not sent: " + job_.detail;
            job_.state = Job::State::Done;
            return kept(false);
        }
        job_.open = found->open;
        job_.state = Job::State::Made;
        job_.tries = 0;
        return kept(true);
    }

    Result<bool> later(Time now) {
        ++job_.tries;
        job_.next_try = report::next_try(job_.tries, now);
        return kept(false);
    }

    void name_it(std::string id, std::string queue_id) {
        job_.id = std::move(id);
        job_.queue_id = std::move(queue_id);
    }

    [[nodiscard]] bool wants_mail() const { return std::ranges::any_of(job_.open, is_mailto); }
    void mailed(const std::string& what) {
        std::erase_if(job_.open, is_mailto);
        add_detail(what);
    }
    void posted(const std::string& url) {
        std::erase(job_.open, url);
        add_detail("to " + url);
    }
    void add_detail(const std::string& what) {
        job_.detail = printable(job_.detail + (job_.detail.empty() ? "" : "; ") + what, 1000);
    }

    // RFC 8460 §5.4: for a day.
    Result<bool> end(Time now) {
        if (!job_.open.empty() && now - job_.first_try < report::kTriesFor) {
            return later(now);
        }
        if (!job_.open.empty()) {
            add_detail("given up after a day: " + joined(job_.open, ", "));
        }
        job_.state = Job::State::Done;
        return kept(true);
    }

    Status keep() { return ledger_.put(job_); }

  private:
    Result<bool> kept(bool value) {
        const Status done = keep();
        return done ? Result<bool>(value) : fail(done.error());
    }

    Result<Destinations> destinations(const Asking& asking) {
        if (job_.slot.kind == Kind::Tls) {
            return tls_destinations(asking, config_.reports, job_.slot.domain);
        }
        const auto day = ledger_.dmarc_day(job_.slot);
        return day ? Result<Destinations>(dmarc_destinations(asking, *day)) : fail(day.error());
    }

    Job job_;
    const config::Config& config_;
    report::Ledger& ledger_;
};

// Signed, and durable in the spool.
Status queue_letter(
    queue::Spool& spool,
    const dkim::SignerHolder& signer,
    const MadeReport& made,
    const std::string& queue_id,
    Time now
) {
    std::string text = made.letter.message;
    const auto fields = signer.get()->sign(text, message::Header::scan(text), now);
    if (fields) {
        text.insert(0, *fields);
    } else {
        log::warning(
            "REPORT_NOT_SIGNED",
            "a report goes without DKIM signature",
            {{"error", fields.error().message}}
        );
    }
    auto envelope =
        queue::notice_envelope(made.to.front(), made.letter.message_id, text.size(), now);
    for (std::size_t i = 1; i < made.to.size(); ++i) {
        queue::Recipient more = envelope.recipients.front();
        more.address = made.to[i];
        envelope.recipients.push_back(std::move(more));
    }
    envelope.queue_id = queue_id;
    envelope.priority = -queue::kPriorityMax;
    envelope.release = now + kInSpool;
    auto promise = std::make_shared<std::promise<Status>>();
    auto queued = promise->get_future();
    spool.append(std::move(envelope), std::move(text), [promise](const Result<std::string>& done) {
        promise->set_value(done ? Status{} : Status(fail(done.error())));
    });
    if (queued.wait_for(kQueueTime) != std::future_status::ready) {
        return fail(Errc::Timeout, "the queue takes no mail now");
    }
    return queued.get();
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
    if (!settings->reports.from.empty() && settings->reports.dmarc) {
        recorder_.note(seen, now());
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

// What was delivered has left the spool, and an event behind.
bool ReportKeeper::is_in_spool(const std::string& queue_id) {
    if (deps_.spool.show(queue_id)) {
        return true;
    }
    event::Query query;
    query.queue_id = queue_id;
    query.limit = 1;
    const auto found = deps_.store.journal().find(query);
    return found && !found->empty();
}

void ReportKeeper::settle() {
    const auto made = deps_.store.reports().jobs(Job::State::Made);
    if (!made) {
        log::warning("REPORTS_NOT_SETTLED", made.error().message);
        return;
    }
    for (const Job& job : *made) {
        Sending sending(job, *in_force(), deps_.store.reports());
        if (sending.wants_mail() && is_in_spool(job.queue_id)) {
            sending.mailed("by mail, found in the queue after a restart");
            const auto ended =
                sending.job().open.empty() ? sending.end(now()) : sending.later(now());
            if (!ended) {
                log::warning("REPORTS_NOT_SETTLED", ended.error().message);
            }
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
            send(job, *settings);
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

void ReportKeeper::send(Job job, const config::Config& config) {
    const Json shown = to_json(job);
    const auto failed = [&](const Error& error) {
        ++counters_.failed;
        log::warning(
            "REPORT_NOT_SENT",
            error.message,
            {{"kind", name(job.slot.kind)}, {"domain", job.slot.domain}}
        );
    };
    Sending sending(job, config, deps_.store.reports());
    if (job.state == Job::State::Waiting) {
        // Named before it is Made: whoever finds it after a crash goes on with the same names.
        if (job.id.empty()) {
            sending.name_it(
                new_report_id(job.slot, submitter_of(config)), deps_.spool.reserve_id()
            );
        }
        const auto addressed = sending.address({deps_.resolver, deps_.executor}, now());
        if (!addressed || !*addressed) {
            if (!addressed) {
                failed(addressed.error());
            }
            return;
        }
    }
    const auto made = make_report(deps_.store.reports(), sending.job(), config, now());
    if (!made) {
        failed(made.error());
        return;
    }
    if (sending.wants_mail()) {
        if (made->to.empty()) {
            sending.mailed("larger than " + joined(made->too_large, ", ") + " takes");
        } else if (is_in_spool(sending.job().queue_id)) {
            sending.mailed("by mail to " + joined(made->to, ", "));
        } else {
            const Status queued =
                queue_letter(deps_.spool, deps_.signer, *made, sending.job().queue_id, now());
            if (!queued) {
                failed(queued.error());
                static_cast<void>(sending.later(now()));
                return;
            }
            sending.mailed("by mail to " + joined(made->to, ", "));
        }
        if (const Status kept = sending.keep(); !kept) {
            failed(kept.error());
            return;
        }
    }
    for (const std::string& url : std::vector<std::string>(sending.job().open)) {
        net::HttpCall call;
        const auto parsed = net::HttpUrl::parse(url);
        if (!parsed) {
            sending.posted(url);
            continue;
        }
        call.url = *parsed;
        call.method = "POST";
        // RFC 8460 §5.4
        call.content_type = "application/tlsrpt+gzip";
        call.body = made->packed;
        call.timeout = kPostTime;
        call.tls = deps_.tls;
        call.public_only = !config.reports.https_private;
        const auto answer = net::wait_for(
            deps_.executor, net::http_call(deps_.resolver, deps_.executor, std::move(call))
        );
        constexpr int kGood = 2;
        if (answer && answer->status / 100 == kGood) {
            sending.posted(url);
            continue;
        }
        failed(
            answer ? Error{Errc::Unavailable, url + " answered " + std::to_string(answer->status)}
                   : answer.error()
        );
    }
    const auto ended = sending.end(now());
    if (!ended) {
        failed(ended.error());
    } else if (*ended) {
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

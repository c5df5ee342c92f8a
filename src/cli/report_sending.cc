#include "cli/report_sending.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/report_making.h"
#include "config/config.h"
#include "event/event.h"
#include "message/header.h"
#include "net/http_client.h"
#include "net/wait.h"
#include "queue/notice.h"
#include "queue/spool.h"
#include "report/ledger.h"
#include "report/schedule.h"
#include "store/store.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using report::Job;

constexpr auto kQueueTime = std::chrono::seconds(20);
constexpr Duration kPostTime = std::chrono::seconds(20);
constexpr Duration kInSpool = std::chrono::seconds(30);
constexpr std::size_t kDetailMax = 1000;

bool is_mailto(const std::string& uri) {
    return to_lower(uri).starts_with("mailto:");
}

std::string joined(const std::vector<std::string>& all, const char* between) {
    std::string out;
    for (const std::string& one : all) {
        out += (out.empty() ? "" : between) + one;
    }
    return out;
}

}  // namespace

Sending::Sending(Job job, std::shared_ptr<const config::Config> config, const ReportMeans& means)
    : job_(std::move(job)), config_(std::move(config)), means_(means) {}

Result<bool> Sending::run() {
    if (job_.state == Job::State::Waiting) {
        // Named before it is Made: whoever finds it after a crash goes on with the same names.
        if (job_.id.empty()) {
            job_.id = new_report_id(job_.slot, submitter_of(*config_));
            job_.queue_id = means_.spool.reserve_id();
        }
        auto addressed = address(now());
        if (!addressed || !*addressed) {
            return addressed;
        }
    }
    const auto made = make_report(means_.store.reports(), job_, *config_, now());
    if (!made) {
        return fail(made.error());
    }
    if (wants_mail()) {
        if (const Status done = mail(*made); !done) {
            return fail(done.error());
        }
    }
    for (const std::string& url : std::vector<std::string>(job_.open)) {
        post(*made, url);
    }
    return end(now());
}

Status Sending::settle() {
    if (!wants_mail() || !is_in_spool()) {
        return {};
    }
    mailed("by mail, found in the queue after a restart");
    const auto done = job_.open.empty() ? end(now()) : later(now());
    return done ? Status{} : fail(done.error());
}

// Whom it goes to. False: that is settled, one way or the other.
Result<bool> Sending::address(Time now) {
    const auto found = destinations();
    if (!found) {
        return fail(found.error());
    }
    if (job_.tries == 0) {
        job_.first_try = now;
    }
    job_.detail = printable(joined(found->problems, "; "), kDetailMax);
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

Result<Destinations> Sending::destinations() {
    const Asking asking{means_.resolver, means_.executor};
    if (job_.slot.kind == report::Kind::Tls) {
        return tls_destinations(asking, config_->reports, job_.slot.domain);
    }
    const auto day = means_.store.reports().dmarc_day(job_.slot);
    return day ? Result<Destinations>(dmarc_destinations(asking, *day)) : fail(day.error());
}

Result<bool> Sending::later(Time now) {
    ++job_.tries;
    job_.next_try = report::next_try(job_.tries, now);
    return kept(false);
}

// RFC 8460 §5.4: for a day.
Result<bool> Sending::end(Time now) {
    if (!job_.open.empty() && now - job_.first_try < report::kTriesFor) {
        return later(now);
    }
    if (!job_.open.empty()) {
        add_detail("given up after a day: " + joined(job_.open, ", "));
    }
    job_.state = Job::State::Done;
    return kept(true);
}

Status Sending::mail(const MadeReport& made) {
    if (made.to.empty()) {
        mailed("larger than " + joined(made.too_large, ", ") + " takes");
    } else {
        if (!is_in_spool()) {
            if (const Status queued = queue(made, now()); !queued) {
                static_cast<void>(later(now()));
                return queued;
            }
        }
        mailed("by mail to " + joined(made.to, ", "));
    }
    return means_.store.reports().put(job_);
}

// A report isn't delivered before its job says Done: a crash in between finds it in the spool.
Status Sending::queue(const MadeReport& made, Time now) {
    return queue_letter(means_, made.letter, made.to, job_.queue_id, kInSpool, now);
}

Status queue_letter(
    const ReportMeans& means,
    const report::Letter& letter,
    const std::vector<std::string>& to,
    const std::string& queue_id,
    Duration wait,
    Time now
) {
    std::string text = letter.message;
    const auto fields = means.signer.get()->sign(text, message::Header::scan(text), now);
    if (fields) {
        text.insert(0, *fields);
    } else {
        log::warning(
            "REPORT_NOT_SIGNED",
            "a report goes without DKIM signature",
            {{"error", fields.error().message}}
        );
    }
    auto envelope = queue::notice_envelope(to.front(), letter.message_id, text.size(), now);
    for (std::size_t i = 1; i < to.size(); ++i) {
        queue::Recipient more = envelope.recipients.front();
        more.address = to[i];
        envelope.recipients.push_back(std::move(more));
    }
    envelope.queue_id = queue_id;
    envelope.priority = -queue::kPriorityMax;
    if (wait > Duration{0}) {
        envelope.release = now + wait;
    }
    auto promise = std::make_shared<std::promise<Status>>();
    auto queued = promise->get_future();
    means.spool
        .append(std::move(envelope), std::move(text), [promise](const Result<std::string>& done) {
            promise->set_value(done ? Status{} : Status(fail(done.error())));
        });
    if (queued.wait_for(kQueueTime) != std::future_status::ready) {
        return fail(Errc::Timeout, "the queue takes no mail now");
    }
    return queued.get();
}

// What was delivered has left the spool, and an event behind.
bool Sending::is_in_spool() {
    if (means_.spool.show(job_.queue_id)) {
        return true;
    }
    event::Query query;
    query.queue_id = job_.queue_id;
    query.limit = 1;
    const auto found = means_.store.journal().find(query);
    return found && !found->empty();
}

void Sending::post(const MadeReport& made, const std::string& url) {
    const auto parsed = net::HttpUrl::parse(url);
    if (!parsed) {
        std::erase(job_.open, url);
        add_detail(url + " is no URL");
        return;
    }
    net::HttpCall call;
    call.url = *parsed;
    call.method = "POST";
    // RFC 8460 §5.4
    call.content_type = "application/tlsrpt+gzip";
    call.body = made.packed;
    call.timeout = kPostTime;
    call.tls = means_.tls;
    call.public_only = !config_->reports.https_private;
    const auto answer = net::wait_for(
        means_.executor, net::http_call(means_.resolver, means_.executor, std::move(call))
    );
    constexpr int kGood = 2;
    if (!answer) {
        troubles_.push_back(answer.error());
    } else if (answer->status / 100 == kGood) {
        std::erase(job_.open, url);
        add_detail("to " + url);
    } else {
        troubles_.push_back({Errc::Unavailable, url + " answered " + std::to_string(answer->status)}
        );
    }
}

void Sending::mailed(const std::string& what) {
    std::erase_if(job_.open, is_mailto);
    add_detail(what);
}

void Sending::add_detail(const std::string& what) {
    job_.detail = printable(job_.detail + (job_.detail.empty() ? "" : "; ") + what, kDetailMax);
}

bool Sending::wants_mail() const {
    return std::ranges::any_of(job_.open, is_mailto);
}

Result<bool> Sending::kept(bool value) {
    const Status done = means_.store.reports().put(job_);
    return done ? Result<bool>(value) : fail(done.error());
}

}  // namespace sekisho::cli

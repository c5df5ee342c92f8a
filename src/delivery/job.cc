// One try of one message: its recipients by domain, side by side; then notification, events and the
// outcome, in this order.
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/dismiss.h"
#include "delivery/engine.h"
#include "delivery/notices.h"
#include "delivery/outcome.h"
#include "delivery/route.h"
#include "dkim/sign.h"
#include "event/event.h"
#include "net/callback.h"
#include "net/task.h"
#include "net/workers.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "smtp/reply.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

// Counts the groups that still run; on one executor, so there is no lock.
struct Latch {
    std::size_t left = 0;
    std::function<void()> all_done;
};

net::Task<void> guarded_group(
    std::shared_ptr<Job> job,
    Group group,
    std::shared_ptr<std::vector<FinishedRecipient>> finished,
    std::shared_ptr<Latch> latch
) {
    GroupResult result;
    try {
        result = co_await try_group(job, group);
    } catch (const std::exception& error) {
        log::error(
            "DELIVERY_FAILED_INSIDE",
            "a try ended with an exception; it is repeated later",
            {{"queue_id", job->entry.envelope.queue_id}, {"error", error.what()}}
        );
        Tried tried;
        tried.local = true;
        tried.reply = smtp::reply(451, "4.3.0", "Internal error");
        result.tried.assign(group.members.size(), tried);
    }
    for (std::size_t i = 0; i < group.members.size(); ++i) {
        FinishedRecipient& to = (*finished)[group.members[i]];
        to.tried = std::move(result.tried[i]);
        classify(to.tried);
        to.final_delivery = result.final_delivery;
    }
    if (--latch->left == 0 && latch->all_done) {
        latch->all_done();
    }
}

net::Task<void> run_groups(
    std::shared_ptr<Job> job, std::shared_ptr<std::vector<FinishedRecipient>> finished
) {
    std::map<std::string, Group> groups;
    const auto& recipients = job->entry.envelope.recipients;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        if (recipients[i].state == queue::RecipientState::Pending) {
            const std::string domain = domain_of(recipients[i].address);
            Group& group = groups[domain];
            group.domain = domain;
            group.members.push_back(i);
        }
    }
    // The latch isn't kept here: it holds this task.
    std::function<void(std::function<void()>)> begin = [job,
                                                        finished,
                                                        groups](std::function<void()> resume) {
        auto latch = std::make_shared<Latch>();
        latch->left = groups.size();
        latch->all_done = std::move(resume);
        for (const auto& [domain, group] : groups) {
            net::spawn(
                job->executor, guarded_group(job, group, finished, latch), "delivery to " + domain
            );
        }
        if (groups.empty()) {
            latch->all_done();
        }
    };
    co_await net::suspend(std::move(begin));
}

std::string detail(const FinishedRecipient& finished, const std::optional<Time>& next_try) {
    std::string text = finished.settled.reply;
    if (!finished.tried.remote.empty()) {
        text += " (" + finished.tried.remote;
        text += finished.tried.from.empty() ? "" : " from " + finished.tried.from;
        text += finished.tried.tls.empty() ? ", no TLS)" : ", " + finished.tried.tls + ")";
    }
    text = printable(text, 1000);
    if (next_try && finished.settled.state == queue::RecipientState::Pending) {
        text += "; next try " + rfc3339(*next_try);
    }
    return text;
}

void tell_watch(const Job& job, const FinishedRecipient& finished, const event::Event& event) {
    RecipientWatch* const watch = job.shop->deps.watch;
    if (watch == nullptr || finished.tried.local) {
        return;
    }
    if (event.kind == event::Kind::Delivered) {
        watch->reached(event.recipient);
    } else if (event.kind == event::Kind::Bounced && finished.tried.meaning.kind.recipient_gone) {
        watch->gone(event);
    }
}

void tell(
    const Job& job, const FinishedRecipient& finished, const std::optional<Time>& next_try, Time at
) {
    const queue::Envelope& envelope = job.entry.envelope;
    AtomicCounters& counters = job.shop->counters;
    event::Event event;
    switch (finished.settled.state) {
        case queue::RecipientState::Delivered:
            event.kind = event::Kind::Delivered;
            ++counters.delivered;
            counters.arrived.count(at - envelope.accepted);
            break;
        case queue::RecipientState::Bounced:
            event.kind = finished.settled.expired ? event::Kind::Expired : event::Kind::Bounced;
            ++(finished.settled.expired ? counters.expired : counters.bounced);
            break;
        default:
            event.kind = event::Kind::Deferred;
            ++counters.deferred;
            break;
    }
    event.at = at;
    event.address = envelope.client;
    event.account = envelope.account;
    event.queue_id = envelope.queue_id;
    event.message_id = envelope.message_id;
    event.sender = envelope.reverse_path;
    event.recipient = finished.recipient.address;
    event.detail = detail(finished, next_try);
    event.rule = finished.tried.meaning.rule;
    log::info(
        "DELIVERY_TRIED",
        event::name(event.kind),
        {{"queue_id", envelope.queue_id},
         {"message_id", envelope.message_id},
         {"recipient", finished.recipient.address},
         {"detail", event.detail}}
    );
    tell_watch(job, finished, event);
    job.shop->deps.journal.append(std::move(event));
}

net::Task<Result<std::string>> append(std::shared_ptr<Job> job, Notice notice) {
    auto kept = std::make_shared<Notice>(std::move(notice));
    std::function<void(std::function<void(Result<std::string>)>)> begin =
        [job, kept](std::function<void(Result<std::string>)> done) {
            job->shop->deps.spool.append(
                std::move(kept->envelope), std::move(kept->message), std::move(done)
            );
        };
    auto appended = co_await net::from_callback<Result<std::string>>(std::move(begin));
    co_return appended;
}

// On a worker, since it computes.
net::Task<Notice> sign(std::shared_ptr<Job> job, Notice notice, Time at) {
    if (job->shop->deps.signer == nullptr) {
        co_return notice;
    }
    auto kept = std::make_shared<Notice>(std::move(notice));
    std::function<Notice()> work = [signer = job->shop->deps.signer->get(), kept, at] {
        return signed_notice(signer.get(), std::move(*kept), at);
    };
    auto done = co_await net::run_on<Notice>(job->shop->deps.workers, std::move(work));
    co_return done;
}

// False: somebody is to be told, and that isn't durable yet.
net::Task<bool> notify(
    std::shared_ptr<Job> job, std::shared_ptr<std::vector<FinishedRecipient>> finished, Time at
) {
    const queue::Envelope& envelope = job->entry.envelope;
    const NoticeOptions& options = job->options->notices;
    // First without the original: most tries lead to no notification, and need no reading.
    if (!make_notice(envelope, *finished, "", options, "probe", at)) {
        co_return true;
    }
    const auto original = co_await load(job);
    if (!original) {
        co_return false;
    }
    constexpr int unique_bits = 60;
    auto notice =
        make_notice(envelope, *finished, **original, options, random_token(unique_bits), at);
    if (!notice) {
        co_return true;
    }
    auto ready = co_await sign(job, std::move(*notice), at);
    const auto appended = co_await append(job, std::move(ready));
    if (!appended) {
        log::warning(
            "DELIVERY_NOTICE_FAILED",
            "a notification could not be stored; the try is repeated",
            {{"queue_id", envelope.queue_id}, {"error", appended.error().message}}
        );
        co_return false;
    }
    ++job->shop->counters.notices;
    log::info(
        "DELIVERY_NOTICE",
        "the sender is notified",
        {{"queue_id", envelope.queue_id}, {"notice", *appended}}
    );
    co_return true;
}

net::Task<void> finish(std::shared_ptr<Job> job, queue::Outcome outcome) {
    const std::string queue_id = job->entry.envelope.queue_id;
    std::function<void(std::function<void(Status)>)> begin =
        [job, outcome = std::move(outcome)](std::function<void(Status)> done) {
            job->shop->deps.spool.finish(job->entry.envelope.queue_id, outcome, std::move(done));
        };
    const Status finished = co_await net::from_callback<Status>(std::move(begin));
    if (!finished) {
        // The spool keeps what it couldn't write, or the message was dropped meanwhile.
        log::warning(
            "DELIVERY_OUTCOME_LATE",
            "the outcome of a try isn't stored yet",
            {{"queue_id", queue_id}, {"error", finished.error().message}}
        );
    }
}

std::uint64_t random_number() {
    std::uint64_t number = 0;
    const std::string bytes = random_bytes(sizeof number);
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

// Marks those of whose delay the sender is told now; whether there are any.
bool mark_late(
    const std::optional<Time>& late,
    const Job& job,
    std::vector<FinishedRecipient>& finished,
    Time at
) {
    bool any = false;
    for (FinishedRecipient& to : finished) {
        if (late && *late <= at && to.settled.state == queue::RecipientState::Pending &&
            !to.tried.put_back) {
            to.late_until = job.entry.expires;
            any = true;
        }
    }
    return any;
}

// RFC 2852 §4.1: what was to be delivered by a time, or returned, isn't tried after it.
bool overdue(const Job& job, Time at) {
    const auto& by = job.entry.envelope.deliver_by;
    return by && by->mode == queue::DeliverBy::Mode::Return && at >= by->deadline;
}

void give_up(std::vector<FinishedRecipient>& finished) {
    for (FinishedRecipient& to : finished) {
        to.tried.local = true;
        to.tried.reply = smtp::reply(451, "4.4.7", "The time that its sender gave it is over");
    }
}

// It is returned for good.
void mark_overdue(const Job& job, std::vector<FinishedRecipient>& finished, Time at) {
    for (FinishedRecipient& to : finished) {
        if (to.settled.expired && overdue(job, at)) {
            to.settled.status = "5.4.7";
        }
    }
}

const DestinationRule* rule_of(const Job& job, const Tried& tried) {
    const auto& all = job.options->destinations;
    const auto found = std::ranges::find(all, tried.destination, &DestinationRule::name);
    return tried.destination.empty() || found == all.end() ? nullptr : &*found;
}

// Until when the recipient is tried: as the message, or less where its destination has a rule.
Time expires(const Job& job, const FinishedRecipient& to) {
    const DestinationRule* const rule = rule_of(job, to.tried);
    return rule == nullptr || rule->expire == Duration{0}
               ? job.entry.expires
               : std::min(job.entry.expires, job.entry.envelope.accepted + rule->expire);
}

// The schedule's, of the destination or of all.
Time planned_try(
    const Job& job, const FinishedRecipient& to, const queue::RetryQuestion& question
) {
    const DestinationRule* const rule = rule_of(job, to.tried);
    queue::RetryQuestion own = question;
    own.expires = expires(job, to);
    if (rule == nullptr || rule->retry.empty()) {
        return queue::next_try(job.options->retry, own);
    }
    queue::RetrySchedule schedule = job.options->retry;
    schedule.waits = rule->retry;
    return queue::next_try(schedule, own);
}

// The schedule's, or sooner or later if that is what the replies mean: the soonest of them.
Time next_try(
    const Job& job,
    const std::vector<FinishedRecipient>& finished,
    const queue::RetryQuestion& question
) {
    const Time planned = queue::next_try(job.options->retry, question);
    std::optional<Duration> wait;
    for (const FinishedRecipient& to : finished) {
        if (to.settled.state == queue::RecipientState::Pending) {
            const Duration own = bounded_wait(
                planned_try(job, to, question) - question.now,
                to.tried.meaning.kind,
                question.attempts,
                question.random
            );
            wait = std::min(wait.value_or(own), own);
        }
    }
    const Time at = question.now + wait.value_or(planned - question.now);
    return question.now < question.expires ? std::min(at, question.expires) : at;
}

queue::Outcome make_outcome(
    const Job& job,
    const std::vector<FinishedRecipient>& finished,
    const std::optional<Time>& late,
    Time at
) {
    queue::Outcome outcome;
    bool pending = false;
    bool put_back = false;
    for (const FinishedRecipient& to : finished) {
        queue::Outcome::PerRecipient one;
        one.address = to.recipient.address;
        one.state = to.settled.state;
        one.reply = to.settled.reply;
        pending = pending || one.state == queue::RecipientState::Pending;
        put_back = put_back || to.tried.put_back;
        outcome.recipients.push_back(std::move(one));
    }
    if (put_back) {
        outcome.next_try = at;  // the first thing after the next start
    } else if (pending) {
        queue::RetryQuestion question;
        question.now = at;
        question.expires = job.entry.expires;
        question.attempts = job.entry.attempts + 1;
        question.random = random_number();
        outcome.next_try = next_try(job, finished, question);
        // The sender wants to know at that time, so it is then that it must be tried.
        if (late && job.entry.envelope.deliver_by && at < *late) {
            outcome.next_try = std::min(*outcome.next_try, *late);
        }
        // Not at once: expired already, but its notification couldn't be stored.
        const Time soonest = at + std::chrono::minutes(1);
        if (*outcome.next_try < soonest && question.expires <= at) {
            outcome.next_try = soonest;
        }
    }
    return outcome;
}

}  // namespace

net::Task<void> run_job(std::shared_ptr<Job> job) {
    const auto& recipients = job->entry.envelope.recipients;
    auto finished = std::make_shared<std::vector<FinishedRecipient>>(recipients.size());
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        (*finished)[i].recipient = recipients[i];
    }
    if (overdue(*job, now())) {
        give_up(*finished);
    } else {
        co_await run_groups(job, finished);
    }
    std::erase_if(*finished, [](const FinishedRecipient& to) {
        return to.recipient.state != queue::RecipientState::Pending;
    });
    const Time at = now();
    for (FinishedRecipient& to : *finished) {
        to.settled = settle(to.tried, at, expires(*job, to));
    }
    const LateOptions late_options{
        .delay = job->options->delay_notice, .expire = job->options->retry.expire
    };
    const std::optional<Time> late = late_at(job->entry, late_options);
    mark_overdue(*job, *finished, at);
    const bool is_late = mark_late(late, *job, *finished, at);
    const bool told = co_await notify(job, finished, at);
    if (!told) {
        // What was delivered is delivered; only those to be returned wait for another time.
        for (FinishedRecipient& to : *finished) {
            if (to.settled.state == queue::RecipientState::Bounced) {
                to.settled.state = queue::RecipientState::Pending;
            }
        }
    }
    queue::Outcome outcome = make_outcome(*job, *finished, late, at);
    outcome.delay_told = job->entry.delay_told || (is_late && told);
    for (const FinishedRecipient& to : *finished) {
        if (!to.tried.put_back) {
            tell(*job, to, outcome.next_try, at);
        }
    }
    job->shop->counters.tries.count(std::chrono::steady_clock::now() - job->begun);
    co_await finish(job, std::move(outcome));
}

}  // namespace sekisho::delivery

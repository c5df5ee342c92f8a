// The machine's delivery: what delivery/deliverer.cc and job.cc do, with the network of the world.
#include "base/result.h"
#include "base/time.h"
#include "delivery/notices.h"
#include "delivery/outcome.h"
#include "delivery/slots.h"
#include "delivery/waiting.h"
#include "net/task.h"
#include "queue/lane.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "sim/ledger.h"
#include "sim/machine.h"
#include "sim/network.h"
#include "sim/world.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::sim {

using queue::RecipientState;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr std::size_t kMessagesMax = 40;
// An ordinary message may wait so long while its destination and our disk work.
constexpr Duration kWaitMax = seconds(45);

net::Task<void> take_place(
    std::shared_ptr<delivery::Slots> slots,
    std::string domain,
    delivery::Claim claim,
    std::function<void(delivery::Slots::Granted)> done
) {
    delivery::Slots::Granted granted = co_await slots->take(std::move(domain), claim);
    done(std::move(granted));
}

delivery::NoticeOptions notice_options() {
    delivery::NoticeOptions options;
    options.hostname = "mail.senders.example";
    options.from = "postmaster@senders.example";
    return options;
}

}  // namespace

struct Machine::Group {
    std::string domain;
    std::vector<std::size_t> members;  // of Job::recipients
};

struct Machine::Job {
    queue::Entry entry;
    std::string body;
    std::vector<delivery::FinishedRecipient> recipients;  // those that were pending
    std::size_t groups = 0;
};

void Machine::pump() {
    while (in_delivery_ < kMessagesMax && !dark_) {
        auto entry = spool_->take_due(clock());
        if (!entry || dark_) {
            break;
        }
        ++in_delivery_;
        begin(std::move(*entry));
    }
    const auto due = spool_->next_due();
    if (!due || in_delivery_ >= kMessagesMax) {
        return;
    }
    const Time at = std::max(*due - skew_, world_.now() + Duration{1});
    if (!pump_at_ || at < *pump_at_) {
        pump_at_ = at;
        later(at - world_.now(), [this, at] {
            if (pump_at_ == at) {
                pump_at_.reset();
                pump();
            }
        });
    }
}

void Machine::begin(queue::Entry entry) {
    world_.note("taken", entry.envelope.message_id);
    ledger_.handed_out(entry);
    auto job = std::make_shared<Job>();
    job->entry = std::move(entry);
    const queue::Envelope& envelope = job->entry.envelope;
    const Result<std::string> bytes = spool_->message(envelope.queue_id);
    if (bytes) {
        ledger_.read(envelope.message_id, *bytes);
        job->body = *bytes;
    }
    std::map<std::string, std::shared_ptr<Group>> groups;
    for (const queue::Recipient& recipient : envelope.recipients) {
        if (recipient.state != RecipientState::Pending) {
            continue;
        }
        const std::string domain = recipient.address.substr(recipient.address.find('@') + 1);
        auto& group = groups[domain];
        if (!group) {
            group = std::make_shared<Group>();
            group->domain = domain;
        }
        group->members.push_back(job->recipients.size());
        job->recipients.emplace_back().recipient = recipient;
    }
    job->groups = groups.size();
    for (const auto& [domain, group] : groups) {
        if (bytes) {
            ask_place(job, group);
        } else {
            refuse(job, group, smtp::reply(451, "4.3.0", bytes.error().message));
        }
    }
}

void Machine::ask_place(const std::shared_ptr<Job>& job, const std::shared_ptr<Group>& group) {
    const queue::Lane lane = queue::lane_of(job->entry.envelope);
    const delivery::Claim claim{.owner = lane.owner, .grade = job->entry.grade};
    net::spawn(
        loop_->get_executor(),
        take_place(
            slots_,
            group->domain,
            claim,
            // An event of its own: what it throws must not end in the coroutine.
            [this, job, group](delivery::Slots::Granted granted) {
                const auto kept = std::make_shared<delivery::Slots::Granted>(std::move(granted));
                later(Duration{0}, [this, job, group, kept] {
                    if (kept->refused) {
                        refuse(job, group, *kept->refused);
                    } else {
                        talk(job, group, std::move(kept->slot));
                    }
                });
            }
        ),
        "simulated delivery"
    );
}

void Machine::refuse(
    const std::shared_ptr<Job>& job, const std::shared_ptr<Group>& group, smtp::Reply reply
) {
    for (const std::size_t member : group->members) {
        job->recipients[member].tried.local = true;
        job->recipients[member].tried.reply = reply;
    }
    group_done(job);
}

// Nobody starves behind a bulk sender, a dead server or a crash.
void Machine::check_wait(const Job& job, const std::string& domain) const {
    Time since{};
    const queue::Envelope& envelope = job.entry.envelope;
    if (!envelope.account.starts_with('a') || envelope.priority < 0 ||
        !network_.calm(domain, since)) {
        return;
    }
    since = std::max({since, calm_since_, job.entry.due - skew_});
    if (world_.now() > since + kWaitMax) {
        throw Broken(
            envelope.message_id + " waits for " + std::to_string((world_.now() - since).count()) +
            " ms though nothing is wrong"
        );
    }
}

void Machine::talk(
    const std::shared_ptr<Job>& job, const std::shared_ptr<Group>& group, delivery::Slots::Slot slot
) {
    check_wait(*job, group->domain);
    std::vector<std::string> names;
    names.reserve(group->members.size());
    for (const std::size_t member : group->members) {
        names.push_back(job->recipients[member].recipient.address);
    }
    const auto plan = std::make_shared<Transaction>(network_.begin(group->domain, names));
    const std::string id = job->entry.envelope.message_id;
    later(plan->takes, [this, plan, names, id] {
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (plan->taken[i]) {
                world_.note("received " + id, names[i]);
                ledger_.received(id, names[i]);
            }
        }
    });
    const auto place = std::make_shared<delivery::Slots::Slot>(std::move(slot));
    later(plan->replies, [this, plan, names, id, job, group, place] {
        for (std::size_t i = 0; i < names.size(); ++i) {
            const delivery::Tried& tried = plan->tried[i];
            if (plan->taken[i] && !tried.reply.positive()) {
                ledger_.reply_lost(id, names[i]);
            }
            job->recipients[group->members[i]].tried = tried;
        }
        const delivery::Tried& first = plan->tried.front();
        if (first.stage == smtp::Stage::Connect) {
            slots_->refuse_waiting(group->domain, first.reply);
        }
        *place = {};
        group_done(job);
    });
}

void Machine::group_done(const std::shared_ptr<Job>& job) {
    if (--job->groups > 0) {
        return;
    }
    for (delivery::FinishedRecipient& to : job->recipients) {
        to.settled = delivery::settle(to.tried, clock(), job->entry.expires);
    }
    notify(job);
}

void Machine::notify(const std::shared_ptr<Job>& job) {
    const std::string unique = "n" + std::to_string(++notices_);
    auto notice = delivery::make_notice(
        job->entry.envelope, job->recipients, job->body, notice_options(), unique, clock()
    );
    if (!notice) {
        finish(job, true);
        return;
    }
    std::set<std::string> failed;
    for (const delivery::FinishedRecipient& to : job->recipients) {
        if (to.settled.state == RecipientState::Bounced) {
            failed.insert(to.recipient.address);
        }
    }
    const std::string id = notice->envelope.message_id;
    ledger_.offer(notice->envelope, notice->message, job->entry.envelope.message_id, failed);
    spool_->append(
        std::move(notice->envelope),
        std::move(notice->message),
        [this, job, id, life = life_](const Result<std::string>& answer) {
            if (life != life_ || dark_) {
                return;
            }
            world_.note(answer ? "notified" : "not notified", id);
            ledger_.answered(id, answer);
            finish(job, answer.has_value());
        }
    );
    want_commit(Duration{1});
}

void Machine::finish(const std::shared_ptr<Job>& job, bool told) {
    const std::string id = job->entry.envelope.message_id;
    queue::Outcome outcome;
    bool pending = false;
    for (const delivery::FinishedRecipient& to : job->recipients) {
        const bool untold = !told && to.settled.state == RecipientState::Bounced;
        const RecipientState state = untold ? RecipientState::Pending : to.settled.state;
        pending = pending || state == RecipientState::Pending;
        outcome.recipients.push_back(
            {.address = to.recipient.address, .state = state, .reply = to.settled.reply}
        );
    }
    if (pending) {
        queue::RetryQuestion question;
        question.now = clock();
        question.expires = job->entry.expires;
        question.attempts = job->entry.attempts + 1;
        question.random = world_.random();
        outcome.next_try = queue::next_try(retry_, question);
        if (question.expires <= clock()) {
            outcome.next_try = std::max(*outcome.next_try, clock() + minutes(1));
        }
    }
    ledger_.finishing(id, outcome);
    spool_->finish(
        job->entry.envelope.queue_id,
        outcome,
        [this, id, life = life_](const Status& status) {
            if (life != life_ || dark_) {
                return;
            }
            world_.note(status ? "finished" : "not yet finished", id);
            ledger_.finished(id, status);
            --in_delivery_;
        }
    );
    want_commit(Duration{1});
}

}  // namespace sekisho::sim

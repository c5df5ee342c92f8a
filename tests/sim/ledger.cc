#include "sim/ledger.h"

#include "base/result.h"
#include "queue/spool.h"
#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::sim {
namespace {

using queue::RecipientState;

[[noreturn]] void broken(const std::string& id, const std::string& what) {
    throw Broken(id + " " + what);
}

}  // namespace

Ledger::Copy& Ledger::copy(const std::string& message_id) {
    const auto found = copies_.find(message_id);
    if (found == copies_.end()) {
        broken(message_id, "is in the spool and was never offered");
    }
    return found->second;
}

void Ledger::offer(
    const queue::Envelope& envelope,
    const std::string& body,
    const std::string& about,
    const std::set<std::string>& failed
) {
    Copy of;
    of.body = body;
    of.reverse_path = envelope.reverse_path;
    of.about = about;
    of.failed = failed;
    for (const queue::Recipient& recipient : envelope.recipients) {
        of.fates[recipient.address];
    }
    if (!copies_.emplace(envelope.message_id, std::move(of)).second) {
        broken(envelope.message_id, "was offered twice");
    }
}

void Ledger::answered(const std::string& message_id, const Result<std::string>& answer) {
    Copy& of = copy(message_id);
    if (of.answer != Answer::None) {
        broken(message_id, "was answered twice");
    }
    of.answer = answer ? Answer::Yes : Answer::No;
    of.answered_in = life_;
    if (answer) {
        of.in_spool = true;
        of.queue_id = *answer;
    }
}

void Ledger::handed_out(const queue::Entry& entry) {
    const std::string& id = entry.envelope.message_id;
    Copy& of = copy(id);
    if (of.answer == Answer::No && of.answered_in == life_) {
        broken(id, "was refused and is delivered all the same");
    }
    if (of.in_delivery) {
        broken(id, "is handed out twice at once");
    }
    if (of.hold == Hold::Yes) {
        broken(id, "is held and handed out");
    }
    for (const queue::Recipient& recipient : entry.envelope.recipients) {
        if (of.fates.at(recipient.address).end != recipient.state) {
            broken(id, "is handed out in an older state");
        }
    }
    of.in_delivery = of.in_spool = true;
    of.queue_id = entry.envelope.queue_id;
}

void Ledger::read(const std::string& message_id, std::string_view bytes) const {
    if (copies_.at(message_id).body != bytes) {
        broken(message_id, "isn't what was accepted");
    }
}

void Ledger::received(const std::string& message_id, const std::string& recipient) {
    Fate& fate = copy(message_id).fates.at(recipient);
    if (fate.durable || fate.end != RecipientState::Pending) {
        broken(message_id, "was finished and is delivered again to " + recipient);
    }
    if (fate.received > fate.excused) {
        broken(message_id, "is delivered twice to " + recipient);
    }
    ++fate.received;
}

void Ledger::reply_lost(const std::string& message_id, const std::string& recipient) {
    Fate& fate = copy(message_id).fates.at(recipient);
    fate.excused = fate.received;
}

void Ledger::finishing(const std::string& message_id, const queue::Outcome& outcome) {
    for (const auto& one : outcome.recipients) {
        copy(message_id).fates.at(one.address).end = one.state;
    }
}

void Ledger::finished(const std::string& message_id, const Status& status) {
    Copy& of = copy(message_id);
    of.in_delivery = false;
    if (status) {
        for (auto& [recipient, fate] : of.fates) {
            fate.durable = fate.end != RecipientState::Pending;
        }
    } else if (status.error().code != Errc::Unavailable && status.error().code != Errc::Full) {
        broken(message_id, "can't be finished: " + status.error().message);
    }
}

void Ledger::ordered(
    const std::string& message_id, queue::Order::Action action, const Status& status
) {
    using Action = queue::Order::Action;
    Copy& of = copy(message_id);
    if (action == Action::Hold || action == Action::Release) {
        const Hold wanted = action == Action::Hold ? Hold::Yes : Hold::No;
        of.hold = status ? wanted : Hold::Unknown;
    }
    if (action != Action::Drop) {
        return;
    }
    of.maybe_dropped = !status;
    for (auto& [recipient, fate] : of.fates) {
        if (status && fate.end == RecipientState::Pending) {
            fate.end = RecipientState::Dropped;
            fate.durable = true;
        }
    }
}

void Ledger::crashed() {
    ++life_;
    for (auto& [id, of] : copies_) {
        of.in_delivery = false;
        for (auto& [recipient, fate] : of.fates) {
            if (!fate.durable) {
                fate.excused = fate.received;
            }
        }
    }
}

// In the spool after a crash.
void Ledger::compare(const std::string& id, Copy& of, const queue::Entry& entry) {
    if (of.gone) {
        broken(id, "had left the spool and is back");
    }
    if (of.hold == Hold::Unknown) {
        of.hold = entry.held ? Hold::Yes : Hold::No;
    }
    if (entry.held != (of.hold == Hold::Yes)) {
        broken(id, entry.held ? "is held by nobody" : "was held and isn't any more");
    }
    for (const queue::Recipient& recipient : entry.envelope.recipients) {
        Fate& fate = of.fates.at(recipient.address);
        if (recipient.state == RecipientState::Pending && !fate.durable) {
            fate.end = RecipientState::Pending;
        } else if (recipient.state != fate.end) {
            broken(id, "was finished for " + recipient.address + " and isn't any more");
        } else {
            fate.durable = fate.end != RecipientState::Pending;
        }
    }
    of.in_spool = true;
    of.queue_id = entry.envelope.queue_id;
    of.maybe_dropped = false;
}

// Not in the spool after a crash.
void Ledger::account_for(const std::string& id, Copy& of) {
    for (auto& [recipient, fate] : of.fates) {
        if (of.maybe_dropped && fate.end == RecipientState::Pending) {
            fate.end = RecipientState::Dropped;
        }
        if (of.in_spool && fate.end == RecipientState::Pending) {
            broken(id, "was accepted and is LOST for " + recipient);
        }
        fate.durable = true;
    }
    of.gone = true;
}

// The message id and what is known of it.
std::string Ledger::whose(const std::string& queue_id) const {
    for (const auto& [id, of] : copies_) {
        if (!queue_id.empty() && of.queue_id == queue_id) {
            return fmt::format(
                "{} ({}, {})",
                id,
                queue_id,
                of.gone       ? "gone"
                : of.in_spool ? "queued"
                              : "unknown"
            );
        }
    }
    return queue_id;
}

void Ledger::reopened(queue::Spool& spool) {
    for (const queue::Damage& damage : spool.damage()) {
        if (damage.kind != queue::Damage::Kind::TornTail) {
            broken(
                fmt::format("{} in segment {}", whose(damage.queue_id), damage.segment),
                "is reported as damaged: " + damage.text
            );
        }
    }
    std::set<std::string> present;
    queue::Filter all;
    all.limit = SIZE_MAX;
    spool.visit(all, [&](const queue::Entry& entry) {
        const std::string& id = entry.envelope.message_id;
        if (!present.insert(id).second) {
            broken(id, "is in the spool twice");
        }
        compare(id, copy(id), entry);
        const auto bytes = spool.message(entry.envelope.queue_id);
        if (!bytes) {
            broken(id, "can't be read: " + bytes.error().message);
        }
        read(id, *bytes);
        return true;
    });
    for (auto& [id, of] : copies_) {
        if (!present.contains(id) && !of.gone) {
            account_for(id, of);
        }
    }
    if (spool.counters().acks_before_durable_total != 0) {
        broken("the spool", "acknowledged before it had synced");
    }
}

// Whether a notification of the failure is on its way, or has ended.
bool Ledger::told(const std::string& id, const std::string& recipient) const {
    return std::ranges::any_of(copies_, [&](const auto& one) {
        const Copy& of = one.second;
        return of.in_spool && of.about == id && of.failed.contains(recipient);
    });
}

void Ledger::conclude(queue::Spool& spool) {
    for (const queue::Entry& entry : spool.list(1)) {
        const auto waits = std::ranges::count(
            entry.envelope.recipients, RecipientState::Pending, &queue::Recipient::state
        );
        broken(
            entry.envelope.message_id,
            fmt::format(
                "is still in the queue when everything has worked for long: {} {}, {} of {} "
                "recipients wait, due {}{}{}",
                queue::name(entry.grade),
                entry.envelope.queue_id,
                waits,
                entry.envelope.recipients.size(),
                rfc3339(entry.due),
                entry.held ? ", held: " + entry.hold_reason : "",
                entry.in_delivery ? ", in delivery" : ""
            )
        );
    }
    for (const auto& [id, of] : copies_) {
        for (const auto& [recipient, fate] : of.fates) {
            if (!of.in_spool) {
                continue;
            }
            if (fate.end == RecipientState::Pending) {
                broken(id, "was accepted and is LOST for " + recipient);
            }
            if (fate.end == RecipientState::Delivered && fate.received == 0) {
                broken(id, "is said to be delivered and nobody got it: " + recipient);
            }
            if (fate.end == RecipientState::Bounced && !of.reverse_path.empty() &&
                !told(id, recipient)) {
                broken(id, "failed for " + recipient + " and its sender wasn't told");
            }
        }
    }
}

Ledger::Totals Ledger::totals() const {
    Totals totals;
    totals.lives = life_;
    for (const auto& [id, of] : copies_) {
        totals.unanswered += of.in_spool && of.answer != Answer::Yes ? 1 : 0;
        for (const auto& [recipient, fate] : of.fates) {
            totals.accepted += of.in_spool ? 1 : 0;
            totals.duplicates += fate.received > 1 ? fate.received - 1 : 0;
            if (!of.in_spool) {
                continue;
            }
            totals.delivered += fate.end == RecipientState::Delivered ? 1 : 0;
            totals.dropped += fate.end == RecipientState::Dropped ? 1 : 0;
            if (fate.end == RecipientState::Bounced) {
                ++(of.reverse_path.empty() ? totals.unreturnable : totals.returned);
            }
        }
    }
    return totals;
}

}  // namespace sekisho::sim

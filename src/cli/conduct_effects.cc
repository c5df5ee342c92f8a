// What a change of conduct does to queued mail, and who is told of it.
#include "account/account.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/conduct_keeper.h"
#include "cli/context.h"
#include "cli/queue_select.h"
#include "conduct/machine.h"
#include "conduct/notice.h"
#include "conduct/warden.h"
#include "event/event.h"
#include "mail/conduct.h"
#include "queue/notice.h"
#include "queue/spool.h"
#include "store/store.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr std::size_t kQueueMax = 1'000'000;
constexpr int kIdBits = 80;
constexpr std::size_t kOwnersMax = 10;  // of a line that are told

using Kind = conduct::Subject::Kind;

}  // namespace

// What of it is queued: of a line what was sent from there.
std::vector<queue::Entry> ConductKeeper::queued(const conduct::Subject& who, bool held) {
    queue::Filter filter;
    if (who.kind == Kind::Account) {
        filter.account = who.id;
    } else {
        event::Journal& journal = deps_.store.journal();
        const auto of_line = journal.flush() ? parse_selector(Json{{"line", who.id}}, journal)
                                             : Result<queue::Filter>{queue::Filter{}};
        if (!of_line || of_line->ids.empty()) {
            return {};
        }
        filter = *of_line;
    }
    filter.held = held;
    filter.limit = kQueueMax;
    return deps_.spool.find(filter);
}

event::Event ConductKeeper::event_of_entry(const queue::Entry& entry, event::Kind kind) {
    event::Event row;
    row.at = now();
    row.kind = kind;
    row.account = entry.envelope.account;
    row.queue_id = entry.envelope.queue_id;
    row.message_id = entry.envelope.message_id;
    row.sender = entry.envelope.reverse_path;
    return row;
}

void ConductKeeper::hold_queue(const conduct::Subject& who, const std::string& reason) {
    const std::string why = mail::held_by_conduct(who, reason);
    for (const queue::Entry& entry : queued(who, false)) {
        if (!deps_.spool.hold(entry.envelope.queue_id, why)) {
            continue;  // it has gone meanwhile
        }
        event::Event row = event_of_entry(entry, event::Kind::Held);
        row.detail = "held: " + why;
        deps_.store.journal().append(std::move(row));
    }
}

void ConductKeeper::release_queue(const conduct::Subject& who) {
    const std::string own = mail::held_by_conduct(who, "");
    for (const queue::Entry& entry : queued(who, true)) {
        // What somebody else holds is none of its business.
        if (!entry.hold_reason.starts_with(own)) {
            continue;
        }
        const std::string& account = entry.envelope.account;
        if (who.kind == Kind::Line && deps_.warden.stage(account) >= conduct::Stage::Hold) {
            const conduct::Subject other{Kind::Account, account};
            const auto record = deps_.warden.find(other, now());
            const std::string why = record ? record->state.reason : std::string{};
            // Its account goes on holding it; an undo of that finds it by the reason.
            if (deps_.spool.release(entry.envelope.queue_id, now() + mail::kUntilHeld)) {
                deps_.spool.hold(entry.envelope.queue_id, mail::held_by_conduct(other, why));
            }
            continue;
        }
        if (!deps_.spool.release(entry.envelope.queue_id, now())) {
            continue;
        }
        event::Event row = event_of_entry(entry, event::Kind::Released);
        row.detail = "released: the " + std::string(who.kind == Kind::Line ? "line" : "account") +
                     " is trusted again";
        deps_.store.journal().append(std::move(row));
    }
}

// A login of another system that is an address, and of which nothing else is known, is where they
// read.
Result<account::Account> ConductKeeper::account_of(const std::string& login) {
    auto found = account_anywhere(deps_.store, config_, deps_.elsewhere, login);
    if (found && found->addresses.empty() && account::check_address(login)) {
        found->addresses.push_back(login);
    }
    return found;
}

// Where its owner reads: for a line, those who belong to it.
std::vector<ConductKeeper::Owner> ConductKeeper::owners(const conduct::Subject& who) {
    std::vector<Owner> out;
    const auto add = [&out](const account::Account& account) {
        if (!account.addresses.empty() && out.size() < kOwnersMax) {
            out.push_back({account.addresses.front(), account.language});
        }
    };
    if (who.kind == Kind::Account) {
        if (const auto account = account_of(who.id)) {
            add(*account);
        }
    } else if (const auto all = deps_.store.accounts().list()) {
        for (const account::Account& account : *all) {
            if (account.line == who.id) {
                add(account);
            }
        }
    }
    return out;
}

void ConductKeeper::tell(const conduct::Happened& what, bool subscriber) {
    const std::vector<Owner> to = subscriber ? owners(what.record.subject)
                                             : std::vector{Owner{config_.conduct.abuse_mail, {}}};
    conduct::NoticeOptions options{
        config_.mail.hostname,
        config_.delivery.dsn_from,
        config_.provider.name,
        config_.provider.name_ja,
        config_.provider.support_mail,
        config_.provider.guide_url,
        {},
    };
    for (const Owner& one : to) {
        if (one.address.empty()) {
            continue;
        }
        const Time at = now();
        const std::string unique = random_token(kIdBits);
        options.language = one.language;
        send(
            one.address,
            subscriber ? conduct::to_subscriber(what, one.address, options, unique, at)
                       : conduct::to_abuse_desk(what, one.address, options, unique, at),
            at
        );
    }
}

void ConductKeeper::send(const std::string& to, conduct::Notice notice, Time at) {
    auto envelope = queue::notice_envelope(to, notice.message_id, notice.message.size(), at);
    deps_.spool.append(
        std::move(envelope),
        std::move(notice.message),
        [to](const Result<std::string>& done) {
            if (!done) {
                log::error(
                    "CONDUCT_NOT_TOLD",
                    "a notice could not be queued",
                    {{"to", to}, {"error", done.error().message}}
                );
            }
        }
    );
}

}  // namespace sekisho::cli

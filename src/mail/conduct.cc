// Conduct: what a session tells of an account, and what the account may do then.
#include "mail/conduct.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "conduct/warden.h"
#include "event/event.h"
#include "limit/countries.h"
#include "line/line.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/task.h"
#include "net/workers.h"
#include "queue/spool.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::mail {
namespace {

using conduct::Stage;
using conduct::Subject;
using Whose = Subject::Kind;

}  // namespace

std::string held_by_conduct(const Subject& whose, std::string_view reason) {
    return (whose.kind == Whose::Line ? "conduct of line " + whose.id + ": " : "conduct: ") +
           std::string(reason);
}

std::optional<smtp::Reply> refuse_login_by(const InForce& in_force, std::string_view support) {
    const bool of_line = in_force.whose.kind == Whose::Line;
    if (in_force.stage == Stage::Suspended) {
        return smtp::reply(
            525,
            "5.7.13",
            fmt::format(
                "Sending from this {} is suspended; ask {}", of_line ? "line" : "account", support
            )
        );
    }
    if (in_force.stage == Stage::Password) {
        return smtp::reply(
            534,
            "5.7.9",
            fmt::format("The password of this account must be changed first; ask {}", support)
        );
    }
    return std::nullopt;
}

std::optional<smtp::Reply> refuse_mail_by(const InForce& in_force, std::string_view support) {
    auto reply = refuse_login_by(in_force, support);
    if (reply) {
        reply->code = 550;
    }
    return reply;
}

// The line that the client is on, if it is one of ours.
std::string Session::line_here() const {
    return line_ && line_->certainty == line::Certainty::Subscriber ? line_->line : std::string{};
}

InForce Session::conduct_of(const std::string& login) const {
    if (shared_->warden == nullptr) {
        return {};
    }
    const std::string line = line_here();
    const Stage of_account = shared_->warden->stage(login);
    const Stage of_line = line.empty() ? Stage::Normal : shared_->warden->stage_of_line(line);
    return of_line > of_account ? InForce{{Whose::Line, line}, of_line}
                                : InForce{{Whose::Account, login}, of_account};
}

InForce Session::conduct_here() const {
    return conduct_of(smtp_.login());
}

conduct::Seen Session::seen_here(conduct::Seen::What what) const {
    const auto& config = settings_->config.conduct;
    const auto width = peer_.is_v4() ? config.network_v4 : config.network_v6;
    conduct::Seen out;
    out.what = what;
    // Who comes through a relay has another address, and another country, with each connection.
    if (!settings_->relays.contains(peer_)) {
        out.network = Prefix(peer_, static_cast<int>(width)).text();
    }
    out.country = settings_->country_of(peer_);
    if (line_) {
        out.from = line_here();
    }
    return out;
}

void Session::tell_warden(
    const std::string& account, const std::string& line, const conduct::Seen& seen
) {
    if (shared_->warden != nullptr && settings_->config.conduct.mode != "off") {
        shared_->warden->seen(account, line, seen, now());
    }
}

// Each recipient, before the message is queued: the one that is too much is held itself.
void Session::tell_recipients(queue::Envelope& envelope) {
    if (!account_) {
        return;
    }
    for (const queue::Recipient& one : envelope.recipients) {
        conduct::Seen seen = seen_here(conduct::Seen::What::Recipient);
        seen.stranger = !shared_->acquaintances.knows(envelope.account, one.address, now());
        tell_warden(account_->login, account_->line, seen);
        shared_->acquaintances.met(envelope.account, one.address, now());
    }
    if (conduct_here().stage >= Stage::Hold) {
        envelope.not_before = now() + kUntilHeld;
    }
}

net::Task<void> Session::hold_by_conduct(std::string queue_id) {
    const InForce in_force = conduct_here();
    if (!account_ || in_force.stage < Stage::Hold) {
        co_return;
    }
    const auto record = shared_->warden->find(in_force.whose, now());
    const std::string why = record ? record->state.reason : std::string{};
    std::string reason = held_by_conduct(in_force.whose, why);
    co_await hold(std::move(queue_id), std::move(reason));
}

// What was made durable a moment ago, before the client learns of it.
net::Task<void> Session::hold(std::string queue_id, std::string reason) {
    std::function<Status()> work = [shared = shared_, queue_id, reason] {
        return shared->spool.hold(queue_id, reason);
    };
    const Status held = co_await net::run_on<Status>(shared_->workers, std::move(work));
    if (!held) {
        log::error(
            "MAIL_NOT_HELD",
            "a message that is to be held could not be",
            {{"queue_id", queue_id}, {"error", held.error().message}}
        );
        co_return;
    }
    event::Event row = event(event::Kind::Held);
    row.queue_id = queue_id;
    row.detail = "held: " + reason;
    shared_->journal.append(std::move(row));
}

}  // namespace sekisho::mail

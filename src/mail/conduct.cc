// Conduct: what a session tells of an account, and what the account may do then.
#include "mail/conduct.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "event/event.h"
#include "limit/countries.h"
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

}  // namespace

std::string held_by_conduct(std::string_view reason) {
    return std::string(kConductHold) + std::string(reason);
}

std::optional<smtp::Reply> refuse_login_by(Stage stage, std::string_view support) {
    if (stage == Stage::Suspended) {
        return smtp::reply(
            525, "5.7.13", fmt::format("Sending from this account is suspended; ask {}", support)
        );
    }
    if (stage == Stage::Password) {
        return smtp::reply(
            534,
            "5.7.9",
            fmt::format("The password of this account must be changed first; ask {}", support)
        );
    }
    return std::nullopt;
}

std::optional<smtp::Reply> refuse_mail_by(Stage stage, std::string_view support) {
    auto reply = refuse_login_by(stage, support);
    if (reply) {
        reply->code = 550;
    }
    return reply;
}

Stage Session::conduct_stage() const {
    return shared_->warden == nullptr ? Stage::Normal : shared_->warden->stage(smtp_.login());
}

conduct::Seen Session::seen_here(conduct::Seen::What what) const {
    const auto& config = settings_->config.conduct;
    const auto width = peer_.is_v4() ? config.network_v4 : config.network_v6;
    conduct::Seen out;
    out.what = what;
    out.network = Prefix(peer_, static_cast<int>(width)).text();
    out.country = settings_->countries ? settings_->countries->of(peer_) : "";
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
    if (conduct_stage() >= Stage::Hold) {
        const Time until = now() + kUntilHeld;
        envelope.release = std::max(envelope.release.value_or(until), until);
    }
}

net::Task<void> Session::hold_by_conduct(std::string queue_id) {
    if (!account_ || conduct_stage() < Stage::Hold) {
        co_return;
    }
    const auto record = shared_->warden->find(account_->login, now());
    const std::string why = record ? record->state.reason : std::string{};
    std::string reason = held_by_conduct(why);
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

// MAIL and RCPT: who may send as whom, to whom, from where, how many.
#include "account/account.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "limit/spec.h"
#include "line/line.h"
#include "mail/authenticity.h"
#include "mail/conduct.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/task.h"
#include "net/workers.h"
#include "queue/suppression.h"
#include "smtp/address.h"
#include "smtp/guidance.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr std::size_t kSuppressionShown = 300;

smtp::Reply store_away() {
    return smtp::reply(450, "4.3.0", "Accounts can't be looked up now, try again later");
}

}  // namespace

net::Task<void> Session::check_mail() {
    give_back();
    forget_filtering();
    destinations_.clear();
    sender_takes_no_mail_.reset();
    dns_slow_ = false;
    if (kind_ == Kind::Exchange) {
        findings_.spf_query.reset();  // of an earlier sender
        findings_.spf.reset();
        co_await begin_message();
        co_return;
    }
    const bool known = co_await refresh_account();
    if (!known) {
        co_return;
    }
    if (auto refusal = refuse_sender(*account_, smtp_.transaction().sender)) {
        answer(std::move(*refusal), {}, account_->enabled ? "sender" : "disabled");
        co_return;
    }
    if (auto refusal = refuse_mail_by(conduct_here(), settings_->config.provider.support_mail)) {
        answer(std::move(*refusal), {}, "conduct");
        co_return;
    }
    if (account_->stays_home) {
        co_await find_line();
        if (facts({}).where == limit::Where::Abroad) {
            answer(abroad_reply(settings_->config.provider.guide_url), {}, "abroad");
            co_return;
        }
    }
    co_await begin_message();
}

// The account as it is now, or was a moment ago: it may have been disabled since the login. One of
// a source's stays as the source had it at the login; sessions are short. False: MAIL has been
// answered.
net::Task<bool> Session::refresh_account() {
    const auto at = std::chrono::steady_clock::now();
    if (account_ && at - account_at_ < shared_->account_fresh) {
        co_return true;
    }
    const std::string login = account_ ? account_->login : smtp_.login();
    std::optional<account::Account> elsewhere;
    if (elsewhere_) {
        elsewhere = account_;
    }
    std::function<Result<account::Account>()> work = [shared = shared_, login, elsewhere] {
        return elsewhere ? Result<account::Account>(with_send_as(*shared, *elsewhere))
                         : find_account(*shared, login);
    };
    auto found = co_await net::run_on(shared_->workers, std::move(work));
    if (found) {
        account_ = std::move(*found);
        account_at_ = at;
        co_return true;
    }
    if (found.error().code == Errc::NotFound) {
        answer(smtp::reply(550, "5.7.13", "This account does not exist any more"));
    } else {
        log::error("MAIL_ACCOUNTS_AWAY", found.error().message, {{"account", login}});
        answer(store_away());
    }
    co_return false;
}

net::Task<void> Session::begin_message() {
    co_await find_line_early();
    if (auto refusal = take_message_of(limit::Counts::Messages, 1)) {
        answer(std::move(*refusal), {}, limited_by_);
        co_return;
    }
    answer(smtp::reply(250, "2.1.0", "Ok"));
}

// What the exchange finds against the client and its sender. True: answered.
net::Task<bool> Session::refuse_on_exchange(std::string recipient, bool ours) {
    const bool refused = co_await refuse_misplaced(recipient);
    if (refused) {
        co_return true;
    }
    co_await gather_evidence();
    if (refuse_client(recipient)) {
        co_return true;
    }
    if (!ours) {
        answer(smtp::reply(550, "5.7.1", "Relaying denied"), recipient, "relay");
        co_return true;
    }
    if (auto refusal = refuse_spf(findings_, settings_->config.mail)) {
        answer(std::move(*refusal), recipient, "spf");
        co_return true;
    }
    auto null_mx = co_await refuse_null_mx_sender();
    if (null_mx) {
        answer(std::move(*null_mx), recipient, "null-mx");
        co_return true;
    }
    co_return false;
}

// What submission knows of a recipient elsewhere. True: answered.
net::Task<bool> Session::refuse_outside(std::string recipient, std::string domain) {
    auto listed = co_await suppressed(recipient);
    if (listed) {
        answer(std::move(*listed), recipient, "suppression");
        co_return true;
    }
    auto null_mx = co_await refuse_null_mx(recipient, domain);
    if (null_mx) {
        answer(std::move(*null_mx), recipient, "null-mx");
        co_return true;
    }
    co_return false;
}

net::Task<void> Session::check_rcpt(Smtp::CheckRcpt question) {
    smtp::Address to = question.recipient.address;
    if (to.domain.empty()) {
        to.domain = settings_->config.mail.domains.front();  // RFC 5321 §4.5.1
    }
    const std::string recipient = to.text();
    const bool ours = settings_->ours(to.domain);
    if (kind_ == Kind::Exchange) {
        const bool refused = co_await refuse_on_exchange(recipient, ours);
        if (refused) {
            co_return;
        }
    }
    if (auto refusal = too_many_refused(recipient)) {
        answer(std::move(*refusal), recipient, limited_by_);
        co_return;
    }
    if (ours) {
        const auto returned = take_returned(to);
        if (returned && !returned->positive()) {
            answer(*returned, recipient, "srs");
            co_return;
        }
        const auto found = co_await find_destinations(recipient);
        if (!found) {
            refuse_destination(found.error(), recipient);
            co_return;
        }
    }
    if (kind_ != Kind::Exchange && !ours) {
        const bool refused = co_await refuse_outside(recipient, to.domain);
        if (refused) {
            co_return;
        }
    }
    if (kind_ == Kind::Exchange) {
        auto refusal = co_await greylisted(to.domain);
        if (refusal) {
            answer(std::move(*refusal), recipient, "greylist");
            co_return;
        }
    }
    const std::size_t taken = taken_.size();
    if (auto refusal = take_recipient(recipient)) {
        answer(std::move(*refusal), recipient, limited_by_);
        co_return;
    }
    question.recipient.address = to;
    auto filtered = co_await filter_recipient(std::move(question));
    if (filtered) {
        give_back(taken);
        answer(std::move(*filtered), recipient, filter_);
        co_return;
    }
    ++brought_.recipients;
    answer(smtp::reply(250, "2.1.5", "Ok"));
}

// Where mail only comes back from. What a system sends by itself (the null reverse-path) goes in
// any case, and a list that can't be read stops nobody.
net::Task<std::optional<smtp::Reply>> Session::suppressed(std::string recipient) {
    if (shared_->suppression == nullptr || !smtp_.transaction().sender) {
        co_return std::nullopt;
    }
    if (shared_->suppression->known_empty()) {
        co_return std::nullopt;
    }
    using Found = Result<std::optional<queue::Suppressed>>;
    std::function<Found()> work = [shared = shared_, recipient] {
        return shared->suppression->find(recipient, now());
    };
    const auto found = co_await net::run_on<Found>(shared_->workers, std::move(work));
    if (!found) {
        log::error("MAIL_SUPPRESSION_AWAY", found.error().message);
        co_return std::nullopt;
    }
    if (!*found) {
        co_return std::nullopt;
    }
    const queue::Suppressed& one = **found;
    std::string text = fmt::format("<{}>: not sent", recipient);
    text += one.until ? " until " + rfc3339(*one.until) : "";
    if (one.who.empty()) {
        text += fmt::format(", since mail for it came back {} times", one.bounces);
    }
    text += one.why.empty() ? "" : ": " + printable(one.why, kSuppressionShown);
    co_return smtp::reply(550, "5.1.1", text);
}

net::Task<void> Session::find_line() {
    if (line_) {
        co_return;
    }
    std::function<line::Answer()> work =
        [shared = shared_, peer = peer_, port = stream_->peer().port] {
            const Time at = now();
            const auto holders = shared->lines.holders(peer, at, port);
            return holders ? line::resolve(*holders, peer, at, port) : line::Answer{};
        };
    line_ = co_await net::run_on(shared_->workers, std::move(work));
}

// A mail program, or a machine that should use one, on port 25: told what to do, with a number that
// the support desk finds it by.
net::Task<bool> Session::refuse_misplaced(std::string recipient) {
    co_await find_line();
    auto why = misplaced(*settings_->policy, peer_, stream_->local().address, *line_);
    if (!why) {
        co_return false;
    }
    if (reference_.empty()) {
        reference_ = random_token(smtp::kReferenceBits);
    }
    ++shared_->counters.misplaced_clients;
    log::info("MAIL_MISPLACED", why->reason, {{"peer", peer_.text()}, {"reference", reference_}});
    answer(
        misplaced_reply(*settings_, reference_),
        std::move(recipient),
        std::move(why->rule),
        reference_
    );
    co_return true;
}

}  // namespace sekisho::mail

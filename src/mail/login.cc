// AUTH: account's SASL machine, given accounts and hashes by the workers; failed logins limited by
// address and by account.
#include "account/account.h"
#include "account/digest.h"
#include "account/password.h"
#include "account/sasl.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "limit/limiter.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/server.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/reply.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sekisho::mail {
namespace {

constexpr int kNonceBits = 144;

smtp::Reply unavailable() {
    // RFC 4954 §6
    return smtp::reply(454, "4.7.0", "Temporary authentication failure, try again later");
}

smtp::Reply refusal_of(account::SaslRefusal why) {
    switch (why) {
        case account::SaslRefusal::Disabled:
            // Only who knows the password learns of it (sasl.h).
            return smtp::reply(525, "5.7.13", "This account is disabled; ask the support");
        case account::SaslRefusal::Malformed:
            return smtp::reply(501, "5.5.2", "The authentication exchange is malformed");
        case account::SaslRefusal::UnknownUser:
        case account::SaslRefusal::WrongPassword:
            break;
    }
    return smtp::reply(535, "5.7.8", "Authentication credentials invalid");
}

}  // namespace

net::Task<void> Session::authenticate(std::string mechanism, std::optional<std::string> initial) {
    candidate_.reset();
    tried_.clear();
    mechanism_ = mechanism;
    const std::array<limit::Want, 1> want{{{kLoginFailuresOfAddress, peer_key_, 1}}};
    if (const auto free = shared_->limiter->check(want, now()); !free) {
        refuse_login({}, login_limit_reply(free.error()), "limit");
        co_return;
    }
    const auto known = account::parse_mechanism(mechanism);
    if (!known) {
        refuse_login({}, unavailable(), "mechanism");
        co_return;
    }
    sasl_ = account::SaslServer::make(*known, shared_->sasl, random_token(kNonceBits));
    std::optional<std::string_view> response;
    if (initial) {
        response = *initial;
    }
    account::SaslStep step = sasl_->start(response);
    co_await proceed(std::move(step));
    if (initial) {
        account::wipe(*initial);
    }
}

// Runs the machine until it waits for the client or has ended.
net::Task<void> Session::proceed(account::SaslStep step) {
    while (true) {
        if (auto* challenge = std::get_if<account::SaslChallenge>(&step)) {
            smtp_.auth_challenge(challenge->bytes);
            co_return;
        }
        if (auto* need = std::get_if<account::SaslNeedAccount>(&step)) {
            const bool looked_up = co_await find_candidate(need->login);
            if (!looked_up) {
                co_return;
            }
            step = sasl_->give_account(candidate_);
        } else if (auto* check = std::get_if<account::SaslNeedVerify>(&step)) {
            const bool right = co_await verify(std::move(*check));
            step = sasl_->give_verified(right);
        } else if (auto* success = std::get_if<account::SaslSuccess>(&step)) {
            login_succeeded(success->login);
            co_return;
        } else {
            account::SaslFailure failure = std::get<account::SaslFailure>(std::move(step));
            co_await login_failed(std::move(failure));
            co_return;
        }
    }
}

// False: the login has been answered (over its limit, or the store is away).
net::Task<bool> Session::find_candidate(std::string login) {
    const std::array<limit::Want, 1> want{{{kLoginFailuresOfAccount, login, 1}}};
    if (const auto free = shared_->limiter->check(want, now()); !free) {
        refuse_login(login, login_limit_reply(free.error()), "limit");
        co_return false;
    }
    std::function<Result<account::Account>()> work = [shared = shared_, login] {
        return shared->accounts.find(login);
    };
    auto found = co_await net::run_on(shared_->workers, std::move(work));
    if (!found && found.error().code != Errc::NotFound) {
        log::error("MAIL_ACCOUNTS_AWAY", found.error().message, {{"account", login}});
        refuse_login(login, unavailable(), "store");
        co_return false;
    }
    candidate_.reset();
    if (found) {
        candidate_ = std::move(*found);
    }
    co_return true;
}

net::Task<bool> Session::verify(account::SaslNeedVerify need) {
    tried_ = sha256(need.login + '\0' + need.password);
    if (shared_->credentials.holds(need.login, need.argon2id, need.password, now())) {
        account::wipe(need.password);
        co_return true;
    }
    std::function<bool()> work = [shared = shared_, need]() mutable {
        const bool right = account::verify_password(need.argon2id, need.password);
        if (right) {
            shared->credentials.remember(need.login, need.argon2id, need.password, now());
        }
        account::wipe(need.password);
        return right;
    };
    account::wipe(need.password);
    const bool right = co_await net::run_on(shared_->workers, std::move(work));
    co_return right;
}

void Session::login_succeeded(const std::string& login) {
    sasl_.reset();
    account_ = std::move(candidate_);
    candidate_.reset();
    ++shared_->counters.logins_accepted;
    event::Event accepted = event(event::Kind::LoginAccepted);
    accepted.account = login;
    accepted.detail = mechanism_;
    log::info(
        "MAIL_LOGIN",
        "login accepted",
        {{"account", login}, {"peer", peer_.text()}, {"mechanism", mechanism_}}
    );
    shared_->journal.append(std::move(accepted));
    smtp_.auth_accepted(login);
}

net::Task<void> Session::login_failed(account::SaslFailure failure) {
    const bool guess = failure.why == account::SaslRefusal::UnknownUser ||
                       failure.why == account::SaslRefusal::WrongPassword;
    // Thunderbird tries one wrong password twice, by PLAIN and by LOGIN: that is one failure.
    const bool repeated = !tried_.empty() && tried_ == last_failed_;
    if (guess && !repeated) {
        const std::array<limit::Want, 1> address{{{kLoginFailuresOfAddress, peer_key_, 1}}};
        const std::array<limit::Want, 1> account{{{kLoginFailuresOfAccount, failure.login, 1}}};
        static_cast<void>(shared_->limiter->take(address, now()));
        static_cast<void>(shared_->limiter->take(account, now()));
    }
    last_failed_ = tried_;
    if (guess && shared_->login_failure_wait.count() > 0) {
        co_await net::sleep_for(stream_->executor(), shared_->login_failure_wait);
    }
    std::string why(account::name(failure.why));
    if (!failure.detail.empty()) {
        why += ": " + failure.detail;
    }
    refuse_login(failure.login, refusal_of(failure.why), std::move(why));
}

void Session::refuse_login(std::string login, smtp::Reply reply, std::string why) {
    sasl_.reset();
    candidate_.reset();
    ++shared_->counters.logins_refused;
    shared_->counters.refuse(reply.code);
    event::Event refused = event(event::Kind::LoginRefused);
    refused.account = std::move(login);
    refused.detail = mechanism_ + " " + why + ": " + reply.text();
    log::info(
        "MAIL_LOGIN_REFUSED",
        refused.detail,
        {{"account", refused.account}, {"peer", refused.address}}
    );
    shared_->journal.append(std::move(refused));
    smtp_.auth_refused(std::move(reply));
    static_cast<void>(smtp_.take_refusals());  // recorded here
}

}  // namespace sekisho::mail

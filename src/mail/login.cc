// AUTH: account's SASL machine, given accounts and hashes by the workers; failed logins limited by
// conduct::LoginGuard.
#include "account/account.h"
#include "account/app_password.h"
#include "account/digest.h"
#include "account/password.h"
#include "account/sasl.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "conduct/login_guard.h"
#include "conduct/login_memory.h"
#include "conduct/machine.h"
#include "event/event.h"
#include "limit/spec.h"
#include "mail/conduct.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "mail/tokens.h"
#include "net/server.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/reply.h"
#include "source/source.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sekisho::mail {
namespace {

constexpr int kNonceBits = 144;
// Stands for the hash of an account that is a source's; no hash looks so.
const std::string kElsewhere = "{elsewhere}";
constexpr Duration kUseNoted = std::chrono::minutes(5);

// The same password in our own forms, kept unless it was changed meanwhile; the hash that is in
// force then. A failure is no reason to refuse the login: the next one tries again.
std::string renew(Shared& shared, const account::Account& account, const std::string& password) {
    auto made = account::renew_credential(password, {}, account::scram_setting_of(account));
    if (!made) {
        log::warning("MAIL_HASH_KEPT", made.error().message, {{"account", account.login}});
        return account.credential.hash;
    }
    const Status kept =
        shared.accounts.replace_credential(account.login, account.credential.hash, *made);
    if (!kept) {
        log::warning("MAIL_HASH_KEPT", kept.error().message, {{"account", account.login}});
        return account.credential.hash;
    }
    log::info(
        "MAIL_HASH_RENEWED",
        "an imported or outdated password hash was made anew",
        {{"account", account.login}}
    );
    event::Event changed;
    changed.at = now();
    changed.kind = event::Kind::AccountChanged;
    changed.account = account.login;
    changed.detail = "password hash made anew at a login";
    shared.journal.append(std::move(changed));
    return made->hash;
}

}  // namespace

net::Task<void> Session::authenticate(std::string mechanism, std::optional<std::string> initial) {
    candidate_.reset();
    elsewhere_ = false;
    guess_.clear();
    mechanism_ = mechanism;
    asked_ = std::chrono::steady_clock::now();
    const auto known = account::parse_mechanism(mechanism);
    if (!known) {
        refuse_login({}, login_unavailable(), "mechanism");
        co_return;
    }
    account::ChannelBindings bindings;
    for (const char* name : {"tls-exporter", "tls-server-end-point"}) {
        if (auto bytes = stream_->channel_binding(name)) {
            bindings.emplace(name, std::move(*bytes));
        }
    }
    sasl_ = account::SaslServer::make(
        *known, shared_->sasl, random_token(kNonceBits), std::move(bindings), identities_
    );
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

net::Task<void> Session::continue_login(std::string response) {
    asked_ = std::chrono::steady_clock::now();
    account::SaslStep step = sasl_->step(response);
    account::wipe(response);
    co_await proceed(std::move(step));
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
            const std::optional<bool> right = co_await verify(std::move(*check));
            if (!right) {
                co_return;
            }
            step = sasl_->give_verified(*right);
        } else if (auto* bearer = std::get_if<account::SaslNeedToken>(&step)) {
            const auto verdict = co_await judge_token(std::move(*bearer));
            if (!verdict) {
                co_return;
            }
            step = sasl_->give_token(*verdict);
        } else if (auto* success = std::get_if<account::SaslSuccess>(&step)) {
            const bool refused = co_await refuse_from_abroad(success->login);
            if (!refused) {
                login_succeeded(*success);
            }
            co_return;
        } else {
            account::SaslFailure failure = std::get<account::SaslFailure>(std::move(step));
            co_await login_failed(std::move(failure));
            co_return;
        }
    }
}

// Whether a login may be tried now. False: over its limit, which has been answered.
bool Session::may_try(const std::string& login) {
    if (const auto free = shared_->guard.check(login, peer_, now()); !free) {
        refuse_login(login, login_limit_reply(free.error()), "limit");
        return false;
    }
    limit::Facts who = facts({});
    who.account = login;
    const auto takings = limit::takings(settings_->limits, limit::Counts::FailedLogins, who, 1);
    const auto wants = limit::wants(takings);
    if (const auto free = shared_->limiter->check(wants, now()); !free) {
        refuse_login(login, login_limit_reply(free.error()), "limit");
        return false;
    }
    return true;
}

// False: the login has been answered (over its limit, or the store is away).
net::Task<bool> Session::find_candidate(std::string login) {
    if (!may_try(login)) {
        co_return false;
    }
    std::function<Result<account::Account>()> work = [shared = shared_, login] {
        return find_account(*shared, login);
    };
    auto found = co_await net::run_on(shared_->workers, std::move(work));
    if (!found && found.error().code != Errc::NotFound) {
        log::error("MAIL_ACCOUNTS_AWAY", found.error().message, {{"account", login}});
        refuse_login(login, login_unavailable(), "store");
        co_return false;
    }
    candidate_.reset();
    if (found) {
        candidate_ = std::move(*found);
        for (account::AppPassword& one : candidate_->app_passwords) {
            one.unusable = account::why_unusable(one, peer_, now());
        }
    }
    if (!candidate_) {
        const bool known = co_await admit_elsewhere(login);
        co_return known;
    }
    co_return true;
}

// Who has no account here may have one elsewhere. Whoever sends a password: then its source says so
// when it is asked about that. Whom a token or a certificate names is looked for by address; SCRAM
// can't be had of other systems. False: the login has been answered.
net::Task<bool> Session::admit_elsewhere(std::string login) {
    const auto mechanism = account::parse_mechanism(mechanism_);
    if (shared_->sources == nullptr || shared_->sources->empty() || !mechanism) {
        co_return true;
    }
    if (*mechanism == account::Mechanism::Plain || *mechanism == account::Mechanism::Login) {
        elsewhere_ = true;
        candidate_.emplace();
        candidate_->login = login;
        candidate_->credential.hash = kElsewhere;
        co_return true;
    }
    const bool named = *mechanism == account::Mechanism::OAuthBearer ||
                       *mechanism == account::Mechanism::XOAuth2 ||
                       *mechanism == account::Mechanism::External;
    if (!named || !shared_->sources->finds()) {
        co_return true;
    }
    auto found = co_await source::Sources::find(shared_->sources, stream_->executor(), login);
    if (found) {
        elsewhere_ = true;
        candidate_ = std::move(*found);
    } else if (found.error().code != Errc::NotFound) {
        refuse_login(login, login_unavailable(), "source: " + found.error().message);
        co_return false;
    }
    co_return true;
}

net::Task<std::optional<bool>> Session::verify_elsewhere(account::SaslNeedVerify need) {
    const bool fresh = shared_->credentials.holds(need.login, kElsewhere, need.password, now());
    if (auto known = shared_->sources->known(need.login, now()); fresh && known) {
        account::wipe(need.password);
        candidate_ = std::move(*known);
        co_return true;
    }
    auto answer = co_await source::Sources::log_in(
        shared_->sources, stream_->executor(), need.login, need.password
    );
    if (answer) {
        shared_->credentials.remember(need.login, kElsewhere, need.password, now());
        candidate_ = std::move(*answer);
    }
    account::wipe(need.password);
    if (answer) {
        co_return true;
    }
    const Errc why = answer.error().code;
    if (why == Errc::NotFound || why == Errc::Denied) {
        co_return false;
    }
    refuse_login(need.login, login_unavailable(), "source: " + answer.error().message);
    co_return std::nullopt;
}

net::Task<std::optional<bool>> Session::verify(account::SaslNeedVerify need) {
    guess_ = shared_->guard.guess(need.login, need.password);
    if (elsewhere_) {
        const auto right = co_await verify_elsewhere(std::move(need));
        co_return right;
    }
    if (shared_->credentials.holds(need.login, need.hash, need.password, now())) {
        account::wipe(need.password);
        co_return true;
    }
    // Its owner has typed it: the moment to leave what another system made of it.
    std::optional<account::Account> renewed;
    if (candidate_ && candidate_->credential.hash == need.hash &&
        account::is_outdated(candidate_->credential, {})) {
        renewed = candidate_;
    }
    std::function<bool()> work = [shared = shared_, need, renewed]() mutable {
        const bool right = account::verify_password(need.hash, need.password);
        if (right && renewed) {
            need.hash = renew(*shared, *renewed, need.password);
        }
        if (right) {
            shared->credentials.remember(need.login, need.hash, need.password, now());
        }
        account::wipe(need.password);
        return right;
    };
    account::wipe(need.password);
    const bool right = co_await net::run_on(shared_->hashers, std::move(work));
    co_return right;
}

// nullopt: the login has been answered.
net::Task<std::optional<account::SaslTokenVerdict>> Session::judge_token(account::SaslNeedToken need
) {
    guess_ = shared_->guard.guess(need.login, need.token);
    if (!may_try(need.login)) {
        co_return std::nullopt;
    }
    if (!shared_->tokens) {
        refuse_login(need.login, login_unavailable(), "tokens");
        co_return std::nullopt;
    }
    const auto verdict =
        co_await Tokens::judge(shared_->tokens, stream_->executor(), std::move(need.token));
    if (!verdict) {
        refuse_login(need.login, login_unavailable(), "tokens: " + verdict.error().message);
        co_return std::nullopt;
    }
    co_return *verdict;
}

// Of one who wants nothing sent from abroad: whoever guesses there is told what a wrong password is
// told, at the same time, so that he learns nothing. The journal knows why.
net::Task<bool> Session::refuse_from_abroad(std::string login) {
    if (!candidate_ || !candidate_->stays_home) {
        co_return false;
    }
    co_await find_line();
    if (facts({}).where != limit::Where::Abroad) {
        co_return false;
    }
    std::string why = "from abroad, which its owner doesn't want; the password was right";
    count_failure(login, why);
    co_await wait_before_refusal(login);
    refuse_login(login, login_refusal(account::SaslRefusal::WrongPassword), std::move(why));
    co_return true;
}

void Session::login_succeeded(const account::SaslSuccess& success) {
    // As the account is called where it lives: one account under several names is still one for
    // limits and conduct.
    const std::string login = candidate_ ? candidate_->login : success.login;
    if (candidate_) {  // who knows the password, whether it is taken or not
        tell_warden(login, candidate_->line, seen_here(conduct::Seen::What::Login));
    }
    const InForce in_force = conduct_of(login);
    if (auto refusal = refuse_login_by(in_force, settings_->config.provider.support_mail)) {
        refuse_login(login, std::move(*refusal), "conduct");
        return;
    }
    live_->account = login;
    note_app_password(success);
    note_success(success.login);
    sasl_.reset();
    account_ = std::move(candidate_);
    own_offset_.reset();
    if (account_ && !account_->time_zone.empty()) {
        if (const auto zone = TimeZone::parse(account_->time_zone)) {
            own_offset_ = zone->offset(now());
        }
    }
    // A source knows nothing of the addresses that were proven here: MAIL asks about them.
    account_at_ = elsewhere_ ? std::chrono::steady_clock::time_point{} : asked_;
    candidate_.reset();
    ++shared_->counters.logins_accepted;
    event::Event accepted = event(event::Kind::LoginAccepted);
    accepted.account = login;
    accepted.detail = mechanism_;
    if (!success.app_password.empty()) {
        accepted.detail += " with app password \"" + success.app_password + "\"";
    }
    log::info(
        "MAIL_LOGIN",
        "login accepted",
        {{"account", login},
         {"peer", peer_.text()},
         {"mechanism", mechanism_},
         {"app_password", success.app_password}}
    );
    shared_->journal.append(std::move(accepted));
    smtp_.auth_accepted(login);
}

// When and where it was used last, once in kUseNoted at the most: not worth a write a login. The
// login doesn't wait for it.
void Session::note_app_password(const account::SaslSuccess& success) {
    if (success.app_password.empty() || !candidate_) {
        return;
    }
    const auto used = std::ranges::find(
        candidate_->app_passwords, success.app_password, &account::AppPassword::name
    );
    if (used == candidate_->app_passwords.end() ||
        (used->last_address == peer_.text() && now() - used->last_used < kUseNoted)) {
        return;
    }
    shared_->workers.post([shared = shared_,
                           login = success.login,
                           name = success.app_password,
                           address = peer_.text()] {
        const Status noted = shared->accounts.app_password_used(login, name, now(), address);
        if (!noted && noted.error().code != Errc::NotFound) {
            log::warning("MAIL_ACCOUNTS_AWAY", noted.error().message, {{"account", login}});
        }
    });
}

net::Task<void> Session::login_failed(account::SaslFailure failure) {
    const bool guess = failure.why == account::SaslRefusal::UnknownUser ||
                       failure.why == account::SaslRefusal::WrongPassword ||
                       failure.why == account::SaslRefusal::NoKeys ||
                       failure.why == account::SaslRefusal::Token;
    std::string why(account::name(failure.why));
    if (!failure.detail.empty()) {
        why += ": " + failure.detail;
    }
    if (guess) {
        count_failure(failure.login, why);
        co_await wait_before_refusal(failure.login);
    }
    refuse_login(failure.login, login_refusal(failure.why), std::move(why));
}

void Session::count_failure(const std::string& login, std::string& why) {
    const conduct::LoginMark mark{login, peer_, now()};
    if (!shared_->guard.failed(mark, guess_)) {
        why += " (the guess of a moment ago, counted then)";
        return;
    }
    limit::Facts who = facts({});
    who.account = login;
    count_each(limit::Counts::FailedLogins, who);
    if (shared_->logins != nullptr) {
        shared_->workers.post([shared = shared_, mark] {
            if (const Status kept = shared->logins->keep_failure(mark); !kept) {
                log::warning("MAIL_LOGINS_NOT_KEPT", kept.error().message);
            }
        });
    }
}

void Session::note_success(const std::string& login) {
    const conduct::LoginMark mark{login, peer_, now()};
    if (!shared_->guard.succeeded(mark) || shared_->logins == nullptr) {
        return;
    }
    shared_->workers.post([shared = shared_, mark] {
        const Status kept = shared->logins->keep_success(mark);
        if (!kept && kept.error().code != Errc::NotFound) {
            log::warning("MAIL_LOGINS_NOT_KEPT", kept.error().message);
        }
    });
}

// To a multiple of the wait after the client's last message. Hashes of other systems take other
// times than our own; whose login it was must not be told by that.
// The more was guessed at the account, or from the address or its network, the longer. Neither the
// time that a hash takes nor whether there is such an account shows in it.
net::Task<void> Session::wait_before_refusal(std::string login) {
    const Duration unit = shared_->login_failure_wait;
    if (unit.count() <= 0) {
        co_return;
    }
    const unsigned times = shared_->guard.slowness(login, peer_, now());
    const auto took =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - asked_);
    co_await net::sleep_for(stream_->executor(), times * unit - took % unit);
}

void Session::refuse_login(std::string login, smtp::Reply reply, std::string why) {
    reply = with_help(std::move(reply), settings_->config.provider.guide_url);
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

#include "mail/shared.h"

#include "account/account.h"
#include "account/forwarding.h"
#include "account/sasl.h"
#include "account/send_as.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "limit/limiter.h"
#include "mail/rules.h"
#include "mail/server.h"
#include "net/stream.h"
#include "net/task.h"

#include <boost/asio/post.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::mail {
namespace {

// RFC 5321 §3.8: a server that stops says 421 before it closes.
net::Task<void> goodbye(std::shared_ptr<net::Stream> stream, std::string line) {
    stream->expires_after(std::chrono::seconds(2));
    const Status ignored = co_await stream->write_all(line);
    static_cast<void>(ignored);
    co_await stream->shutdown();
    stream->close();
}

}  // namespace

bool UnalignedNotes::first_today(const std::string& account, const std::string& domain, Time now) {
    const std::scoped_lock lock(mutex_);
    const std::string key = account + ' ' + domain;
    if (told_.find(key, now) != nullptr) {
        return false;
    }
    told_.touch(key, now);
    return true;
}

Shared::Shared(
    const Deps& deps, std::unique_ptr<limit::Limiter> limits, account::SaslSettings sasl_settings
)
    : workers(deps.workers),
      hashers(deps.hashers == nullptr ? deps.workers : *deps.hashers),
      accounts(deps.accounts),
      forwards(deps.forwards),
      srs_secret(deps.srs_secret),
      spool(deps.spool),
      journal(deps.journal),
      lines(deps.lines),
      resolver(deps.resolver),
      greylist(deps.greylist),
      past(deps.past),
      punish(deps.punish),
      signer(deps.signer),
      send_as(deps.send_as),
      outlooks(deps.outlooks),
      suppression(deps.suppression),
      sources(deps.sources),
      tokens(deps.tokens),
      greeting_wait(deps.greeting_wait),
      login_failure_wait(deps.login_failure_wait),
      data_timeout(deps.data_timeout),
      stress_command_timeout(deps.stress_command_timeout),
      stress_data_timeout(deps.stress_data_timeout),
      null_mx_wait(deps.null_mx_wait),
      account_fresh(deps.account_fresh),
      tls(deps.tls),
      sasl(std::move(sasl_settings)),
      credentials({.key = random_bytes(32)}),
      limiter(std::move(limits)),
      memory(deps.counters),
      guard(*limiter, {.key = random_bytes(32)}),
      warden(deps.warden),
      complaint(deps.complaint),
      dmarc_seen(deps.dmarc_seen),
      report_mail(deps.report_mail),
      logins(deps.logins) {}

std::shared_ptr<const Settings> Shared::settings() const {
    const std::scoped_lock lock(mutex_);
    return settings_;
}

void Shared::set_settings(std::shared_ptr<const Settings> settings) {
    const std::scoped_lock lock(mutex_);
    settings_ = std::move(settings);
}

std::uint64_t Shared::add(const std::shared_ptr<Live>& live) {
    const std::scoped_lock lock(mutex_);
    live_.emplace(next_id_, std::pair(live->stream->executor(), std::weak_ptr(live)));
    return next_id_++;
}

void Shared::remove(std::uint64_t id) {
    const std::scoped_lock lock(mutex_);
    live_.erase(id);
    changed_.notify_all();
}

void Shared::say_goodbye() {
    const std::string line =
        "421 4.3.2 " + settings()->config.mail.hostname + " The service is stopping\r\n";
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, session] : live_) {
        boost::asio::post(session.first, [weak = session.second, line] {
            const auto live = weak.lock();
            if (live && live->reading) {
                net::spawn(live->stream->executor(), goodbye(live->stream, line), "goodbye");
            }
        });
    }
}

void Shared::end_sessions_of(const conduct::Subject& whose) {
    const std::string line =
        "421 4.7.0 " + settings()->config.mail.hostname + " Nothing more may be sent from here\r\n";
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, session] : live_) {
        boost::asio::post(session.first, [weak = session.second, line, whose] {
            const auto live = weak.lock();
            const bool of_line = whose.kind == conduct::Subject::Kind::Line;
            if (!live || (of_line ? live->line : live->account) != whose.id ||
                live->account.empty()) {
                return;
            }
            live->ended = true;  // one that is at work ends when it would read on
            if (live->reading) {
                net::spawn(live->stream->executor(), goodbye(live->stream, line), "goodbye");
            }
        });
    }
}

bool Shared::wait_idle(Duration grace) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, grace, [this] { return live_.empty(); });
}

void Shared::close_all() {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, session] : live_) {
        boost::asio::post(session.first, [weak = session.second] {
            if (const auto live = weak.lock()) {
                live->stream->close();
            }
        });
    }
}

namespace {

// What an error leaves out it may not do meanwhile: it is refused, and told so.
void missing(const Error& error, const account::Account& account) {
    log::error("MAIL_ACCOUNTS_AWAY", error.message, {{"account", account.login}});
}

void add_proven(Shared& shared, account::Account& account) {
    const auto all = shared.send_as->of(account.login);
    if (!all) {
        missing(all.error(), account);
        return;
    }
    for (const account::SendAs& one : *all) {
        if (account::is_proven(one)) {
            account.send_as.push_back(one.address);
        }
    }
}

// An account that may not send itself lends nothing.
void add_delegated(Shared& shared, account::Account& account) {
    const auto all = shared.send_as->delegations(account.login);
    if (!all) {
        missing(all.error(), account);
        return;
    }
    for (const account::Delegation& one : *all) {
        if (one.delegate != account.login) {
            continue;
        }
        const auto owner = shared.accounts.find(one.owner);
        if (!owner && owner.error().code != Errc::NotFound) {
            missing(owner.error(), account);
        }
        if (!owner || !owner->enabled) {
            continue;
        }
        account.delegated.insert(
            account.delegated.end(), owner->addresses.begin(), owner->addresses.end()
        );
        for (const std::string& domain : owner->domains) {
            account.delegated.push_back("@" + domain);
        }
    }
}

void add_aliases(Shared& shared, account::Account& account) {
    auto aliases = account::aliases_of(account.addresses, [&shared](std::string_view target) {
        return shared.forwards->aliases_to(target);
    });
    if (!aliases) {
        missing(aliases.error(), account);
        return;
    }
    account.aliases = std::move(*aliases);
}

}  // namespace

account::Account with_send_as(Shared& shared, account::Account account) {
    account.send_as.clear();
    account.delegated.clear();
    account.aliases.clear();
    if (shared.send_as != nullptr) {
        add_proven(shared, account);
        add_delegated(shared, account);
    }
    if (shared.forwards != nullptr) {
        add_aliases(shared, account);
    }
    return account;
}

Result<account::Account> find_account(Shared& shared, const std::string& login) {
    auto found = shared.accounts.find(login);
    return found ? with_send_as(shared, std::move(*found)) : found;
}

}  // namespace sekisho::mail

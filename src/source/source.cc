#include "source/source.h"

#include "account/account.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "net/task.h"
#include "source/dovecot.h"
#include "source/ldap.h"
#include "source/radius.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::source {
namespace {

bool is_address(std::string_view text) {
    const std::size_t at = text.rfind('@');
    return at != std::string_view::npos && at > 0 && at + 1 < text.size() && text.size() <= 320 &&
           std::ranges::none_of(text, [](char c) {
               return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
           });
}

Result<std::unique_ptr<Source>> make_one(const config::AccountSource& config) {
    if (config.kind == "ldap") {
        return make_ldap(config);
    }
    if (config.kind == "radius") {
        return make_radius(config);
    }
    return make_dovecot(config);
}

}  // namespace

std::string expand(std::string_view text, std::string_view login) {
    const std::size_t at = login.rfind('@');
    const std::string_view user = login.substr(0, at);
    const std::string_view domain =
        at == std::string_view::npos ? std::string_view{} : login.substr(at + 1);
    std::string out;
    while (!text.empty()) {
        if (text.starts_with("{login}")) {
            out += login;
            text.remove_prefix(7);
        } else if (text.starts_with("{user}")) {
            out += user;
            text.remove_prefix(6);
        } else if (text.starts_with("{domain}")) {
            out += domain;
            text.remove_prefix(8);
        } else {
            out.push_back(text.front());
            text.remove_prefix(1);
        }
    }
    return out;
}

account::Account make_account(
    std::string_view login,
    const std::vector<std::string>& own,
    const std::vector<std::string>& templates
) {
    account::Account out;
    out.login = login;
    const auto add = [&out](const std::string& text) {
        const std::string address = to_lower(text);
        if (is_address(address) &&
            std::ranges::find(out.addresses, address) == out.addresses.end()) {
            out.addresses.push_back(address);
        }
    };
    for (const std::string& address : own) {
        add(address);
    }
    for (const std::string& text : templates) {
        add(expand(text, login));
    }
    if (templates.empty()) {
        add(std::string(login));
    }
    return out;
}

Sources::Sources(std::vector<std::unique_ptr<Source>> sources) : sources_(std::move(sources)) {}

Result<std::shared_ptr<Sources>> Sources::make(const std::vector<config::AccountSource>& sources) {
    std::vector<std::unique_ptr<Source>> made;
    for (const config::AccountSource& one : sources) {
        auto source = make_one(one);
        if (!source) {
            return fail(
                source.error().code, "account_source " + one.name + ": " + source.error().message
            );
        }
        made.push_back(std::move(*source));
    }
    return std::make_shared<Sources>(std::move(made));
}

net::Task<Result<account::Account>> Sources::log_in(
    std::shared_ptr<Sources> self, net::Executor executor, std::string login, std::string password
) {
    for (const std::unique_ptr<Source>& source : self->sources_) {
        const Result<account::Account> answer = co_await source->log_in(executor, login, password);
        self->note(source->name(), answer);
        if (answer) {
            self->keep(login, *answer, now());
            co_return *answer;
        }
        if (answer.error().code == Errc::NotFound) {
            continue;
        }
        if (answer.error().code != Errc::Denied) {
            log::error(
                "ACCOUNT_SOURCE_AWAY",
                answer.error().message,
                {{"source", source->name()}, {"account", login}}
            );
        }
        co_return fail(answer.error());
    }
    co_return fail(Errc::NotFound, "no source knows this login");
}

net::Task<Result<account::Account>> Source::find(
    net::Executor /*executor*/, std::string /*address*/
) {
    co_return fail(Errc::NotFound, name() + " doesn't say who has an address");
}

bool Sources::finds() const {
    return std::ranges::any_of(sources_, [](const auto& source) { return source->finds(); });
}

net::Task<Result<account::Account>> Sources::find(
    std::shared_ptr<Sources> self, net::Executor executor, std::string address
) {
    auto known = self->remembered(address, now());
    if (known) {
        co_return std::move(*known);
    }
    for (const std::unique_ptr<Source>& source : self->sources_) {
        if (!source->finds()) {
            continue;
        }
        const Result<account::Account> answer = co_await source->find(executor, address);
        self->note_found(source->name(), answer);
        if (answer) {
            self->remember(address, *answer, now());
            co_return *answer;
        }
        if (answer.error().code != Errc::NotFound) {
            log::error(
                "ACCOUNT_SOURCE_AWAY",
                answer.error().message,
                {{"source", source->name()}, {"address", address}}
            );
            co_return fail(answer.error());
        }
    }
    self->remember(address, std::nullopt, now());
    co_return fail(Errc::NotFound, "no source knows this address");
}

std::optional<Result<account::Account>> Sources::remembered(const std::string& address, Time now)
    const {
    const std::scoped_lock lock(mutex_);
    const auto known = found_.find(address);
    if (known == found_.end() || now >= known->second.until) {
        return std::nullopt;
    }
    if (!known->second.account) {
        return fail(Errc::NotFound, "no source knows this address");
    }
    return *known->second.account;
}

void Sources::remember(
    const std::string& address, std::optional<account::Account> found, Time now
) {
    const std::scoped_lock lock(mutex_);
    if (found_.size() >= kKnownMax) {
        std::erase_if(found_, [now](const auto& one) { return now >= one.second.until; });
    }
    if (found && (seen_.size() < kKnownMax || seen_.contains(found->login))) {
        seen_[found->login] = *found;
    }
    if (found_.size() < kKnownMax) {
        const Time until = now + (found ? kFoundFor : kNobodyFor);
        found_[address] = {std::move(found), until};
    }
}

void Sources::note_found(const std::string& name, const Result<account::Account>& answer) {
    const std::scoped_lock lock(mutex_);
    Counters& counters = counters_[name];
    if (answer) {
        ++counters.found;
    } else if (answer.error().code == Errc::NotFound) {
        ++counters.nobody;
    } else {
        ++counters.away;
    }
}

std::optional<account::Account> Sources::seen(std::string_view login) const {
    const std::scoped_lock lock(mutex_);
    const auto found = seen_.find(login);
    if (found == seen_.end()) {
        return std::nullopt;
    }
    return found->second;
}

void Sources::note(const std::string& name, const Result<account::Account>& answer) {
    const std::scoped_lock lock(mutex_);
    Counters& counters = counters_[name];
    if (answer) {
        ++counters.accepted;
    } else if (answer.error().code == Errc::Denied) {
        ++counters.denied;
    } else if (answer.error().code == Errc::NotFound) {
        ++counters.not_found;
    } else {
        ++counters.away;
    }
}

void Sources::keep(const std::string& login, const account::Account& account, Time now) {
    const std::scoped_lock lock(mutex_);
    if (known_.size() >= kKnownMax) {
        std::erase_if(known_, [now](const auto& one) { return now >= one.second.until; });
    }
    if (seen_.size() < kKnownMax || seen_.contains(account.login)) {
        seen_[account.login] = account;
    }
    if (known_.size() < kKnownMax) {
        known_[login] = {account, now + kKnownFor};
    }
}

std::optional<account::Account> Sources::known(std::string_view login, Time now) const {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(login);
    if (found == known_.end() || now >= found->second.until) {
        return std::nullopt;
    }
    return found->second.account;
}

std::map<std::string, Sources::Counters> Sources::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

}  // namespace sekisho::source

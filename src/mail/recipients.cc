// Whom an address of ours leads to: accounts, aliases and forwards here, and whoever the LMTP
// server knows that mail is delivered to.
#include "account/account.h"
#include "account/forwarding.h"
#include "account/validate.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "mail/call_ahead.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/reply.h"
#include "source/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using account::Account;
using account::Destination;
using Destinations = std::vector<Destination>;
using Answers = std::map<std::string, bool>;  // of the LMTP server, by address

// An address leads to others that must be asked about, one after the other.
constexpr int kRoundsMax = 100;

bool ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::unexpected<Error> none() {
    return fail(Errc::NotFound, "there are none");
}

// Whom the sources of accounts know, by address; nullopt: they know nobody of that name.
using Elsewhere = std::map<std::string, std::optional<Account>>;

struct Expanded {
    Result<Destinations> destinations;
    std::string to_ask;      // first; then again
    bool of_source = false;  // the sources are to be asked, else the LMTP server
};
// Of those that aren't null.
struct Asked {
    const Elsewhere* sources = nullptr;
    const Answers* lmtp = nullptr;
};

// On a worker. RFC 5321 §4.5.1, RFC 2142 §2: mail for postmaster and abuse must be taken; where
// nobody has the address, the operator's support gets it.
Expanded expand(
    Shared& shared, const Settings& settings, const std::string& recipient, const Asked& asked
) {
    Expanded out;
    const auto alias = [&shared](std::string_view address) -> Result<account::Alias> {
        return shared.forwards == nullptr ? none() : shared.forwards->alias(address);
    };
    const auto ask = [&out](std::string_view address, bool of_source) -> Result<Account> {
        out.to_ask = address;
        out.of_source = of_source;
        return fail(Errc::Unavailable, "it must be asked");
    };
    // Accounts here, after them those of other systems and of the LMTP server: before any catch-all
    // has its turn.
    const auto find = [&](std::string_view address) -> Result<Account> {
        auto found = shared.accounts.find_by_address(address);
        if (found || found.error().code != Errc::NotFound || alias(address)) {
            return found;
        }
        if (asked.sources != nullptr) {
            const auto known = asked.sources->find(std::string(address));
            if (known == asked.sources->end()) {
                return ask(address, true);
            }
            if (known->second) {
                return *known->second;
            }
        }
        if (asked.lmtp == nullptr || !ascii(address)) {
            return found;
        }
        const auto answer = asked.lmtp->find(std::string(address));
        if (answer == asked.lmtp->end()) {
            return ask(address, false);
        }
        if (!answer->second) {
            return found;
        }
        Account elsewhere;
        elsewhere.login = address;
        return elsewhere;
    };
    const account::Lookup lookup{
        find,
        alias,
        [&shared](std::string_view login) -> Result<account::Forward> {
            return shared.forwards == nullptr ? none() : shared.forwards->forward(login);
        },
        [&settings](std::string_view domain) { return settings.ours(domain); },
        [&settings](std::string_view address) {
            const std::string_view local = address.substr(0, address.rfind('@'));
            const bool role = local == "postmaster" || local == "abuse";
            return role ? to_lower(settings.config.provider.support_mail) : std::string{};
        },
    };
    out.destinations = account::expand(recipient, lookup);
    return out;
}

}  // namespace

// A reply: it takes nothing for the address. Asked once in a while only.
net::Task<Result<std::optional<smtp::Reply>>> Session::ask_ahead(std::string address) {
    const std::shared_ptr<CallAhead> ahead = settings_->call_ahead;
    const auto known = ahead->remembered(address);
    if (known) {
        std::optional<smtp::Reply> out;
        if (!*known) {
            out = smtp::reply(550, "5.1.1", "no such user here");
        }
        co_return out;
    }
    auto answer = co_await CallAhead::ask(ahead, stream_->executor(), std::move(address));
    co_return answer;
}

// Those whom the LMTP server doesn't take mail for now: what it refused later would be a bounce.
// While it is away, whoever has an account here is believed to have a mailbox there.
net::Task<Result<std::vector<Destination>>> Session::those_taken(
    std::vector<Destination> all, std::map<std::string, bool> answers
) {
    std::vector<Destination> out;
    std::optional<smtp::Reply> refusal;
    for (Destination& one : all) {
        if (!one.outside && !answers.contains(one.address)) {
            auto answer = co_await ask_ahead(one.address);
            if (!answer) {
                log::warning("MAIL_LMTP_AWAY", answer.error().message);
            } else if (*answer) {
                refusal = std::move(**answer);
                continue;
            }
        }
        out.push_back(std::move(one));
    }
    if (!out.empty()) {
        co_return out;
    }
    if (refusal->enhanced.empty() || refusal->enhanced.starts_with("5.1.")) {
        co_return fail(Errc::NotFound, "the LMTP server knows nobody of that name");
    }
    co_return fail(Errc::Denied, refusal->text());
}

net::Task<Result<std::vector<Destination>>> Session::find_destinations(std::string recipient) {
    const std::string key = account::normalised(recipient);
    const auto known = destinations_.find(key);
    if (known != destinations_.end()) {
        co_return known->second;
    }
    const bool ahead = settings_->call_ahead != nullptr;
    const bool sources = shared_->sources != nullptr && shared_->sources->finds();
    auto answers = std::make_shared<Answers>();
    auto elsewhere = std::make_shared<Elsewhere>();
    Result<Destinations> found = fail(Errc::Full, "the address leads to too many others");
    for (int round = 0; round < kRoundsMax; ++round) {
        std::function<Expanded()> work =
            [shared = shared_, settings = settings_, key, answers, elsewhere, ahead, sources] {
                const Asked asked{
                    sources ? elsewhere.get() : nullptr, ahead ? answers.get() : nullptr
                };
                return expand(*shared, *settings, key, asked);
            };
        auto expanded = co_await net::run_on<Expanded>(shared_->workers, std::move(work));
        if (expanded.to_ask.empty()) {
            found = std::move(expanded.destinations);
            break;
        }
        if (expanded.of_source) {
            auto there = co_await source::Sources::find(
                shared_->sources, stream_->executor(), expanded.to_ask
            );
            if (there) {
                (*elsewhere)[expanded.to_ask] = std::move(*there);
            } else if (there.error().code == Errc::NotFound) {
                (*elsewhere)[expanded.to_ask] = std::nullopt;
            } else {
                co_return fail(Errc::Unavailable, there.error().message);
            }
            continue;
        }
        const auto answer = co_await ask_ahead(expanded.to_ask);
        if (!answer) {
            co_return fail(answer.error());
        }
        if (*answer && !(*answer)->enhanced.starts_with("5.1.") && !(*answer)->enhanced.empty()) {
            co_return fail(Errc::Denied, (*answer)->text());
        }
        (*answers)[expanded.to_ask] = !answer->has_value();
    }
    if (found && ahead) {
        auto taken = co_await those_taken(std::move(*found), *answers);
        found = std::move(taken);
    }
    if (found) {
        destinations_[key] = *found;
    }
    co_return found;
}

void Session::refuse_destination(const Error& why, const std::string& recipient) {
    if (why.code == Errc::NotFound) {
        answer(
            smtp::reply(550, "5.1.1", fmt::format("<{}>: no such user here", recipient)),
            recipient,
            "unknown-user"
        );
    } else if (why.code == Errc::Denied) {
        answer(
            smtp::reply(550, "5.2.0", fmt::format("<{}>: {}", recipient, why.message)),
            recipient,
            "mailbox"
        );
    } else if (why.code == Errc::Conflict || why.code == Errc::Full) {
        const std::string text = fmt::format("<{}>: the address leads in circles", recipient);
        answer(smtp::reply(550, "5.4.6", text), recipient, "loop");
        log::warning("MAIL_ALIAS_LOOP", why.message, {{"recipient", recipient}});
    } else {
        log::error("MAIL_ACCOUNTS_AWAY", why.message);
        answer(
            smtp::reply(450, "4.3.0", "Accounts can't be looked up now, try again later"), recipient
        );
    }
}

}  // namespace sekisho::mail

// Limits: which there are, and what a session takes of them.
#include "mail/limiting.h"

#include "base/log.h"
#include "base/time.h"
#include "conduct/login_guard.h"
#include "conduct/machine.h"
#include "config/config.h"
#include "event/event.h"
#include "limit/countries.h"
#include "limit/limiter.h"
#include "limit/quota.h"
#include "limit/spec.h"
#include "line/line.h"
#include "mail/conduct.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kNotedAgainAfter = std::chrono::minutes(1);
constexpr std::size_t kNotedMax = 10'000;

}  // namespace

std::vector<limit::Spec> specs_of(const config::Config& config) {
    std::vector<limit::Spec> out = config.limit;
    const auto add = [&](std::string_view name, std::uint32_t count, bool day) {
        const bool replaced = std::ranges::find(out, name, &limit::Spec::name) != out.end();
        if (count == 0 || replaced) {
            return;
        }
        limit::Spec spec;
        spec.name = name;
        spec.by = {limit::By::Account};
        if (day) {
            spec.how = limit::Day{.max = count, .zone = config.limits.time_zone};
        } else {
            spec.how = limit::Rate{.count = count, .per = kHour};
        }
        out.push_back(std::move(spec));
    };
    add(kRecipientsPerHour, config.mail.recipients_per_hour, false);
    add(kRecipientsPerDay, config.mail.recipients_per_day, true);
    return out;
}

std::vector<limit::Limit> limits_of(const config::Config& config) {
    std::vector<limit::Limit> out = conduct::login_limits(config.mail.login_failures_per_hour);
    for (limit::Limit& one : limit::limits_of(specs_of(config))) {
        out.push_back(std::move(one));
    }
    out.push_back(
        {.name = std::string(kConductSlow),
         .how = limit::Rate{.count = config.conduct.slow_recipients_per_hour, .per = kHour}}
    );
    return out;
}

limit::Where whereabouts(
    const config::Limits& limits,
    bool line_known,
    std::string_view network_class,
    std::string_view country,
    bool relayed
) {
    const auto in = [network_class](const std::vector<std::string>& classes) {
        return std::ranges::find(classes, network_class) != classes.end();
    };
    if (line_known || in(limits.home_classes)) {
        return limit::Where::Home;
    }
    if (relayed || in(limits.domestic_classes)) {
        return limit::Where::Domestic;
    }
    return !country.empty() && country == limits.country ? limit::Where::Domestic
                                                         : limit::Where::Abroad;
}

std::string Settings::country_of(const IpAddress& address) const {
    return countries && !relays.contains(address) ? countries->of(address) : std::string();
}

limit::Where Settings::whereabouts(
    const IpAddress& client, bool line_known, std::string_view network_class
) const {
    return mail::whereabouts(
        config.limits, line_known, network_class, country_of(client), relays.contains(client)
    );
}

std::int64_t ShadowNotes::worth(const limit::Refusal& refusal, Time now) {
    const std::scoped_lock lock(mutex_);
    if (seen_.size() >= kNotedMax) {
        std::erase_if(seen_, [now](const auto& one) {
            return one.second.noted + kNotedAgainAfter <= now;
        });
        if (seen_.size() >= kNotedMax) {
            return 0;  // counted by the limit all the same
        }
    }
    Seen& seen = seen_[refusal.limit + '\n' + refusal.key];
    ++seen.since;
    if (seen.noted != Time{} && seen.noted + kNotedAgainAfter > now) {
        return 0;
    }
    seen.noted = now;
    return std::exchange(seen.since, 0);
}

limit::Facts Session::facts(std::string recipient) const {
    limit::Facts out;
    out.account = smtp_.login();
    out.sender = smtp_.transaction().reverse_path();
    out.recipient = std::move(recipient);
    out.address = peer_;
    out.service = kind_ == Kind::Exchange ? limit::Service::Exchange : limit::Service::Submission;
    const bool known = line_ && line_->certainty == line::Certainty::Subscriber;
    if (known) {
        out.line = line_->line;
    } else if (account_) {
        out.line = account_->line;
    }
    const auto& policy = *settings_->policy;
    out.network_class = policy.written(policy.classify(peer_)).name;
    out.where = settings_->whereabouts(peer_, known, out.network_class);
    out.own = own_offset_;
    return out;
}

// The line of the client's address is looked up only when something depends on it.
net::Task<void> Session::find_line_early() {
    if (settings_->ask_line) {
        co_await find_line();
    }
}

// Takes all or nothing; what limits in shadow refuse is told, and left out of `takings`.
std::expected<void, limit::Refusal> Session::take(std::vector<limit::Taking>& takings) {
    std::vector<limit::Refusal> shadowed;
    const auto wants = limit::wants(takings);
    const auto taken = shared_->limiter->take(wants, now(), &shadowed);
    for (const limit::Refusal& refusal : shadowed) {
        std::erase_if(takings, [&](const limit::Taking& one) {
            return one.limit == refusal.limit && one.key == refusal.key;
        });
        note_shadowed(refusal);
    }
    return taken;
}

void Session::note_shadowed(const limit::Refusal& refusal) {
    const Time at = now();
    const std::int64_t count = shared_->shadows.worth(refusal, at);
    if (count == 0) {
        return;
    }
    event::Event row = event(event::Kind::LimitWouldRefuse);
    row.rule = "limit:" + refusal.limit;
    row.count = count;
    row.detail = refusal.text();
    log::info(
        "LIMIT_WOULD_REFUSE",
        row.detail,
        {{"limit", refusal.limit}, {"account", row.account}, {"peer", row.address}}
    );
    shared_->journal.append(std::move(row));
}

// For a message under way: given back when it isn't sent after all.
std::optional<smtp::Reply> Session::take_for_message(std::vector<limit::Taking> takings) {
    const auto taken = take(takings);
    if (!taken) {
        limited_by_ = "limit:" + taken.error().limit;
        return limit_reply(taken.error(), settings_->config.provider.guide_url);
    }
    std::ranges::move(takings, std::back_inserter(taken_));
    return std::nullopt;
}

std::optional<smtp::Reply> Session::take_recipient(const std::string& recipient) {
    const limit::Facts who = facts(recipient);
    auto takings = limit::takings(settings_->limits, limit::Counts::Recipients, who, 1);
    const bool stranger =
        !who.account.empty() && !shared_->acquaintances.knows(who.account, recipient, now());
    auto strangers =
        limit::takings(settings_->limits, limit::Counts::NewRecipients, who, stranger ? 1 : 0);
    std::ranges::move(strangers, std::back_inserter(takings));
    if (const InForce slow = conduct_here(); slow.stage >= conduct::Stage::Slow) {
        takings.push_back({std::string(kConductSlow), conduct::text(slow.whose), 1});
    }
    return take_for_message(std::move(takings));
}

std::optional<smtp::Reply> Session::take_message_of(limit::Counts counts, std::int64_t cost) {
    return take_for_message(limit::takings(settings_->limits, counts, facts({}), cost));
}

// Who has named too many recipients that don't exist isn't told about more of them.
std::optional<smtp::Reply> Session::too_many_refused(const std::string& recipient) {
    const auto takings =
        limit::takings(settings_->limits, limit::Counts::RefusedRecipients, facts(recipient), 1);
    const auto wants = limit::wants(takings);
    const auto free = shared_->limiter->check(wants, now());
    if (free) {
        return std::nullopt;
    }
    limited_by_ = "limit:" + free.error().limit;
    return limit_reply(free.error(), settings_->config.provider.guide_url);
}

void Session::count_each(limit::Counts counts, const limit::Facts& who) {
    // Each by itself: one that is used up must not keep the others from counting.
    for (limit::Taking& one : limit::takings(settings_->limits, counts, who, 1)) {
        std::vector<limit::Taking> alone{std::move(one)};
        static_cast<void>(take(alone));
    }
}

std::optional<smtp::Reply> Session::limited_connection() {
    auto takings = limit::takings(settings_->limits, limit::Counts::Connections, facts({}), 1);
    const auto taken = take(takings);
    if (taken) {
        return std::nullopt;
    }
    const std::string why =
        limit_reply(taken.error(), settings_->config.provider.guide_url).lines.front();
    return smtp::reply(421, "4.7.0", settings_->config.mail.hostname + " " + why);
}

// What a message that was not sent after all has taken, but for the first `kept`.
void Session::give_back(std::size_t kept) {
    const auto from = taken_.begin() + static_cast<std::ptrdiff_t>(kept);
    const std::vector<limit::Taking> returned(from, taken_.end());
    shared_->limiter->give_back(limit::wants(returned), now());  // views of `returned`
    taken_.erase(from, taken_.end());
}

}  // namespace sekisho::mail

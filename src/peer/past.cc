#include "peer/past.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::peer {
namespace {

constexpr int kNetworkV6 = 64;

// Good: enough of it, over some days, nearly all taken. Bad: enough of it, mostly refused. Between
// them nothing is said: lists with old addresses have a fifth of their recipients refused.
constexpr double kGoodMessages = 5, kGoodShare = 0.1;
constexpr Duration kGoodSince{3LL * 86'400'000};
constexpr double kBadTries = 5, kBadShare = 0.6;

double faded(double value, Duration since) {
    const double halves = std::max(0.0, static_cast<double>(since.count())) /
                          static_cast<double>(kPastHalfLife.count());
    return value * std::exp2(-halves);
}

Past as_of(Past past, Time at) {
    const Duration since = at - past.last;
    for (double* each : {&past.messages, &past.recipients, &past.refused_recipients, &past.bad}) {
        *each = faded(*each, since);
    }
    past.last = std::max(past.last, at);
    return past;
}

}  // namespace

void Brought::add(const Brought& more) {
    messages += more.messages;
    recipients += more.recipients;
    refused_recipients += more.refused_recipients;
    bad += more.bad;
}

std::string past_key(const IpAddress& address) {
    return address.is_v4() ? address.text() : Prefix(address, kNetworkV6).text();
}

Past with(const std::optional<Past>& before, const Brought& session, Time at) {
    Past out = before ? as_of(*before, at) : Past{};
    if (!before) {
        out.first = out.last = at;
    }
    out.messages += session.messages;
    out.recipients += session.recipients;
    out.refused_recipients += session.refused_recipients;
    out.bad += session.bad;
    return out;
}

PastVerdict verdict(const Past& past, Time at) {
    const Past seen = as_of(past, at);
    const double refused = seen.refused_recipients + seen.bad;
    const double tries = seen.recipients + refused;
    if (tries >= kBadTries && refused > kBadShare * tries) {
        return {
            Record::Bad,
            fmt::format("of what it brought lately {:.0f} of {:.0f} were refused", refused, tries)
        };
    }
    if (seen.messages >= kGoodMessages && at - past.first >= kGoodSince &&
        refused < kGoodShare * tries) {
        return {
            Record::Good,
            fmt::format(
                "it brought mail since {}, {:.0f} messages lately, hardly any of it refused",
                rfc3339(past.first).substr(0, std::string_view("2026-01-01").size()),
                seen.messages
            )
        };
    }
    return {};
}

void Gathered::note(const IpAddress& address, const Brought& session, Time at) {
    if (session.empty()) {
        return;
    }
    const std::scoped_lock lock{mutex_};
    std::string key = past_key(address);
    if (sessions_.size() >= kMax && !sessions_.contains(key)) {
        return;
    }
    One& one = sessions_[std::move(key)];
    one.sum.add(session);
    one.last = std::max(one.last, at);
}

Status Gathered::keep(PastStore& store) {
    std::map<std::string, One, std::less<>> sessions;
    {
        const std::scoped_lock lock{mutex_};
        sessions.swap(sessions_);
    }
    if (sessions.empty()) {
        return {};
    }
    std::vector<std::pair<std::string, Past>> all;
    Status kept;
    for (const auto& [key, one] : sessions) {
        auto before = store.find(key);
        if (!before) {
            kept = fail(before.error());
            break;
        }
        all.emplace_back(key, with(*before, one.sum, one.last));
    }
    if (kept) {
        kept = store.remember(all);
    }
    if (!kept) {
        const std::scoped_lock lock{mutex_};
        for (auto& [key, one] : sessions) {
            One& again = sessions_[key];
            again.sum.add(one.sum);
            again.last = std::max(again.last, one.last);
        }
    }
    return kept;
}

Result<std::optional<Past>> Gathered::find(PastStore& store, const IpAddress& address) const {
    const std::string key = past_key(address);
    auto found = store.find(key);
    if (!found) {
        return found;
    }
    const std::scoped_lock lock{mutex_};
    const auto more = sessions_.find(key);
    if (more != sessions_.end()) {
        *found = with(*found, more->second.sum, more->second.last);
    }
    return found;
}

}  // namespace sekisho::peer

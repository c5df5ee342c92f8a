#include "cli/limit_replay.h"

#include "base/file.h"
#include "base/ip.h"
#include "base/networks.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "limit/acquaintances.h"
#include "limit/countries.h"
#include "limit/limiter.h"
#include "limit/spec.h"
#include "mail/limiting.h"
#include "mail/peers.h"
#include "policy/policy.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::cli {

struct LimitReplay::State {
    config::Config config;
    std::shared_ptr<const policy::Policy> policy;
    Time since{};
    std::vector<limit::Spec> specs;
    std::unique_ptr<limit::Limiter> limiter;
    std::optional<limit::Countries> countries;
    Networks relays;
    limit::Acquaintances acquaintances;
    std::map<std::pair<std::string, std::string>, ReplayHit> hits;
    std::string message;  // the queue id at hand
    std::uint64_t events = 0;
    Time from{};

    [[nodiscard]] limit::Facts facts(const event::Event& event) const;
    void take(limit::Counts counts, const event::Event& event, std::int64_t cost = 1);
};

limit::Facts LimitReplay::State::facts(const event::Event& event) const {
    limit::Facts out;
    out.account = event.account;
    out.line = event.line;
    out.sender = event.sender;
    out.recipient = event.recipient;
    out.service = event.account.empty() ? limit::Service::Exchange : limit::Service::Submission;
    const auto address = IpAddress::parse(event.address);
    if (address) {
        out.address = *address;
        out.network_class = policy->written(policy->classify(*address)).name;
        // The line of an event may be the account's: only the class tells where the client was.
        const bool relayed = relays.contains(*address);
        const std::string country = countries && !relayed ? countries->of(*address) : "";
        out.where = mail::whereabouts(config.limits, false, out.network_class, country, relayed);
    }
    return out;
}

void LimitReplay::State::take(limit::Counts counts, const event::Event& event, std::int64_t cost) {
    const auto takings = limit::takings(specs, counts, facts(event), cost);
    std::vector<limit::Refusal> refusals;
    // All of them in shadow, so that each tells what it would have refused by itself.
    static_cast<void>(limiter->take(limit::wants(takings), event.at, &refusals));
    for (const limit::Refusal& refusal : refusals) {
        ReplayHit& hit = hits[{refusal.limit, refusal.key}];
        if (hit.refused == 0) {
            hit = {refusal.limit, refusal.key, refusal.allowed, 0, event.at, event.at};
        }
        ++hit.refused;
        hit.last = event.at;
    }
}

Result<LimitReplay> LimitReplay::make(
    const config::Config& config, std::shared_ptr<const policy::Policy> policy, Time since
) {
    auto state = std::make_shared<State>();
    state->config = config;
    state->policy = std::move(policy);
    state->since = since;
    state->specs = mail::specs_of(config);
    std::vector<limit::Limit> limits = limit::limits_of(state->specs);
    for (limit::Limit& one : limits) {
        one.shadow = true;
    }
    auto limiter = limit::Limiter::make(limits, {});
    if (!limiter) {
        return fail(limiter.error());
    }
    state->limiter = std::move(*limiter);
    if (const std::string& file = config.limits.country_file; !file.empty()) {
        const auto text = read_file(file);
        if (!text) {
            return fail(text.error());
        }
        auto table = limit::Countries::parse(*text);
        if (!table) {
            return fail(table.error().code, "limits.country_file: " + table.error().message);
        }
        state->countries = std::move(*table);
    }
    auto relays = mail::networks_of(config.limits.relay_networks, "limits.relay_networks");
    if (!relays) {
        return fail(relays.error());
    }
    state->relays = std::move(*relays);
    return LimitReplay(std::move(state));
}

std::vector<event::Kind> LimitReplay::kinds() {
    return {event::Kind::Accepted, event::Kind::Refused, event::Kind::LoginRefused};
}

void LimitReplay::add(const event::Event& event) {
    State& s = *state_;
    const bool matters = event.at >= s.since;
    if (matters) {
        s.from = s.events == 0 ? event.at : s.from;
        ++s.events;
    }
    if (event.kind == event::Kind::Accepted) {
        const bool known = event.account.empty() ||
                           s.acquaintances.knows(event.account, event.recipient, event.at);
        if (matters) {
            if (event.queue_id != s.message) {  // a row each recipient
                s.take(limit::Counts::Messages, event);
                s.take(limit::Counts::Bytes, event, event.octets);
            }
            s.take(limit::Counts::Recipients, event);
            if (!known) {
                s.take(limit::Counts::NewRecipients, event);
            }
        }
        s.message = event.queue_id;
        if (!event.account.empty()) {
            s.acquaintances.met(event.account, event.recipient, event.at);
        }
        return;
    }
    if (!matters) {
        return;
    }
    if (event.kind == event::Kind::LoginRefused) {
        if (event.detail.find(": 535 ") != std::string::npos) {
            s.take(limit::Counts::FailedLogins, event);
        }
    } else if (event.kind == event::Kind::Refused && !event.recipient.empty()) {
        if (event.detail.starts_with('5')) {
            s.take(limit::Counts::RefusedRecipients, event);
        } else if (event.rule.starts_with("limit:")) {
            s.take(limit::Counts::Recipients, event);  // it wanted to, and was refused then too
        }
    }
}

Replayed LimitReplay::result() const {
    Replayed out;
    out.events = state_->events;
    out.from = state_->from;
    for (const auto& [where, hit] : state_->hits) {
        out.hits.push_back(hit);
    }
    std::ranges::sort(out.hits, [](const ReplayHit& a, const ReplayHit& b) {
        return std::tie(b.refused, a.limit, a.key) < std::tie(a.refused, b.limit, b.key);
    });
    for (const limit::Spec& spec : state_->specs) {
        if (spec.counts == limit::Counts::Connections) {
            out.unseen.push_back(spec.name);
        }
    }
    return out;
}

}  // namespace sekisho::cli

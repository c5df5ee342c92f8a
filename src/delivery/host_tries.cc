#include "delivery/host_tries.h"

#include "account/sasl_client.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/connections.h"
#include "delivery/engine.h"
#include "delivery/outcome.h"
#include "delivery/route.h"
#include "delivery/routes/rule.h"
#include "delivery/routes/source.h"
#include "delivery/security.h"
#include "delivery/slots.h"
#include "delivery/smtp_client.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/policy.h"
#include "delivery/tls_seen.h"
#include "net/race.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/task.h"
#include "queue/spool.h"
#include "smtp/client_session.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

using smtp::Stage;

smtp::OutgoingMessage outgoing(
    const Job& job,
    const Group& group,
    const std::vector<std::size_t>& which,
    Bytes bytes,
    bool lmtp
) {
    const queue::Envelope& envelope = job.entry.envelope;
    smtp::OutgoingMessage message;
    message.reverse_path = envelope.reverse_path;
    message.bytes = std::move(bytes);
    message.smtputf8 = envelope.smtputf8;
    message.body_8bit = envelope.body_8bit;
    message.body_binary = envelope.body_binary;
    message.require_tls = envelope.require_tls && !lmtp;  // RFC 8689 §4.4: that is delivery
    message.priority = envelope.priority;
    if (const auto& by = envelope.deliver_by) {
        smtp::OutgoingMessage::DeliverBy left;
        left.seconds =
            std::chrono::duration_cast<std::chrono::seconds>(by->deadline - now()).count();
        left.must_return = by->mode == queue::DeliverBy::Mode::Return;
        left.trace = by->trace;
        message.deliver_by = left;
    }
    message.ret = envelope.ret;
    message.envid = envelope.envid;
    for (const std::size_t i : which) {
        const queue::Recipient& to = envelope.recipients[group.members[i]];
        smtp::OutgoingRecipient recipient;
        recipient.address = to.address;
        recipient.notify = to.notify;
        recipient.orcpt = to.orcpt;
        message.recipients.push_back(std::move(recipient));
    }
    return message;
}

constexpr Demand::Kind kDemands[] = {
    Demand::Kind::Plain,
    Demand::Kind::Opportunistic,
    Demand::Kind::Encrypted,
    Demand::Kind::Verified,
    Demand::Kind::Dane,
};

}  // namespace

HostTries::HostTries(std::shared_ptr<Job> job, Group group, Bytes bytes, bool lmtp)
    : job_(std::move(job)), group_(std::move(group)), bytes_(std::move(bytes)), lmtp_(lmtp) {
    for (std::size_t i = 0; i < group_.members.size(); ++i) {
        open_.push_back(i);
    }
    result_.tried.resize(group_.members.size());
    result_.final_delivery = lmtp;
}

net::Task<GroupResult> HostTries::run(Plan plan) {
    place_ = plan.place;
    rule_ = plan.rule;
    if (rule_ && !rule_->login.empty() && !job_->options->passwords.contains(rule_->name)) {
        co_return same_for_all(
            group_,
            another_time(
                "4.3.5",
                "The password of the route " + rule_->name +
                    " can't be read: " + rule_->password_file
            )
        );
    }
    if (!lmtp_) {
        // RFC 8689 §5: a notification isn't lost for want of it.
        const queue::Envelope& envelope = job_->entry.envelope;
        wish_.require = envelope.require_tls && !envelope.reverse_path.empty();
        wish_.optional = job_->tls_optional;
        domain_.name = plan.security_domain;
        domain_.configured = plan.configured;
        std::vector<TlsRule> rules = job_->options->tls;
        if (rule_ && rule_->tls) {
            rules.assign(1, *rule_->tls);
        }
        domain_ = co_await look_up_domain(
            tools(), job_->executor, domain_, std::move(rules), wish_, plan.hosts_secure
        );
    }
    choose_pool();
    const std::vector<Host> hosts = in_order(plan);
    for (const Host& host : hosts) {
        if (over()) {
            break;
        }
        co_await try_host(host);
    }
    if (tries_ == 0 && !refused_) {
        const Tried why = look_up_failed_.value_or(plan.no_address.value_or(Tried{}));
        co_return same_for_all(group_, why);
    }
    if (!reached_ && !refused_) {
        job_->shop->slots->refuse_waiting(place_, result_.tried.front().reply);
    }
    tell_pace();
    co_return std::move(result_);
}

net::Task<GroupResult> HostTries::run_socket(std::string place, std::string path) {
    place_ = std::move(place);
    co_await try_kept(path);
    if (!open_.empty() && tries_ == 0) {
        Peer peer;
        peer.name = path;
        peer.socket_path = path;
        Connections::Use use = job_->shop->connections->opening(place_);
        auto stream =
            co_await net::connect_unix(job_->executor, path, job_->options->connect_timeout);
        if (stream) {
            Security none;
            co_await try_peer(
                std::move(*stream), std::move(use), std::move(peer), std::move(path), none
            );
        } else {
            missed(peer, stream.error());
        }
    }
    co_return std::move(result_);
}

SecurityTools HostTries::tools() const {
    const Deps& deps = job_->shop->deps;
    return {
        .resolver = deps.resolver,
        .any = deps.tls,
        .verified = deps.tls_verified,
        .sts = job_->options->mta_sts ? deps.sts : nullptr,
    };
}

// Which kept connections are as good as a new one to the host: those that had to show the same.
// What DANE accepts depends on the domain too (RFC 7672 §3.2.2).
std::string HostTries::key_of(const Host& host, Demand::Kind kind) const {
    std::string key = host.name + ":" + std::to_string(host.port);
    if (!lmtp_) {
        key += ", " + std::string(name(kind));
    }
    if (rule_ && !rule_->login.empty()) {
        // Another route's password is another proof, though the login is the same.
        key += " as " + rule_->login + " by " + rule_->name;
    }
    if (pool_ != nullptr) {
        key += " from " + pool_->name;
    }
    if (pool_ != nullptr && pool_->spread == SourcePool::Spread::Account) {
        for (const auto& one : {source_.v4, source_.v6}) {
            key += one ? " " + one->address.text() : "";
        }
    }
    return kind == Demand::Kind::Dane ? key + " for " + domain_.name : key;
}

// Mailboxes here are reached as the system likes, unless a route says otherwise.
void HostTries::choose_pool() {
    const queue::Envelope& envelope = job_->entry.envelope;
    const std::string named = rule_ ? rule_->source : "";
    if (lmtp_ && named.empty()) {
        return;
    }
    question_ = {group_.domain, envelope.reverse_path, envelope.account};
    pool_ = source_for(job_->options->sources, named, question_, queue::name(job_->entry.grade));
    if (pool_ != nullptr) {
        source_ = pick(*pool_, question_, 0);
    }
}

// A family of which the pool has no address isn't spoken.
void HostTries::keep_reached(const Host& host, std::vector<IpAddress>& addresses) {
    if (pool_ == nullptr || addresses.empty()) {
        return;
    }
    std::erase_if(addresses, [&](const IpAddress& one) { return !source_.of(one).has_value(); });
    if (addresses.empty()) {
        const char* const lacks = source_.v4 ? "IPv6" : "IPv4";
        look_up_failed_ = another_time(
            "4.4.4",
            host.name + " has " + lacks + " addresses alone, and the source " + pool_->name +
                " has none"
        );
    }
}

// What was learnt of how fast we may be there.
void HostTries::tell_pace() {
    const auto& tried = result_.tried;
    const auto slow = std::ranges::find_if(tried, asks_to_slow_down);
    if (slow != tried.end()) {
        job_->shop->slots->slow_down(place_, slow->reply.text());
    } else if (std::ranges::any_of(tried, [](const Tried& one) { return one.reply.positive(); })) {
        job_->shop->slots->fine(place_);
    }
}

// Nobody is left, or enough was tried.
bool HostTries::over() const {
    return open_.empty() || tries_ >= job_->options->addresses_max;
}

// Among equals, first who has a connection open already.
std::vector<Host> HostTries::in_order(const Plan& plan) const {
    const std::size_t best = std::min(plan.best, plan.hosts.size());
    std::vector<Host> hosts;
    std::vector<Host> others;
    for (std::size_t i = 0; i < plan.hosts.size(); ++i) {
        const Host& host = plan.hosts[i];
        const bool open =
            i < best && std::ranges::any_of(
                            kDemands,
                            [&](Demand::Kind kind) {
                                return job_->shop->connections->has(place_, key_of(host, kind));
                            }
                        );
        (open ? hosts : others).push_back(host);
    }
    hosts.insert(hosts.end(), others.begin(), others.end());
    return hosts;
}

net::Task<void> HostTries::try_host(Host host) {
    const Found found = co_await addresses_of(host);
    Security security;
    if (!lmtp_) {
        if (found.addresses.empty()) {
            co_return;
        }
        security =
            co_await look_up_host(tools(), domain_, wish_, host, found.secure, found.canonical);
        if (security.demand.refused) {
            refuse(host, security);
            co_return;
        }
    }
    const std::string to = key_of(host, security.demand.kind);
    co_await try_kept(to);
    std::vector<IpAddress> left = found.addresses;
    while (!over()) {
        if (pool_ != nullptr) {
            source_ = pick(*pool_, question_, job_->shop->turns.next(pool_->name));
        }
        std::vector<net::Path> paths = paths_to(left, host.port);
        if (paths.empty()) {
            break;
        }
        const std::vector<Endpoint> done =
            co_await try_addresses(host.name, std::move(paths), to, security);
        std::erase_if(left, [&](const IpAddress& address) {
            return std::ranges::find(done, address, &Endpoint::address) != done.end();
        });
    }
}

std::vector<net::Path> HostTries::paths_to(
    const std::vector<IpAddress>& addresses, std::uint16_t port
) const {
    std::vector<net::Path> paths;
    for (const IpAddress& address : net::interleaved(addresses)) {
        const Endpoint to{address, port};
        const bool asked = std::ranges::find(asked_, to) != asked_.end();
        if (!asked && tries_ + paths.size() < job_->options->addresses_max) {
            const std::optional<SourceAddress>& source = source_.of(address);
            paths.push_back(
                {.to = to, .from = source ? std::optional(source->address) : std::nullopt}
            );
        }
    }
    return paths;
}

// By the first of them that answers; returns those that need no other try.
net::Task<std::vector<Endpoint>> HostTries::try_addresses(
    std::string name, std::vector<net::Path> paths, std::string to, Security security
) {
    const auto peer_at = [&](std::size_t at) {
        Peer peer;
        peer.name = name;
        peer.endpoint = paths[at].to;
        peer.from = paths[at].from;
        return peer;
    };
    std::vector<Endpoint> done;
    Connections::Use use = job_->shop->connections->opening(place_);
    net::Raced raced = co_await net::connect_race(
        job_->executor, paths, net::kAttemptDelay, job_->options->connect_timeout
    );
    for (const net::Raced::Failure& failure : raced.failed) {
        done.push_back(paths[failure.at].to);
        missed(peer_at(failure.at), failure.error);
    }
    if (raced.stream) {
        done.push_back(paths[raced.at].to);
        Peer peer = peer_at(raced.at);
        co_await try_peer(
            std::move(raced.stream),
            std::move(use),
            std::move(peer),
            std::move(to),
            std::move(security)
        );
    }
    co_return done;
}

// No connection could be made.
void HostTries::missed(const Peer& peer, const Error& error) {
    ++tries_;
    ++job_->shop->counters.attempts;
    const smtp::OutgoingMessage message = outgoing(*job_, group_, open_, nullptr, lmtp_);
    Attempt attempt = not_reached(message.recipients, error);
    take_in(peer, attempt);
}

// A host that isn't asked, because it could not show what is demanded.
void HostTries::refuse(const Host& host, const Security& security) {
    refused_ = true;
    TlsSession session;
    session.end = TlsSession::End::Refused;
    session.host = host.name;
    tell(security, session);
    const smtp::Reply& reply = *security.demand.refused;
    Attempt attempt;
    for (std::size_t n = 0; n < open_.size(); ++n) {
        smtp::RecipientOutcome outcome;
        // For good only if no other host can: lacking().
        outcome.stage = reply.permanent() ? Stage::Mail : Stage::StartTls;
        outcome.reply = reply;
        outcome.local = true;
        attempt.recipients.push_back(std::move(outcome));
    }
    const Peer nobody;
    take_in(nobody, attempt);
}

net::Task<HostTries::Found> HostTries::addresses_of(Host host) {
    Found found;
    const Options& options = *job_->options;
    if (host.address) {
        found.addresses.push_back(*host.address);
        keep_reached(host, found.addresses);
        co_return found;
    }
    auto answer =
        co_await job_->shop->deps.resolver.addresses(host.name, options.ipv4, options.ipv6);
    if (!answer) {
        look_up_failed_ = another_time("4.4.3", answer.error().message);
        co_return found;
    }
    found.secure = answer->secure;
    found.canonical = answer->canonical;
    // IPv6 first, and at every second try IPv4 first: a family that is broken on the way after the
    // connection is made, where no race helps, delays half of the tries, and stops none.
    const bool v4_first = job_->entry.attempts % 2 == 1;
    for (const bool first : {true, false}) {
        for (const IpAddress& address : answer->records) {
            if (usable(address) && (address.is_v4() == v4_first) == first) {
                found.addresses.push_back(address);
            }
        }
    }
    keep_reached(host, found.addresses);
    co_return found;
}

// Until one of the kept connections turns out to be alive.
net::Task<void> HostTries::try_kept(std::string to) {
    Shop& shop = *job_->shop;
    while (!open_.empty()) {
        Connections::Taken taken = shop.connections->take(place_, to);
        if (!taken.connection) {
            co_return;
        }
        const Peer peer = taken.connection->peer();
        smtp::OutgoingMessage message = outgoing(*job_, group_, open_, bytes_, lmtp_);
        Attempt attempt = co_await send_again(taken.connection, std::move(message), true);
        const bool stale = attempt.stale;
        shop.counters.reused += stale ? 0 : 1;
        take_in(peer, attempt);
        if (attempt.connection) {
            shop.connections->give(std::move(taken.use), to, std::move(attempt.connection));
        }
        if (!stale) {
            ++tries_;
            asked_.push_back(peer.endpoint);
            co_return;
        }
    }
}

SendOptions HostTries::send_options(const Security& security, const Peer& peer) const {
    const Options& configured = *job_->options;
    SendOptions options;
    const std::optional<SourceAddress>& source = source_.of(peer.endpoint.address);
    options.hostname = source && !source->helo.empty() ? source->helo : configured.route.hostname;
    options.lmtp = lmtp_;
    options.keep = true;
    options.connect_timeout = configured.connect_timeout;
    options.chunking = configured.chunking && !lmtp_;
    options.eight_bit_anyway = configured.eight_bit_anyway || lmtp_;
    options.tls = security.context;
    options.tls_required = security.required;
    options.tls_proof = security.proof();
    options.tls_name = security.tls_name;
    if (rule_) {
        options.implicit_tls = rule_->protocol == RouteRule::Protocol::Submissions;
        options.login_without_tls = rule_->login_without_tls;
        if (!rule_->login.empty()) {
            options.login =
                account::ClientLogin{rule_->login, configured.passwords.at(rule_->name)};
            options.workers = &job_->shop->deps.workers;
        }
    }
    return options;
}

net::Task<void> HostTries::try_peer(
    std::unique_ptr<net::Stream> stream,
    Connections::Use use,
    Peer peer,
    std::string to,
    Security security
) {
    ++tries_;
    Shop& shop = *job_->shop;
    ++shop.counters.attempts;
    SendOptions options = send_options(security, peer);
    std::string ours = peer.socket_path.empty() ? stream->local().address.text() : "";
    smtp::OutgoingMessage message = outgoing(*job_, group_, open_, bytes_, lmtp_);
    Attempt attempt =
        co_await send_message(std::move(stream), peer, std::move(options), std::move(message));
    shop.counters.tls += attempt.tls.empty() ? 0 : 1;
    shop.counters.tls_failed += attempt.tls_failed ? 1 : 0;
    note_tls(security, peer, attempt, std::move(ours));
    take_in(peer, attempt);
    if (attempt.connection) {
        shop.connections->give(std::move(use), std::move(to), std::move(attempt.connection));
    }
}

void HostTries::take_in(const Peer& peer, Attempt& attempt) {
    std::vector<std::size_t> still_open;
    for (std::size_t n = 0; n < open_.size() && n < attempt.recipients.size(); ++n) {
        smtp::RecipientOutcome& outcome = attempt.recipients[n];
        constexpr int closing = 421;  // RFC 5321 §3.8
        if (attempt.stale && (outcome.local || outcome.reply.code == closing)) {
            still_open.push_back(open_[n]);
            continue;
        }
        Tried tried;
        tried.stage = outcome.stage;
        tried.reply = std::move(outcome.reply);
        tried.local = outcome.local;
        tried.remote_name = peer.name;
        tried.remote = peer.name.empty() ? "" : peer.text();
        tried.from = peer.from ? peer.from->text() : "";
        tried.tls = attempt.tls;
        tried.dsn_passed_on = attempt.dsn_offered;
        tried.by_passed_on = attempt.by_offered;
        classify(tried);
        reached_ = reached_ || tried.stage != Stage::Connect;
        if (decide(tried, false) == Decision::NextHost) {
            still_open.push_back(open_[n]);
        }
        // A host that might take it another time weighs more than one that never could.
        Tried& known = result_.tried[open_[n]];
        if (!lacking(tried) || known.reply.code == 0 || lacking(known)) {
            known = std::move(tried);
        }
    }
    open_ = std::move(still_open);
}

}  // namespace sekisho::delivery

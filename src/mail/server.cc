#include "mail/server.h"

#include "account/password.h"
#include "account/sasl.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/login_guard.h"
#include "conduct/login_memory.h"
#include "config/config.h"
#include "dmarc/check.h"
#include "limit/acquaintances.h"
#include "limit/countries.h"
#include "limit/gcra.h"
#include "limit/limiter.h"
#include "limit/spec.h"
#include "mail/call_ahead.h"
#include "mail/forwarding.h"
#include "mail/limiting.h"
#include "mail/password_check.h"
#include "mail/peers.h"
#include "mail/rules.h"
#include "mail/shared.h"
#include "mail/tokens.h"
#include "milter/milter.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/tls.h"
#include "spf/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using Json = nlohmann::json;

std::string_view name(Kind kind) {
    switch (kind) {
        case Kind::Submission:
            return "submission";
        case Kind::Submissions:
            return "submissions";
        case Kind::SubmissionsAlpn:
            return "submissions-alpn";
        case Kind::Exchange:
            return "exchange";
    }
    return "?";
}

// Those that are as before keep what is known of them.
std::vector<std::shared_ptr<milter::Milter>> milters_of(
    const config::Config& config, const Settings* before
) {
    std::vector<std::shared_ptr<milter::Milter>> out;
    for (const config::Milter& one : config.milters) {
        std::shared_ptr<milter::Milter> kept;
        if (before != nullptr) {
            const auto same = std::ranges::find_if(before->milters, [&one](const auto& milter) {
                return milter->config() == one;
            });
            kept = same == before->milters.end() ? nullptr : *same;
        }
        out.push_back(kept ? std::move(kept) : std::make_shared<milter::Milter>(one));
    }
    return out;
}

Json milter_json(milter::Milter& milter) {
    const milter::Counters& c = milter.counters();
    return {
        {"milter", milter.config().name},
        {"down", !milter.trouble().empty()},
        {"messages", c.messages.load()},
        {"passed", c.passed.load()},
        {"accepted", c.accepted.load()},
        {"rejected", c.rejected.load()},
        {"tempfailed", c.tempfailed.load()},
        {"discarded", c.discarded.load()},
        {"quarantined", c.quarantined.load()},
        {"changed", c.changed.load()},
        {"spam", c.spam.load()},
        {"away", c.away.load()},
        {"content_seconds", c.took.json()},
    };
}

// What it knows outlives a reload.
std::shared_ptr<CallAhead> call_ahead_of(
    const config::Config& config, net::Resolver* resolver, const Settings* before
) {
    if (config.delivery.local != "lmtp") {
        return nullptr;
    }
    const bool same = before != nullptr && before->call_ahead != nullptr &&
                      before->config.delivery.lmtp == config.delivery.lmtp;
    if (same) {
        return before->call_ahead;
    }
    return std::make_shared<CallAhead>(
        CallAhead::Options{.where = config.delivery.lmtp, .hostname = config.mail.hostname},
        resolver
    );
}

Result<std::shared_ptr<Settings>> make_settings(
    const config::Config& config,
    std::shared_ptr<const policy::Policy> policy,
    const std::string& srs_secret,
    net::Resolver* resolver,
    const Settings* before
) {
    auto out = std::make_shared<Settings>();
    out->config = config;
    out->policy = std::move(policy);
    out->submission_port = out->config.settings.submission_port;
    for (const std::string& domain : out->config.mail.domains) {
        out->domains.insert(to_lower(domain));
    }
    out->milters = milters_of(config, before);
    out->call_ahead = call_ahead_of(config, resolver, before);
    out->srs_secrets = srs_secrets(config.forwarding, srs_secret);
    out->limits = specs_of(config);
    const bool lines_known = !config.radius.listen.empty() || !config.lines.empty();
    out->ask_line = lines_known || std::ranges::any_of(out->limits, [](const limit::Spec& one) {
                        return one.where != limit::Where::Anywhere ||
                               std::ranges::find(one.by, limit::By::Line) != one.by.end();
                    });
    auto peers = PeerEvidence::load(config.peer_evidence);
    if (!peers) {
        return fail(peers.error());
    }
    out->peers = std::make_shared<const PeerEvidence>(std::move(*peers));
    auto relays = networks_of(config.limits.relay_networks, "limits.relay_networks");
    if (!relays) {
        return fail(relays.error());
    }
    out->relays = std::move(*relays);
    if (const std::string& file = config.limits.country_file; !file.empty()) {
        const auto text = read_file(file);
        auto table =
            text ? limit::Countries::parse(*text) : Result<limit::Countries>{fail(text.error())};
        if (!table) {
            return fail(table.error().code, "limits.country_file: " + table.error().message);
        }
        out->countries = std::make_shared<const limit::Countries>(std::move(*table));
    }
    return out;
}

constexpr std::size_t kAcquaintancesMax = 500'000;

// As with logins: a store that can't say is no reason not to start.
void restore_counters(Shared& shared) {
    if (shared.memory == nullptr) {
        return;
    }
    const limit::Instant at = now();
    const auto states = shared.memory->states(at);
    const auto pairs =
        shared.memory->acquaintances(at - limit::Acquaintances::kKnownFor, kAcquaintancesMax);
    if (!states || !pairs) {
        log::warning("LIMITS_FORGOTTEN", (states ? pairs.error() : states.error()).message);
        return;
    }
    shared.limiter->restore(*states, at);
    shared.acquaintances.restore(*pairs);
}

constexpr std::size_t kRestoredMax = 100'000;

// A store that can't say is no reason not to start: the guard only begins anew.
void restore_logins(Shared& shared) {
    if (shared.logins == nullptr) {
        return;
    }
    const Time at = now();
    const auto successes =
        shared.logins->successes(at - conduct::LoginGuard::kFamiliarFor, kRestoredMax);
    const auto failures =
        shared.logins->failures(at - conduct::LoginGuard::kFailuresFor, kRestoredMax);
    if (!successes || !failures) {
        log::warning("MAIL_LOGINS_FORGOTTEN", (successes ? failures : successes).error().message);
        return;
    }
    for (const conduct::LoginMark& mark : *successes) {
        shared.guard.restore_success(mark);
    }
    for (const conduct::LoginMark& mark : *failures) {
        shared.guard.restore_failure(mark);
    }
}

class MailServer final : public Server {
  public:
    MailServer(Deps deps, std::shared_ptr<Shared> shared)
        : loops_(deps.loops), shared_(std::move(shared)) {}
    MailServer(const MailServer&) = delete;
    MailServer& operator=(const MailServer&) = delete;
    ~MailServer() override { MailServer::stop(std::chrono::seconds(5)); }

    [[nodiscard]] Status bind(const config::Config& config) {
        for (const auto& [kind, endpoints] :
             {std::pair{Kind::Submission, &config.mail.submission},
              std::pair{Kind::Submissions, &config.mail.submissions},
              std::pair{Kind::SubmissionsAlpn, &config.mail.submissions_alpn},
              std::pair{Kind::Exchange, &config.mail.exchange}}) {
            for (const Endpoint& wanted : *endpoints) {
                if (Status bound = bind_one(kind, wanted, config.mail.port_fallback); !bound) {
                    return bound;
                }
            }
        }
        if (bound_.empty()) {
            return fail(Errc::Invalid, "the mail role has nothing to listen on");
        }
        return {};
    }

    Status reload(
        const config::Config& config,
        std::shared_ptr<const policy::Policy> policy,
        std::shared_ptr<const net::TlsContext> tls
    ) override {
        const auto before = shared_->settings();
        auto made = make_settings(
            config,
            policy ? std::move(policy) : before->policy,
            shared_->srs_secret,
            shared_->resolver,
            before.get()
        );
        if (!made) {
            return fail(made.error());
        }
        const std::shared_ptr<Settings> settings = std::move(*made);
        if (Status replaced = shared_->limiter->replace(limits_of(config)); !replaced) {
            return replaced;
        }
        settings->submission_port = told_port(settings->submission_port);
        shared_->set_settings(settings);
        if (tls) {
            shared_->tls.set(std::move(tls));
        }
        log::info("MAIL_RELOADED", "new settings are in force for new connections");
        return {};
    }

    void stop(Duration grace) override {
        // Once only: when it is repeated, the loops may have ended and with them all that could
        // still come to rest.
        if (shared_->stopping.exchange(true)) {
            return;
        }
        for (const auto& listener : listeners_) {
            listener->stop();
        }
        shared_->say_goodbye();
        if (!shared_->wait_idle(grace)) {
            log::warning("MAIL_STOP_FORCED", "sessions did not end in time and are closed");
            shared_->close_all();
            static_cast<void>(shared_->wait_idle(std::chrono::seconds(1)));
        }
    }

    [[nodiscard]] std::vector<BoundListener> listeners() const override { return bound_; }
    [[nodiscard]] limit::Limiter& limiter() override { return *shared_->limiter; }
    [[nodiscard]] std::vector<limit::Spec> limits() const override {
        return shared_->settings()->limits;
    }
    void end_sessions_of(const conduct::Subject& whose) override {
        shared_->end_sessions_of(whose);
    }
    PasswordAnswer check_password(
        const std::string& login, const std::string& password, const IpAddress& from
    ) override {
        return mail::check_password(*shared_, login, password, from);
    }
    Status keep_counters() override {
        if (shared_->past != nullptr) {
            if (Status kept = shared_->brought.keep(*shared_->past); !kept) {
                return kept;
            }
        }
        if (shared_->memory == nullptr) {
            return {};
        }
        if (unkept_.empty() && unkept_pairs_.empty()) {
            unkept_ = shared_->limiter->changes(kKeptAtOnce, now());
            unkept_pairs_ = shared_->acquaintances.changes(kKeptAtOnce);
        }
        if (unkept_.empty() && unkept_pairs_.empty()) {
            return {};
        }
        Status kept = shared_->memory->keep(unkept_, unkept_pairs_);
        if (kept) {
            unkept_.clear();
            unkept_pairs_.clear();
        }
        return kept;
    }
    [[nodiscard]] std::string status_json() const override;

    // Replies name the port that works: the bound one when it is a fallback.
    [[nodiscard]] std::uint16_t told_port(std::uint16_t configured) const {
        for (const BoundListener& one : bound_) {
            if (one.name == name(Kind::Submission) && one.wanted.port == configured &&
                one.bound.port != configured) {
                return one.bound.port;
            }
        }
        return configured;
    }

  private:
    static constexpr std::size_t kKeptAtOnce = 20'000;

    [[nodiscard]] Status bind_one(
        Kind kind, const Endpoint& wanted, const std::vector<std::string>& fallbacks
    ) {
        auto accepted = [shared = shared_, kind](std::unique_ptr<net::Stream> stream) {
            return run_session(shared, kind, std::move(stream));
        };
        auto listener = net::listen(loops_, wanted, std::string(name(kind)), accepted);
        if (!listener) {
            const auto port = fallback_port(fallbacks, wanted.port);
            const bool may =
                listener.error().code == Errc::Conflict || listener.error().code == Errc::Denied;
            if (!may || !port) {
                return fail(listener.error());
            }
            log::warning(
                "MAIL_PORT_FALLBACK",
                fmt::format("port {} can't be had, listening on {} instead", wanted.port, *port),
                {{"service", name(kind)}, {"error", listener.error().message}}
            );
            const Endpoint other{wanted.address, *port};
            listener = net::listen(loops_, other, std::string(name(kind)), accepted);
            if (!listener) {
                return fail(listener.error());
            }
        }
        bound_.push_back({std::string(name(kind)), wanted, (*listener)->local()});
        log::info(
            "MAIL_LISTENING",
            fmt::format("{} on {}", name(kind), bound_.back().bound.text()),
            {{"service", name(kind)}}
        );
        listeners_.push_back(std::move(*listener));
        return {};
    }

    net::Loops& loops_;
    std::shared_ptr<Shared> shared_;
    std::vector<BoundListener> bound_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::vector<limit::State> unkept_;  // until the store has taken them
    std::vector<limit::Acquaintance> unkept_pairs_;
};

std::string MailServer::status_json() const {
    using nlohmann::json;
    const Counters& c = shared_->counters;
    const auto value = [](const Counters::Count& count) {
        return count.load(std::memory_order_relaxed);
    };
    json out;
    out["role"] = "mail";
    out["stopping"] = shared_->stopping.load();
    for (const BoundListener& one : bound_) {
        out["listeners"].push_back(
            {{"name", one.name}, {"wanted", one.wanted.text()}, {"bound", one.bound.text()}}
        );
    }
    out["connections"] = {
        {"total", value(c.connections)},
        {"open", value(c.connections_open)},
        {"refused", value(c.connections_refused)},
        {"early_talkers", value(c.early_talkers)},
        {"timeouts", value(c.timeouts)},
        {"proxies_refused", value(c.proxies_refused)},
        {"browsers", value(c.browsers)},
    };
    out["tls"] = {{"started", value(c.tls_started)}, {"failed", value(c.tls_failed)}};
    out["logins"] = {{"accepted", value(c.logins_accepted)}, {"refused", value(c.logins_refused)}};
    out["messages"] = {
        {"accepted", value(c.messages_accepted)},
        {"signed", value(c.messages_signed)},
        {"recipients", value(c.recipients_accepted)},
        {"octets", value(c.octets_accepted)},
        {"taken_seconds", c.taken.json()},
        {"stored_seconds", c.stored.json()},
    };
    out["misplaced_clients"] = value(c.misplaced_clients);
    out["peers"] = {
        {"server", value(c.peers_server)},
        {"client", value(c.peers_client)},
        {"unknown", value(c.peers_unknown)}
    };
    out["spf"] = json::object();
    for (std::size_t i = 0; i < c.spf.size(); ++i) {
        out["spf"][std::string(spf::name(static_cast<spf::Code>(i)))] = value(c.spf.at(i));
    }
    out["dmarc"] = json::object();
    for (std::size_t i = 0; i < c.dmarc.size(); ++i) {
        out["dmarc"][std::string(dmarc::name(static_cast<dmarc::Result>(i)))] =
            value(c.dmarc.at(i));
    }
    out["greylisted"] = value(c.greylisted);
    for (const auto& milter : shared_->settings()->milters) {
        out["milters"].push_back(milter_json(*milter));
    }
    if (const auto settings = shared_->settings(); settings->call_ahead) {
        const CallAhead::Counters counters = settings->call_ahead->counters();
        out["call_ahead"] = {
            {"asked", counters.asked},
            {"remembered", counters.remembered},
            {"unknown", counters.unknown},
            {"away", counters.away},
        };
    }
    if (shared_->sources) {
        for (const auto& [name, counters] : shared_->sources->counters()) {
            out["account_sources"][name] = {
                {"accepted", counters.accepted},
                {"denied", counters.denied},
                {"not_found", counters.not_found},
                {"recipients_found", counters.found},
                {"recipients_unknown", counters.nobody},
                {"away", counters.away},
            };
        }
    }
    if (shared_->tokens) {
        const Tokens::Counters counters = shared_->tokens->counters();
        out["tokens"] = {
            {"accepted", counters.accepted},
            {"refused", counters.refused},
            {"away", counters.away},
            {"key_fetches", counters.fetches},
            {"key_fetches_failed", counters.fetches_failed},
        };
    }
    out["refused"] = json::object();
    for (std::size_t i = 0; i < c.refused.size(); ++i) {
        if (const std::uint64_t count = value(c.refused.at(i)); count > 0) {
            out["refused"][std::to_string(i + 400)] = count;
        }
    }
    out["limits"] = json::array();
    for (const auto& one : shared_->limiter->counters()) {
        out["limits"].push_back(
            {{"limit", one.limit},
             {"keys", one.keys},
             {"taken", one.taken},
             {"refused", one.refused},
             {"would_refuse", one.would_refuse},
             {"dropped_live", one.dropped_live}}
        );
    }
    return out.dump();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Deps deps) {
    auto made = make_settings(deps.config, deps.policy, deps.srs_secret, deps.resolver, nullptr);
    if (!made) {
        return fail(made.error());
    }
    const std::shared_ptr<Settings> settings = std::move(*made);
    auto limiter = limit::Limiter::make(limits_of(deps.config), {});
    if (!limiter) {
        return fail(limiter.error());
    }
    auto dummy = account::make_dummy_hash({});
    if (!dummy) {
        return fail(dummy.error());
    }
    auto shared = std::make_shared<Shared>(
        deps,
        std::move(*limiter),
        account::SaslSettings{
            .fake_key = deps.sasl_key,
            .dummy_argon2id = std::move(*dummy),
            .oauth_scope = deps.config.oauth.scope,
            .openid_configuration = deps.config.oauth.openid_configuration,
        }
    );
    shared->set_settings(settings);
    restore_logins(*shared);
    restore_counters(*shared);
    const config::Config config = settings->config;
    auto server = std::make_unique<MailServer>(deps, shared);
    if (Status bound = server->bind(config); !bound) {
        return fail(bound.error());
    }
    auto told = std::make_shared<Settings>(*settings);
    told->submission_port = server->told_port(settings->submission_port);
    shared->set_settings(std::move(told));
    return server;
}

}  // namespace sekisho::mail

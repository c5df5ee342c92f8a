// The role mail: store, spool, mail server and delivery under one roof.
#include "account/account.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/complaint_ops.h"
#include "cli/conduct_keeper.h"
#include "cli/context.h"
#include "cli/delivery_ops.h"
#include "cli/dkim_keeper.h"
#include "cli/dkim_ops.h"
#include "cli/event_feeds.h"
#include "cli/exemption_keeper.h"
#include "cli/init.h"
#include "cli/leased_policy.h"
#include "cli/limit_control.h"
#include "cli/mailboxes.h"
#include "cli/own_sources.h"
#include "cli/penalties.h"
#include "cli/queue_control.h"
#include "cli/report_keeper.h"
#include "cli/role.h"
#include "cli/send_as_keeper.h"
#include "cli/spool_ops.h"
#include "cli/suppressions.h"
#include "cli/suspensions.h"
#include "conduct/warden.h"
#include "config/config.h"
#include "delivery/deliverer.h"
#include "delivery/routes/rule.h"
#include "delivery/sts_source.h"
#include "dkim/sign.h"
#include "feed/feeder.h"
#include "mail/forwarding.h"
#include "mail/outlooks.h"
#include "mail/password_check.h"
#include "mail/server.h"
#include "mail/tokens.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "queue/spool.h"
#include "report/dmarc.h"
#include "report/tls.h"
#include "source/source.h"
#include "store/spool_log.h"
#include "store/store.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr unsigned kWorkers = 4;  // database calls, signatures
// Passwords are hashed beside everything else, and behind it: a wave of first logins must not make
// the mail wait of those who are in.
constexpr int kHashersNice = 5;
constexpr auto kSourceTime = std::chrono::seconds(90);  // that says who has a mailbox

Result<std::unique_ptr<queue::Spool>> open_spool(const config::Config& config) {
    if (Status made = make_folder(config.queue.directory, 0700); !made) {
        return fail(made.error());
    }
    return store::SpoolLog::open(spool_options(config));
}

class MailRole final : public Role {
  public:
    MailRole() = default;
    MailRole(const MailRole&) = delete;
    MailRole& operator=(const MailRole&) = delete;
    ~MailRole() override { stop(); }

    static Result<std::unique_ptr<Role>> start(const config::Config& config) {
        auto role = std::make_unique<MailRole>();
        if (Status started = role->open(config); !started) {
            return fail(started.error());
        }
        return role;
    }

    std::vector<std::string> summary() override {
        std::vector<std::string> lines;
        for (const mail::BoundListener& one : server_->listeners()) {
            std::string line = one.name + " " + one.bound.text();
            if (one.bound != one.wanted) {
                line += " (" + std::to_string(one.wanted.port) + " is taken or not permitted)";
            }
            lines.push_back(std::move(line));
        }
        return lines;
    }

    Json status() override {
        Json out = Json::parse(server_->status_json());
        out["queue"] = to_json(spool_->counters());
        out["delivery"] = Json::parse(deliverer_->status_json());
        const auto journal = store_->journal_counters();
        out["journal"] = Json{{"written", journal.written}, {"dropped", journal.dropped}};
        out["feeds"] = feeder_->status();
        out["reports"] = reports_->status();
        {
            const std::scoped_lock lock(conduct_mutex_);
            out["conduct"] = conduct_->status();
        }
        return out;
    }

    Result<std::vector<std::string>> reload(const config::Config& config) override {
        if (Status own = check_own_sources(config.delivery.sources); !own) {
            return fail(own.error());
        }
        auto tls =
            net::TlsContext::server(config.tls.certificate, config.tls.key, config.tls.client_ca);
        if (!tls) {
            return fail(tls.error());
        }
        auto feeds = feed_options(config.events);
        if (!feeds) {
            return fail(feeds.error());
        }
        auto policy = leased_->of_file(config, now());
        if (!policy) {
            return fail(policy.error());
        }
        if (Status done = server_->reload(config, std::move(*policy), *tls); !done) {
            return fail(done.error());
        }
        deliverer_->reload(options_of(config));
        suppressions_->follow(config.suppression);
        feeder_->follow(std::move(*feeds));
        penalties_->follow(config, leased_->bare());
        keeper_->follow(config);
        reports_->follow(config);
        send_as_->follow(config);
        exemptions_->follow(config, leased_->bare());
        {
            const std::scoped_lock lock(conduct_mutex_);
            conduct_->follow(config);
        }
        config_ = config;
        return std::vector<std::string>{};
    }

    Result<Json> command(const std::string& name, const Json& request) override {
        if (name == "login-check") {
            return login_check(request);
        }
        if (name.starts_with("conduct-")) {
            const std::scoped_lock lock(conduct_mutex_);
            return conduct_->command(name, request);
        }
        if (name.starts_with("sendas-")) {
            return send_as_->command(name, request);
        }
        if (name.starts_with("reports-")) {
            return reports_->command(name, request);
        }
        if (name.starts_with("limit-")) {
            return limit_command(*server_, store_->journal(), name, request);
        }
        const QueueDeps deps{
            *spool_,
            store_->journal(),
            *suspensions_,
            [this] { return options_of(config_).notices; },
            &signer_,
            [this](const std::string& name) {
                const auto& routes = config_.delivery.routes;
                return std::ranges::find(routes, name, &delivery::RouteRule::name) != routes.end();
            },
            [this] { return Json::parse(deliverer_->status_json()).at("destinations"); }
        };
        return queue_command(deps, name, request);
    }

    void tick() override {
        keep_counters();
        {
            const std::scoped_lock lock(conduct_mutex_);
            conduct_->tick(now());
        }
        suspensions_->tick(now());
        exemptions_->tick(now());
        auto policy = leased_->changed(config_, now());
        if (!policy) {
            return;
        }
        if (const Status done = server_->reload(config_, std::move(policy), nullptr); !done) {
            log::error(
                "LEASES_NOT_FOLLOWED",
                "the old exemptions and penalties stay",
                {{"error", done.error().message}}
            );
        }
        penalties_->follow(config_, leased_->bare());
    }

    void tidy(const config::Retention& retention) override {
        forget_old(*store_, retention);
        suppressions_->tidy(now());
        reports_->tidy(now());
    }

    void stop() override {
        if (server_) {
            server_->stop();
            keep_counters();
            const std::scoped_lock lock(conduct_mutex_);
            conduct_->tick(now());
        }
        if (deliverer_) {
            deliverer_->stop(std::chrono::seconds(5));
        }
        if (keeper_) {
            keeper_->stop();
        }
        if (reports_) {
            reports_->stop();
        }
        if (feeder_) {
            feeder_->stop();
        }
        if (loops_) {
            loops_->stop();
        }
        feeder_.reset();
        deliverer_.reset();
        server_.reset();
        resolver_.reset();
        peer_resolver_.reset();
        hashers_.reset();
        workers_.reset();
        reports_.reset();
        spool_.reset();
        loops_.reset();
        if (store_) {
            static_cast<void>(store_->journal().flush());
        }
    }

  private:
    // Said once when it begins to fail, and once when it works again.
    void keep_counters() {
        const Status kept = server_->keep_counters();
        if (kept.has_value() != counters_kept_) {
            counters_kept_ = kept.has_value();
            if (kept) {
                log::info("LIMITS_KEPT", "the counters of limits are kept again");
            } else {
                log::error(
                    "LIMITS_NOT_KEPT",
                    "a restart now would forget what limits have counted",
                    {{"error", kept.error().message}}
                );
            }
        }
    }

    // The subscriber's page asks; on the worker of this socket, never on a loop of mail.
    Result<Json> login_check(const Json& request) {
        const auto from = IpAddress::parse(request.value("address", ""));
        if (!from) {
            return fail(from.error());
        }
        const mail::PasswordAnswer answer = server_->check_password(
            request.value("login", ""), request.value("password", ""), *from
        );
        return Json{
            {"verdict", mail::name(answer.verdict)},
            {"login", answer.login},
            {"detail", answer.detail}
        };
    }

    // What doesn't lead to a message of ours is only mail.
    void read_report(const std::string& report) {
        const auto taken = take_complaint(*store_, report);
        if (!taken) {
            log::info("COMPLAINT_NOT_TAKEN", taken.error().message);
        }
    }

    Status open(const config::Config& config) {
        config_ = config;
        if (Status own = check_own_sources(config.delivery.sources); !own) {
            return own;
        }
        if (Status made = ensure_certificate(config); !made) {
            return made;
        }
        auto store = store::open_store(config.database());
        if (!store) {
            return fail(store.error());
        }
        store_ = std::move(*store);
        leased_.emplace(*store_);
        penalties_.emplace(*store_);
        auto spool = open_spool(config);
        if (!spool) {
            return fail(spool.error());
        }
        spool_ = std::move(*spool);
        suspensions_.emplace(*store_, *spool_);
        if (Status loaded = suspensions_->load(); !loaded) {
            return loaded;
        }
        for (const queue::Damage& one : spool_->damage()) {
            log::warning(
                "SPOOL_DAMAGE",
                one.text,
                {{"kind", queue::name(one.kind)}, {"queue_id", one.queue_id}}
            );
        }
        loops_ = net::Loops::make(0);
        workers_ = net::Workers::make(kWorkers);
        hashers_ = net::Workers::make(std::thread::hardware_concurrency(), kHashersNice);
        suppressions_.emplace(
            SuppressionKeeper::Deps{store_->suppression(), store_->journal(), *workers_}
        );
        suppressions_->follow(config.suppression);
        if (Status served = serve(); !served) {
            return served;
        }
        if (Status ready = key_store(config).prepare(); !ready) {
            return ready;
        }
        if (Status dropped = drop_rights(config); !dropped) {
            return dropped;
        }
        if (Status delivering = deliver(); !delivering) {
            return delivering;
        }
        if (Status fed = feed(); !fed) {
            return fed;
        }
        keeper_.emplace(config, DkimKeeper::Deps{*loops_, *workers_, *peer_resolver_, signer_});
        keeper_->start();
        exemptions_.emplace(ExemptionKeeper::Deps{*store_, *spool_, *loops_, *peer_resolver_});
        exemptions_->follow(config, leased_->bare());
        loops_->run();
        reports_->start();
        return {};
    }

    Status serve() {
        auto policy = leased_->of_file(config_, now());
        if (!policy) {
            return fail(policy.error());
        }
        auto tls = net::TlsContext::server(
            config_.tls.certificate, config_.tls.key, config_.tls.client_ca
        );
        if (!tls) {
            return fail(tls.error());
        }
        constexpr std::size_t kKeyBytes = 32;
        auto key = store_->setting_or_make("sasl_key", [] { return random_bytes(kKeyBytes); });
        if (!key) {
            return fail(key.error());
        }
        constexpr int kSecretBits = 160;
        auto secret =
            store_->setting_or_make("srs_secret", [] { return random_token(kSecretBits); });
        if (!secret) {
            return fail(secret.error());
        }
        srs_secret_ = std::move(*secret);
        if (Status made = make_peer_resolver(); !made) {
            return made;
        }
        penalties_->follow(config_, leased_->bare());
        auto unverified = net::TlsContext::client_opportunistic();
        if (!unverified) {
            return fail(unverified.error());
        }
        reports_.emplace(
            ReportKeeper::Deps{
                *store_, *spool_, *peer_resolver_, loops_->executor(0), signer_, *unverified
            },
            config_
        );
        std::shared_ptr<mail::Tokens> tokens;
        if (config_.oauth.enabled()) {
            auto made = mail::Tokens::make(config_.oauth, peer_resolver_.get(), *workers_);
            if (!made) {
                return fail(made.error());
            }
            tokens = std::move(*made);
        }
        if (!config_.account_sources.empty()) {
            auto made = source::Sources::make(config_.account_sources);
            if (!made) {
                return fail(made.error());
            }
            sources_ = std::move(*made);
        }
        conduct_.emplace(ConductKeeper::Deps{
            *store_,
            *spool_,
            warden_,
            [this](const conduct::Subject& whose) { server_->end_sessions_of(whose); },
            elsewhere()
        });
        conduct_->follow(config_);
        if (Status restored = conduct_->restore(); !restored) {
            return restored;
        }
        if (Status web = outlooks_.ask_web(config_.delivery.trust_ca); !web) {
            return web;
        }
        auto server = mail::Server::start(
            {.config = config_,
             .loops = *loops_,
             .workers = *workers_,
             .tls = *tls,
             .accounts = store_->accounts(),
             .spool = *spool_,
             .journal = store_->journal(),
             .lines = store_->lines(),
             .policy = std::move(*policy),
             .hashers = hashers_.get(),
             .sasl_key = *key,
             .resolver = peer_resolver_.get(),
             .greylist = &store_->greylist(),
             .past = &store_->past(),
             .punish = [this](
                           const IpAddress& peer, const std::string& why
                       ) { penalties_->add(peer, why); },
             .logins = &store_->logins(),
             .warden = &warden_,
             .complaint = [this](const std::string& report) { read_report(report); },
             .dmarc_seen = [this](const report::DmarcSeen& seen) { reports_->note(seen); },
             .report_mail = [this](const mail::ReportMail& mail) { reports_->read(mail); },
             .counters = &store_->limits(),
             .signer = &signer_,
             .send_as = &store_->send_as(),
             .outlooks = &outlooks_,
             .sources = sources_,
             .tokens = std::move(tokens),
             .forwards = &store_->forwards(),
             .srs_secret = srs_secret_,
             .suppression = &store_->suppression(),
             .greeting_wait = config_.mail.greeting_wait}
        );
        if (!server) {
            return fail(server.error());
        }
        server_ = std::move(*server);
        send_as_.emplace(
            SendAsKeeper::Deps{
                *store_, *spool_, outlooks_, *peer_resolver_, loops_->executor(0), elsewhere()
            },
            config_
        );
        return {};
    }

    std::function<std::optional<account::Account>(const std::string&)> elsewhere() {
        return [sources = sources_](const std::string& login) {
            return sources ? sources->seen(login) : std::nullopt;
        };
    }

    // A peer waits for the answer, and what is not found in time is no evidence.
    Status make_peer_resolver() {
        net::ResolverOptions options;
        options.forward_to = config_.delivery.resolvers;
        options.trust_anchor_file = config_.delivery.trust_anchor;
        options.timeout = config_.mail.lookup_timeout;
        auto resolver = net::Resolver::make(loops_->executor(0), options);
        if (!resolver) {
            return fail(resolver.error());
        }
        peer_resolver_ = std::move(*resolver);
        return {};
    }

    Status deliver() {
        net::ResolverOptions options;
        options.forward_to = config_.delivery.resolvers;
        options.trust_anchor_file = config_.delivery.trust_anchor;
        auto resolver = net::Resolver::make(loops_->executor(0), options);
        if (!resolver) {
            return fail(resolver.error());
        }
        resolver_ = std::move(*resolver);
        auto tls = net::TlsContext::client_opportunistic(config_.delivery.trust_ca);
        if (!tls) {
            return fail(tls.error());
        }
        auto verified = net::TlsContext::client_verified(config_.delivery.trust_ca);
        if (!verified) {
            return fail(verified.error());
        }
        const auto find_mailbox = [this](std::string_view address) -> Result<std::string> {
            // RFC 5321 §4.5.1: "postmaster" alone is of our own domain.
            const std::string full = address.find('@') == std::string_view::npos
                                         ? std::string(address) + "@" + config_.mail.domains.front()
                                         : std::string(address);
            return cli::find_mailbox(
                {store_->accounts(), sources_, loops_->executor(0), kSourceTime}, full
            );
        };
        deliverer_ = delivery::Deliverer::make(
            {*loops_,
             *workers_,
             *resolver_,
             *spool_,
             store_->journal(),
             *tls,
             find_mailbox,
             &signer_,
             &suspensions_->table(),
             *verified,
             delivery::StsSource::make(
                 {*resolver_, *workers_, store_->mta_sts(), *verified, config_.delivery.mta_sts_port
                 }
             ),
             &*suppressions_,
             [this](const report::TlsSeen& seen) { reports_->note(seen); }},
            options_of(config_)
        );
        reports_->settle();
        deliverer_->start();
        return {};
    }

    [[nodiscard]] delivery::Options options_of(const config::Config& config) const {
        delivery::Options out = delivery_options(config);
        out.notices.original_sender = [secrets = mail::srs_secrets(config.forwarding, srs_secret_)](
                                          const std::string& sender
                                      ) { return mail::original_sender(sender, secrets, now()); };
        return out;
    }

    Status feed() {
        auto options = feed_options(config_.events);
        if (!options) {
            return fail(options.error());
        }
        const feed::Feeder::Deps deps{
            loops_->executor(0), *workers_, *resolver_, *store_, config_.database()
        };
        auto feeder = feed::Feeder::make(deps, std::move(*options));
        if (!feeder) {
            return fail(feeder.error());
        }
        feeder_ = std::move(*feeder);
        return {};
    }

    config::Config config_;
    std::string srs_secret_;
    std::unique_ptr<store::Store> store_;
    std::optional<LeasedPolicy> leased_;
    std::optional<Penalties> penalties_;
    std::unique_ptr<queue::Spool> spool_;
    std::optional<SuspensionKeeper> suspensions_;
    std::optional<SuppressionKeeper> suppressions_;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Workers> workers_, hashers_;
    std::unique_ptr<net::Resolver> resolver_, peer_resolver_;
    dkim::SignerHolder signer_;
    mail::Outlooks outlooks_{&signer_};
    std::optional<DkimKeeper> keeper_;
    std::optional<ExemptionKeeper> exemptions_;
    conduct::Warden warden_;
    std::mutex conduct_mutex_;
    std::shared_ptr<source::Sources> sources_;
    std::optional<ConductKeeper> conduct_;
    std::optional<SendAsKeeper> send_as_;
    std::optional<ReportKeeper> reports_;
    std::unique_ptr<mail::Server> server_;
    bool counters_kept_ = true;
    std::unique_ptr<delivery::Deliverer> deliverer_;
    std::unique_ptr<feed::Feeder> feeder_;
};

}  // namespace

int run_mail(const Context& context) {
    return run_role(context, "mail", MailRole::start);
}

}  // namespace sekisho::cli

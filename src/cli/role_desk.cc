// The role desk: the guide, the API, the console and the metrics on HTTP.
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/acme.h"
#include "cli/context.h"
#include "cli/init.h"
#include "cli/leased_policy.h"
#include "cli/role.h"
#include "config/config.h"
#include "desk/desk.h"
#include "net/certificate.h"
#include "net/cms.h"
#include "net/control.h"
#include "net/http.h"
#include "net/server.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "store/store.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// A refused sign-in keeps one waiting for a second; at most four do (desk/my_gate.h).
constexpr unsigned kWorkers = 8;
constexpr std::string_view kAppleProfile = "application/x-apple-aspen-config";
constexpr Duration kCertificateLook = std::chrono::minutes(10);

// Another role's answer, as the desk wants it: the result's object, or an object with "error".
Result<std::string> ask_for_desk(
    const config::Config& config, const std::string& role, const std::string& request
) {
    const Json parsed = Json::parse(request, nullptr, false);
    auto answer = ask(config, role, parsed);
    if (answer) {
        return answer->dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    if (answer.error().code == Errc::NotFound || answer.error().code == Errc::Conflict ||
        answer.error().code == Errc::Unavailable) {
        return fail(answer.error());
    }
    return Json{{"error", answer.error().message}}.dump();
}

// Where mail.port_fallback lets the mail role take other ports, the pages name those it got. With
// no mail role to ask, those configured.
config::Config with_bound_ports(config::Config config) {
    if (config.mail.port_fallback.empty()) {
        return config;
    }
    const auto status = ask(config, "mail", Json{{"command", "status"}});
    if (!status || !status->contains("listeners")) {
        return config;
    }
    for (const Json& one : (*status)["listeners"]) {
        const auto wanted = Endpoint::parse(one.value("wanted", ""));
        const auto bound = Endpoint::parse(one.value("bound", ""));
        const std::string name = one.value("name", "");
        std::uint16_t& told = name == "submissions" ? config.settings.submissions_port
                                                    : config.settings.submission_port;
        if (name.starts_with("submission") && wanted && bound && wanted->port == told) {
            told = bound->port;
        }
    }
    return config;
}

class DeskRole final : public Role {
  public:
    DeskRole() = default;
    DeskRole(const DeskRole&) = delete;
    DeskRole& operator=(const DeskRole&) = delete;
    ~DeskRole() override { stop(); }

    static Result<std::unique_ptr<Role>> start(const config::Config& config) {
        auto role = std::make_unique<DeskRole>();
        if (Status opened = role->open(config); !opened) {
            return fail(opened.error());
        }
        return role;
    }

    std::vector<std::string> summary() override {
        std::vector<std::string> lines{"guide and desk " + config_.provider.guide_url + "/"};
        for (const auto& one : listeners_) {
            lines.push_back("http " + one->local().text());
        }
        return lines;
    }

    Json status() override {
        Json endpoints = Json::array();
        for (const auto& one : listeners_) {
            endpoints.push_back(one->local().text());
        }
        return Json{{"listen", endpoints}, {"guide_url", config_.provider.guide_url}};
    }

    Result<std::vector<std::string>> reload(const config::Config& config) override {
        auto policy = leased_->of_file(config, now());
        if (!policy) {
            return fail(policy.error());
        }
        if (tls_) {
            auto tls = net::TlsContext::server(config.tls.certificate, config.tls.key);
            if (!tls) {
                return fail(tls.error());
            }
            tls_->set(*tls);
        }
        desk_->replace(with_bound_ports(config), std::move(*policy));
        config_ = config;
        guide_ = std::make_shared<const std::string>(config.provider.guide_url);
        take_signer(config);
        return std::vector<std::string>{};
    }

    Result<Json> command(const std::string& name, const Json& /*request*/) override {
        return fail(Errc::NotFound, "the desk knows no command \"" + name + "\"");
    }

    void tick() override {
        if (auto policy = leased_->changed(config_, now())) {
            desk_->replace(with_bound_ports(config_), std::move(policy));
        }
        look_at_certificate(now());
    }

    void tidy(const config::Retention& retention) override { forget_old(*store_, retention); }

    void stop() override {
        stopping_ = true;
        for (const auto& one : listeners_) {
            one->stop();
        }
        for (const auto& one : authority_) {
            one->stop();
        }
        if (loops_) {
            loops_->stop();
        }
        listeners_.clear();
        authority_.clear();
        workers_.reset();
        loops_.reset();
        desk_.reset();
        store_.reset();
    }

  private:
    Status open(const config::Config& config) {
        config_ = config;
        state_dir_ = config.state_dir;
        guide_ = std::make_shared<const std::string>(config.provider.guide_url);
        if (Status made = ensure_token(config); !made) {
            return made;
        }
        auto store = store::open_store(config.database());
        if (!store) {
            return fail(store.error());
        }
        store_ = std::move(*store);
        leased_.emplace(*store_);
        auto policy = leased_->of_file(config, now());
        if (!policy) {
            return fail(policy.error());
        }
        desk_ = std::make_unique<desk::Desk>(desk::Deps{
            with_bound_ports(config),
            std::move(*policy),
            store_->accounts(),
            store_->lines(),
            store_->journal(),
            store_->leases(),
            store_->staff(),
            [config](const std::string& role, const std::string& request) {
                return ask_for_desk(config, role, request);
            },
            &store_->sessions(),
            &store_->requests(),
            std::chrono::seconds(1),
            {},
            {},
            &store_->reports()
        });
        take_signer(config);
        loops_ = net::Loops::make(1);
        workers_ = net::Workers::make(kWorkers);
        if (Status listening = listen(); !listening) {
            return listening;
        }
        if (Status dropped = drop_rights(config); !dropped) {
            return dropped;
        }
        loops_->run();
        return {};
    }

    Status listen() {
        net::HttpOptions options;
        if (config_.http.tls) {
            if (Status made = ensure_certificate(config_); !made) {
                return made;
            }
            auto tls = net::TlsContext::server(config_.tls.certificate, config_.tls.key);
            if (!tls) {
                return fail(tls.error());
            }
            tls_ = std::make_shared<net::TlsHolder>(*tls);
            options.tls = tls_;
        }
        for (const Endpoint& at : config_.http.listen) {
            auto listener = net::serve_http(
                *loops_,
                *workers_,
                at,
                options,
                [this](const net::HttpRequest& request) { return handle(request); }
            );
            if (!listener) {
                return fail(listener.error());
            }
            listeners_.push_back(std::move(*listener));
        }
        for (const Endpoint& at : config_.acme.listen) {
            auto listener = net::serve_http(
                *loops_,
                *workers_,
                at,
                {},
                [this](const net::HttpRequest& request) { return answer_authority(request); }
            );
            if (!listener) {
                return fail(listener.error());
            }
            authority_.push_back(std::move(*listener));
        }
        return {};
    }

    net::HttpResponse handle(const net::HttpRequest& request) {
        if (auto challenge = challenge_of(request)) {
            return std::move(*challenge);
        }
        net::HttpResponse response = desk_->handle(request);
        if (response.content_type == kAppleProfile) {
            sign_profile(response);
        }
        return response;
    }

    // Without a signer it goes as it is: a device then says that nobody vouches for it.
    void sign_profile(net::HttpResponse& response) {
        const auto signer = signer_.load();
        if (!signer) {
            return;
        }
        auto wrapped = signer->sign(response.body);
        if (wrapped) {
            response.body = std::move(*wrapped);
        } else {
            log::error("PROFILE_NOT_SIGNED", wrapped.error().message);
        }
    }

    // A certificate that nobody else signed says no more than none.
    void take_signer(const config::Config& config) {
        const auto facts = net::read_certificate(config.tls.certificate, config.mail.hostname);
        std::shared_ptr<const net::CmsSigner> signer;
        if (facts && !facts->self_signed) {
            auto opened = net::CmsSigner::open(config.tls.certificate, config.tls.key);
            if (opened) {
                signer = std::move(*opened);
            } else {
                log::error("PROFILE_NOT_SIGNED", opened.error().message);
            }
        }
        signer_ = std::move(signer);
    }

    // Who comes in plain for anything else is sent to where the guide is.
    net::HttpResponse answer_authority(const net::HttpRequest& request) {
        if (auto challenge = challenge_of(request)) {
            return std::move(*challenge);
        }
        net::HttpResponse response;
        response.status = 301;
        response.headers.emplace_back("Location", *guide_.load() + "/");
        return response;
    }

    std::optional<net::HttpResponse> challenge_of(const net::HttpRequest& request) {
        const auto answer = challenge_answer(state_dir_, request.path);
        if (!answer) {
            return std::nullopt;
        }
        net::HttpResponse response;
        response.status = *answer ? 200 : 404;
        response.content_type = "text/plain; charset=utf-8";
        response.body = *answer ? **answer : "no such challenge\n";
        return response;
    }

    // On a worker, for it takes as long as the authority does.
    void look_at_certificate(Time now) {
        if (now < look_at_certificate_ || obtaining_.load()) {
            return;
        }
        look_at_certificate_ = now + kCertificateLook;
        const auto why = acme_due(config_, now);
        const auto failure = last_failure(config_);
        if (!why || (failure && now < next_try(*failure))) {
            return;
        }
        log::info("ACME_DUE", "a certificate is asked for", {{"why", *why}});
        obtaining_ = true;
        workers_->post([this, config = config_] {
            if (const Status done = obtain_certificate(config, stopping_); !done) {
                log::error("ACME_FAILED", done.error().message);
            } else {
                log::info("ACME_OBTAINED", "a new certificate is in force");
            }
            obtaining_ = false;
        });
    }

    config::Config config_;
    std::unique_ptr<store::Store> store_;
    std::optional<LeasedPolicy> leased_;
    std::unique_ptr<desk::Desk> desk_;
    std::shared_ptr<net::TlsHolder> tls_;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Workers> workers_;
    std::vector<std::unique_ptr<net::Listener>> listeners_, authority_;
    std::string state_dir_;
    std::atomic<std::shared_ptr<const std::string>> guide_;
    std::atomic<std::shared_ptr<const net::CmsSigner>> signer_;
    std::atomic<bool> obtaining_{false}, stopping_{false};
    Time look_at_certificate_{};
};

}  // namespace

int run_desk(const Context& context) {
    return run_role(context, "desk", DeskRole::start);
}

}  // namespace sekisho::cli

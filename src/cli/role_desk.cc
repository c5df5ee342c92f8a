// The role desk: the guide, the API, the console and the metrics on HTTP.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/init.h"
#include "cli/leased_policy.h"
#include "cli/role.h"
#include "config/config.h"
#include "desk/desk.h"
#include "net/control.h"
#include "net/http.h"
#include "net/server.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "store/store.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// A refused sign-in keeps one waiting for a second; at most four do (desk/my_gate.h).
constexpr unsigned kWorkers = 8;

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
        return std::vector<std::string>{};
    }

    Result<Json> command(const std::string& name, const Json& /*request*/) override {
        return fail(Errc::NotFound, "the desk knows no command \"" + name + "\"");
    }

    void tick() override {
        if (auto policy = leased_->changed(config_, now())) {
            desk_->replace(with_bound_ports(config_), std::move(policy));
        }
    }

    void tidy(const config::Retention& retention) override { forget_old(*store_, retention); }

    void stop() override {
        for (const auto& one : listeners_) {
            one->stop();
        }
        if (loops_) {
            loops_->stop();
        }
        listeners_.clear();
        workers_.reset();
        loops_.reset();
        desk_.reset();
        store_.reset();
    }

  private:
    Status open(const config::Config& config) {
        config_ = config;
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
                [this](const net::HttpRequest& request) { return desk_->handle(request); }
            );
            if (!listener) {
                return fail(listener.error());
            }
            listeners_.push_back(std::move(*listener));
        }
        return {};
    }

    config::Config config_;
    std::unique_ptr<store::Store> store_;
    std::optional<LeasedPolicy> leased_;
    std::unique_ptr<desk::Desk> desk_;
    std::shared_ptr<net::TlsHolder> tls_;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Workers> workers_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace

int run_desk(const Context& context) {
    return run_role(context, "desk", DeskRole::start);
}

}  // namespace sekisho::cli

// The role gate: store, daemon and RADIUS accounting under one roof.
#include "base/ip.h"
#include "base/result.h"
#include "cli/context.h"
#include "cli/explain.h"
#include "cli/lease_ops.h"
#include "cli/role.h"
#include "config/config.h"
#include "gate/daemon/accounting.h"
#include "gate/daemon/daemon.h"
#include "gate/daemon/line_sources.h"
#include "gate/enforce/engine.h"
#include "policy/policy.h"
#include "store/store.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

class GateRole final : public Role {
  public:
    static Result<std::unique_ptr<Role>> start(const config::Config& config) {
        auto role = std::make_unique<GateRole>();
        role->config_ = config;
        // This role alone writes sessions, and asks for one with every flow.
        auto store = store::open_store(config.database(), {.index_lines = true});
        if (!store) {
            return fail(store.error());
        }
        role->store_ = std::move(*store);
        auto policy = policy::Policy::compile(config.policy);
        if (!policy) {
            return fail(policy.error());
        }
        auto daemon = gate::Daemon::start(
            config,
            {*policy,
             role->store_->lines(),
             role->store_->journal(),
             role->store_->leases(),
             nullptr}
        );
        if (!daemon) {
            return fail(daemon.error());
        }
        role->daemon_ = std::move(*daemon);
        auto accounting = gate::Accounting::start(config, role->store_->lines());
        if (!accounting) {
            return fail(accounting.error());
        }
        role->accounting_ = std::move(*accounting);
        role->sources_ = gate::LineSources::start(config.lines, role->store_->lines());
        return role;
    }

    std::vector<std::string> summary() override {
        const Json status = Json::parse(daemon_->status_json());
        std::string line = config_.gate.mode + " with " + config_.gate.engine;
        std::string faults;
        for (const Json& one : status.value("interfaces", Json::array())) {
            const std::string mode = one.value("mode", "");
            if (mode.empty()) {
                faults += (faults.empty() ? "not on " : ", ") + one.value("name", "");
            } else {
                line += (line.ends_with(')') ? ", " : " on ") + one.value("name", "") + " (" +
                        mode + ")";
            }
        }
        std::vector<std::string> lines{line};
        if (!faults.empty()) {
            lines.push_back(faults);
        }
        for (const std::string& at :
             accounting_ ? accounting_->endpoints() : std::vector<std::string>{}) {
            lines.push_back("RADIUS accounting " + at);
        }
        return lines;
    }

    Json status() override {
        Json out = Json::parse(daemon_->status_json());
        if (accounting_) {
            out["radius"] = accounting_->status();
        }
        const store::LineIndexStatus index = store_->line_index();
        out["lines"] = {
            {"indexed", index.ready}, {"sessions", index.sessions}, {"bytes", index.bytes}
        };
        if (!index.error.empty()) {
            out["lines"]["error"] = index.error;
        }
        out["lines"]["sources"] = sources_->status();
        return out;
    }

    Result<std::vector<std::string>> reload(const config::Config& config) override {
        if (Status done = daemon_->reload(config); !done) {
            return fail(done.error());
        }
        std::vector<std::string> notes;
        if (accounting_) {
            accounting_->reload(config);
        }
        sources_->reload(config.lines);
        if (config.radius.listen != config_.radius.listen ||
            config.radius.forward != config_.radius.forward ||
            config.radius.forward_secret != config_.radius.forward_secret ||
            config.radius.forward_timeout != config_.radius.forward_timeout) {
            notes.emplace_back("radius.listen and radius.forward* take effect at the next start");
        }
        config_ = config;
        return notes;
    }

    Result<Json> command(const std::string& name, const Json& request) override {
        if (name == "explain") {
            const auto source = IpAddress::parse(request.value("source", ""));
            const auto destination = IpAddress::parse(request.value("destination", ""));
            if (!source || !destination) {
                return fail(source ? destination.error() : source.error());
            }
            return explained(*daemon_->policy(), config_.gate.mode, *source, *destination);
        }
        if (name == "leases") {  // somebody else changed them in the store
            const Status followed = daemon_->refresh_leases();
            return followed ? Result<Json>(Json::object()) : fail(followed.error());
        }
        return lease(name, request);
    }

    void tidy(const config::Retention& retention) override { forget_old(*store_, retention); }

    void stop() override {
        accounting_.reset();
        sources_.reset();
        daemon_->stop();
        static_cast<void>(store_->journal().flush());
    }

  private:
    // The change, and what it came to.
    Result<Json> lease(const std::string& command, const Json& request) {
        auto changed =
            change_lease(*store_, *daemon_->without_leases(), config_.gate, command, request);
        if (!changed) {
            return changed;
        }
        if (Status followed = daemon_->refresh_leases(); !followed) {
            return fail(followed.error());
        }
        const Json status = Json::parse(daemon_->status_json());
        for (const Json& one : status["leases"]["each"]) {
            if (one["id"] == (*changed)["id"]) {
                (*changed)["in_force"] = one["prefixes"];
                (*changed)["why_not"] = one.value("why_not", "");
            }
        }
        return changed;
    }

    config::Config config_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<gate::Daemon> daemon_;
    std::unique_ptr<gate::Accounting> accounting_;
    std::unique_ptr<gate::LineSources> sources_;
};

}  // namespace

int run_gate(const Context& context) {
    return run_role(context, "gate", GateRole::start);
}

}  // namespace sekisho::cli

// The role gate: store, daemon and RADIUS accounting under one roof.
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/explain.h"
#include "cli/lease_ops.h"
#include "cli/policy_history.h"
#include "cli/role.h"
#include "config/config.h"
#include "config/reader.h"
#include "gate/daemon/accounting.h"
#include "gate/daemon/daemon.h"
#include "gate/daemon/line_sources.h"
#include "gate/enforce/engine.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "store/store.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr Duration kApplySoon{30'000};  // between the word of `gate apply` and its reload

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
        role->history_.emplace(*role->store_);
        if (Status settled = role->roll_back_unconfirmed(); !settled) {
            return fail(settled.error());
        }
        auto staged = role->staged(config, false);
        if (!staged) {
            return fail(staged.error());
        }
        role->staged_ = std::move(*staged);
        auto daemon = gate::Daemon::start(
            config,
            {role->staged_->policy(),
             role->store_->lines(),
             role->store_->journal(),
             role->store_->leases(),
             role->store_->evidence(),
             nullptr}
        );
        if (!daemon) {
            return fail(daemon.error());
        }
        role->daemon_ = std::move(*daemon);
        if (Status kept = role->keep(config, {.by = "start"}); !kept) {
            return fail(kept.error());
        }
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
        out["line_index"] = {
            {"indexed", index.ready}, {"sessions", index.sessions}, {"bytes", index.bytes}
        };
        if (!index.error.empty()) {
            out["line_index"]["error"] = index.error;
        }
        out["line_index"]["sources"] = sources_->status();
        return out;
    }

    Result<std::vector<std::string>> reload(const config::Config& config) override {
        const std::optional<Apply> apply = std::exchange(apply_, std::nullopt);
        const bool asked = apply && now() - apply->at <= kApplySoon;
        auto staged = this->staged(config, asked);
        if (!staged) {
            return fail(staged.error());
        }
        if (Status done = daemon_->reload(config, staged->policy()); !done) {
            return fail(done.error());
        }
        staged_ = std::move(*staged);
        if (Status kept = keep(config, asked ? *apply : Apply{.by = "reload"}); !kept) {
            return fail(kept.error());
        }
        std::vector<std::string> notes;
        if (accounting_) {
            accounting_->reload(config);
        }
        sources_->reload(config.lines);
        if (held_) {
            notes.emplace_back(
                "the policy of the file was rolled back: the earlier one stays until the file has "
                "another, or `sekisho gate apply`"
            );
        }
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
        if (name == "top") {
            const auto limit = request.value("limit", std::size_t{20});
            return Json{{"lines", Json::parse(daemon_->busiest_json(limit))}};
        }
        if (name == "leases") {  // somebody else changed them in the store
            const Status followed = daemon_->refresh_leases();
            return followed ? Result<Json>(Json::object()) : fail(followed.error());
        }
        if (name == "policy-apply") {  // of the reload that follows
            apply_ = Apply{
                .by = request.at("by"),
                .note = request.at("note"),
                .confirm = request.at("confirm").is_null()
                               ? std::nullopt
                               : std::optional(Duration{request.at("confirm").get<std::int64_t>()}),
                .at = now(),
                .asked = true
            };
            return Json::object();
        }
        if (name == "policy-confirm") {
            const Status confirmed = history_->confirm();
            return confirmed ? Result<Json>(Json::object()) : fail(confirmed.error());
        }
        if (name == "policy-rollback") {
            const Status back = roll_back(
                request.at("version"), request.at("refused"), request.at("by"), request.at("note")
            );
            return back ? Result<Json>(Json::object()) : fail(back.error());
        }
        return lease(name, request);
    }

    void tick() override {
        if (const Status settled = roll_back_unconfirmed(); !settled) {
            log::error(
                "ROLLBACK_FAILED",
                "a policy that nobody confirmed is still in force",
                {{"error", settled.error().message}}
            );
        }
        follow_steps();
    }

    void follow_steps() {
        Status done;
        if (const auto policy = staged_->follow(now()); !policy) {
            done = fail(policy.error());
        } else if (*policy != nullptr) {
            done = daemon_->reload(config_, *policy);
        }
        if (!done) {
            log::error(
                "STEP_REFUSED",
                "a step of a rule has come and can't be put in force",
                {{"error", done.error().message}}
            );
        }
    }

    void tidy(const config::Retention& retention) override { forget_old(*store_, retention); }

    void stop() override {
        accounting_.reset();
        sources_.reset();
        daemon_->stop();
        static_cast<void>(store_->journal().flush());
    }

  private:
    struct Apply {
        std::string by, note;
        std::optional<Duration> confirm;
        Time at{};
        bool asked = false;  // by name: also when the file's policy was rolled back before
    };

    // The policy of this file, or the one that it was rolled back to.
    Result<policy::Staged> staged(const config::Config& config, bool asked) {
        Result<std::shared_ptr<const policy::Source>> source =
            std::make_shared<const policy::Source>(config.policy);
        if (!asked) {
            source = history_->in_force(config);
        }
        if (!source) {
            return fail(source.error());
        }
        return policy::Staged::start(std::move(*source), now());
    }

    // In the history, once it is in force.
    Status keep(const config::Config& config, const Apply& apply) {
        const std::string text = config::policy_text(config.policy);
        const auto state = history_->read();
        if (!state) {
            return fail(state.error());
        }
        held_ = !apply.asked && !state->refused.empty() && state->refused == policy_digest(text);
        if (held_) {
            log::warning(
                "POLICY_HELD",
                "the policy of the file was rolled back; the earlier one is in force",
                {{"version", state->in_force}}
            );
            return {};
        }
        return history_->put(text, apply.by, apply.note, apply.confirm, now());
    }

    Status roll_back_unconfirmed() {
        const auto state = history_->read();
        if (!state || !state->confirm_until || now() < *state->confirm_until) {
            return state ? Status() : fail(state.error());
        }
        const PolicyVersion* unconfirmed = state->find(state->in_force);
        return roll_back(
            state->before,
            unconfirmed == nullptr ? std::string() : unconfirmed->digest,
            "the gate",
            "version " + std::to_string(state->in_force) + " was not confirmed in time"
        );
    }

    // At the start there is no daemon yet: what is written decides what it begins with.
    Status roll_back(
        std::int64_t version,
        const std::string& refused,
        const std::string& by,
        const std::string& note
    ) {
        auto source = history_->source(version);
        if (!source) {
            return fail(source.error());
        }
        auto staged = policy::Staged::start(
            std::make_shared<const policy::Source>(std::move(*source)), now()
        );
        if (!staged) {
            return fail(staged.error());
        }
        if (daemon_) {
            if (Status done = daemon_->reload(config_, staged->policy()); !done) {
                return done;
            }
            staged_ = std::move(*staged);
        }
        log::warning("POLICY_ROLLED_BACK", note, {{"version", version}, {"by", by}});
        return history_->roll_back(version, refused, by, note, now());
    }

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
    std::optional<PolicyHistory> history_;
    std::optional<Apply> apply_;  // what the next reload is
    bool held_ = false;           // the file's policy was rolled back
    std::optional<policy::Staged> staged_;
    std::unique_ptr<gate::Daemon> daemon_;
    std::unique_ptr<gate::Accounting> accounting_;
    std::unique_ptr<gate::LineSources> sources_;
};

}  // namespace

int run_gate(const Context& context) {
    return run_role(context, "gate", GateRole::start);
}

}  // namespace sekisho::cli

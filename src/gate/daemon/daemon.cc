#include "gate/daemon/daemon.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "gate/daemon/conditions.h"
#include "gate/daemon/leases.h"
#include "gate/daemon/rows.h"
#include "gate/daemon/status.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/interfaces.h"
#include "lease/lease.h"
#include "lease/plan.h"
#include "lease/share.h"
#include "line/line.h"
#include "net/resolver.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr Duration kPoll{200};
constexpr Duration kHousekeeping{1000};
constexpr Duration kLookUpAgain{10'000};  // for a lease whose conditions nothing is known of yet

Result<std::unique_ptr<Engine>> make_engine(const config::Gate& gate) {
    if (gate.engine == "xdp") {
        const XdpMode mode = gate.xdp_mode == "native"    ? XdpMode::Native
                             : gate.xdp_mode == "generic" ? XdpMode::Generic
                                                          : XdpMode::Auto;
        return make_xdp_engine(mode, gate.pin);
    }
    if (gate.engine == "nftables") {
        return make_nft_engine(!gate.pin.empty());
    }
    if (gate.engine == "none") {
        return std::unique_ptr<Engine>();
    }
    return fail(Errc::Invalid, "gate.engine \"" + gate.engine + "\" is not xdp, nftables or none");
}

std::shared_ptr<const policy::Policy> in_mode(
    const config::Gate& gate, std::shared_ptr<const policy::Policy> policy
) {
    return gate.mode == "observe" ? policy::with_stage(*policy, policy::Stage::Observe)
                                  : std::move(policy);
}

class Running final : public Daemon {
  public:
    Running(const config::Config& config, Deps deps)
        : lines_(deps.lines),
          journal_(deps.journal),
          engine_(std::move(deps.engine)),
          gate_(config.gate),
          resolver_{config.delivery.resolvers, config.delivery.trust_anchor, {}},
          base_(in_mode(config.gate, std::move(deps.policy))),
          policy_(base_),
          leases_({deps.leases, deps.journal}, deps.lines),
          rows_(config.gate.events_per_line_per_minute) {}
    ~Running() override { halt(); }

    Status begin() {
        if (!engine_) {
            log::info("GATE_OFF", "no engine: packets are not judged");
            return {};
        }
        const std::lock_guard lock(mutex_);
        if (const auto read = leases_.refresh(*base_, now(), true); !read) {
            return fail(read.error());
        }
        if (const auto shared = shares_.refresh(*base_, leases_.placed(), lines_, now()); !shared) {
            return fail(shared.error());
        }
        const auto overrides = lease::overrides_of(leases_.placed(), shares_);
        if (Status applied = engine_->apply(base_, overrides); !applied) {
            return applied;
        }
        if (Status laid = lay_over(base_, overrides); !laid) {
            return laid;
        }
        for (const Downgrade& one : engine_->describe().downgrades) {
            log::warning(
                "GATE_DOWNGRADE",
                one.reason,
                {{"rule", one.rule},
                 {"declared", policy::name(one.declared)},
                 {"used", policy::name(one.used)}}
            );
        }
        follow_interfaces();
        thread_ = std::thread([this] { loop(); });
        return {};
    }

    Status reload(const config::Config& config, std::shared_ptr<const policy::Policy> policy)
        override;
    std::string status_json() const override;
    std::shared_ptr<const policy::Policy> policy() const override {
        const std::lock_guard lock(mutex_);
        return policy_;
    }
    std::shared_ptr<const policy::Policy> without_leases() const override {
        const std::lock_guard lock(mutex_);
        return base_;
    }
    Status refresh_leases() override {
        const std::lock_guard lock(mutex_);
        return follow_leases(now());
    }
    void stop() override { halt(); }

  private:
    void halt();
    void loop();
    void follow_interfaces();         // with mutex_
    Status follow_leases(Time at);    // with mutex_
    void follow_conditions(Time at);  // with mutex_
    void on_condition(std::int64_t lease, const std::string& why_not);
    // policy_ from these two.
    Status lay_over(
        std::shared_ptr<const policy::Policy> base, const std::vector<policy::Override>& overrides
    );
    void note_interface(const std::string& name, const Status& status, bool first);
    // The line that certainly held the client's address, and port, then; empty if there is none.
    [[nodiscard]] std::string holder(const Flow& flow, Time at) const;
    void on_flow(const Flow& flow);
    void write(std::vector<event::Event> rows);

    line::LineStore& lines_;
    event::Journal& journal_;
    const std::unique_ptr<Engine> engine_;

    mutable std::mutex mutex_;  // all below
    config::Gate gate_;
    net::ResolverOptions resolver_;
    std::shared_ptr<const policy::Policy> base_;    // without leases
    std::shared_ptr<const policy::Policy> policy_;  // with them
    Leases leases_;
    lease::Shares shares_;
    bool overrides_to_place_ = false;  // the engine has not taken the last ones
    Time look_up_at_{};
    std::int64_t looked_up_ = 0;                     // the newest lease of the last round
    std::map<std::string, std::string> interfaces_;  // wanted ones; text: the error, or empty
    Rows rows_;

    std::unique_ptr<ConditionWatch> watch_;  // made when a lease first needs it
    std::thread thread_;
    std::atomic<bool> stopping_ = false;
};

Status Running::reload(const config::Config& config, std::shared_ptr<const policy::Policy> policy) {
    const std::lock_guard lock(mutex_);
    if (config.gate.engine != gate_.engine || config.gate.xdp_mode != gate_.xdp_mode ||
        config.gate.pin != gate_.pin) {
        return fail(
            Errc::Conflict, "gate.engine, gate.xdp_mode and gate.pin change only with a restart"
        );
    }
    auto next = in_mode(config.gate, std::move(policy));
    lease::Plan plan = leases_.planned(*next, now());
    lease::Shares shares;
    if (const auto shared = shares.refresh(*next, plan.placed, lines_, now()); !shared) {
        return fail(shared.error());
    }
    const auto overrides = lease::overrides_of(plan.placed, shares);
    if (engine_) {
        if (Status applied = engine_->apply(next, overrides); !applied) {
            return applied;
        }
    }
    leases_.commit(std::move(plan));
    shares_ = std::move(shares);
    overrides_to_place_ = false;
    base_ = next;
    if (Status laid = lay_over(std::move(next), overrides); !laid) {
        return laid;
    }
    gate_ = config.gate;
    rows_.set_limit(gate_.events_per_line_per_minute);
    event::Event changed;
    changed.at = now();
    changed.kind = event::Kind::PolicyChanged;
    changed.detail = "policy " + base_->digest() + ", mode " + gate_.mode;
    journal_.append(std::move(changed));
    log::info(
        "GATE_POLICY",
        "a new policy is in force",
        {{"digest", base_->digest()}, {"mode", gate_.mode}}
    );
    follow_interfaces();
    return {};
}

Status Running::lay_over(
    std::shared_ptr<const policy::Policy> base, const std::vector<policy::Override>& overrides
) {
    auto laid = policy::with_overrides(std::move(base), overrides);
    if (!laid) {
        return fail(laid.error());
    }
    policy_ = std::move(*laid);
    return {};
}

Status Running::follow_leases(Time at) {
    if (engine_) {
        if (const auto counts = engine_->override_counts()) {
            leases_.count(*counts, at);
        }
    }
    const auto changed = leases_.refresh(*base_, at, true);
    if (!changed) {
        return fail(changed.error());
    }
    const auto shared = shares_.refresh(*base_, leases_.placed(), lines_, at);
    if (!shared) {
        return fail(shared.error());
    }
    overrides_to_place_ = overrides_to_place_ || *changed || *shared;
    if (!overrides_to_place_) {
        return {};
    }
    const auto overrides = lease::overrides_of(leases_.placed(), shares_);
    if (engine_) {
        if (Status placed = engine_->set_overrides(overrides); !placed) {
            return placed;  // tried again in a second
        }
    }
    overrides_to_place_ = false;
    return lay_over(base_, overrides);
}

// Leases that ask for something in the DNS: new ones at once, all of them now and then.
void Running::follow_conditions(Time at) {
    std::vector<lease::Lease> asking;
    bool unproven = false;
    std::int64_t newest = 0;
    for (const lease::Lease& one : leases_.living()) {
        if (one.conditions.unlisted || !one.conditions.reverse_name.empty()) {
            asking.push_back(one);
            unproven = unproven || one.unproven();
            newest = one.id;
        }
    }
    if (asking.empty() || (newest <= looked_up_ && at < look_up_at_)) {
        return;
    }
    if (!watch_) {
        auto watch = ConditionWatch::start(
            resolver_,
            [this](std::int64_t lease, const std::string& why_not) { on_condition(lease, why_not); }
        );
        if (!watch) {
            log::error(
                "LEASE_UNCHECKED",
                "the conditions of leases can't be looked up",
                {{"error", watch.error().message}}
            );
            look_up_at_ = at + kLookUpAgain;
            return;
        }
        watch_ = std::move(*watch);
    }
    if (watch_->look(asking, gate_.dnsbl)) {
        looked_up_ = std::max(looked_up_, newest);
        look_up_at_ = at + (unproven ? kLookUpAgain : gate_.condition_interval);
    }
}

void Running::on_condition(std::int64_t lease, const std::string& why_not) {
    const std::lock_guard lock(mutex_);
    leases_.looked_up(lease, why_not, now());
    if (const Status followed = follow_leases(now()); !followed) {
        log::error(
            "LEASES_NOT_FOLLOWED", "the old leases stay", {{"error", followed.error().message}}
        );
    }
}

// Interfaces come, go and change under the same name; the engine is put where they are now.
void Running::follow_interfaces() {
    if (!engine_) {
        return;
    }
    std::vector<std::string> wanted = gate_.interfaces;
    if (wanted.empty()) {
        for (const Interface& one : list_interfaces()) {
            if (one.up && !one.loopback) {
                wanted.push_back(one.name);
            }
        }
    }
    std::map<std::string, std::string> seen;
    for (const auto& [name, status] : engine_->attach(wanted)) {
        const auto before = interfaces_.find(name);
        const std::string problem = status ? std::string() : status.error().message;
        if (before == interfaces_.end() || before->second != problem) {
            note_interface(name, status, before == interfaces_.end());
        }
        seen[name] = problem;
    }
    for (const auto& [name, problem] : interfaces_) {
        if (!seen.contains(name)) {
            log::warning(
                "GATE_INTERFACE_GONE", "interface is no longer there", {{"interface", name}}
            );
        }
    }
    interfaces_ = std::move(seen);
}

void Running::note_interface(const std::string& name, const Status& status, bool first) {
    if (!status) {
        log::warning(
            "GATE_INTERFACE_FAILED",
            "packets on this interface are not judged",
            {{"interface", name}, {"error", status.error().message}}
        );
        return;
    }
    for (const Attachment& one : engine_->describe().attachments) {
        if (one.interface == name) {
            log::info(
                "GATE_ATTACHED",
                first ? "packets on this interface are judged"
                      : "packets on this interface are judged again",
                {{"interface", name}, {"attach_mode", one.mode}, {"note", one.note}}
            );
        }
    }
}

std::string Running::holder(const Flow& flow, Time at) const {
    // Packets counted together came from one address, and from any of its ports; an engine that
    // doesn't know the port says 0.
    const auto port =
        flow.count == 1 && flow.client_port != 0 ? std::optional{flow.client_port} : std::nullopt;
    auto holder = lines_.holder(flow.client, at, port);
    return holder ? std::move(holder->line) : std::string();
}

void Running::on_flow(const Flow& flow) {
    event::Event row;
    row.at = flow.at;
    row.kind = flow.blocked ? event::Kind::GateBlocked : event::Kind::GateWouldBlock;
    row.address = flow.client.text();
    row.rule = flow.rule;
    row.count = static_cast<std::int64_t>(flow.count);
    // Packets counted together are somebody's only if the address was theirs all the while.
    row.line = holder(flow, flow.at);
    if (flow.since != flow.at && holder(flow, flow.since) != row.line) {
        row.line.clear();
    }
    const std::lock_guard lock(mutex_);
    // The class of the other end, never its address: whom a subscriber writes to is their secret.
    const std::string& other = policy_->written(policy_->classify(flow.server)).name;
    row.detail = flow.direction == policy::Direction::ToPort25
                     ? "to port 25 of class " + other
                     : "answer from port 25 of class " + other;
    write(rows_.add(row, now()));
}

void Running::write(std::vector<event::Event> rows) {
    for (event::Event& row : rows) {
        journal_.append(std::move(row));
    }
}

void Running::loop() {
    Time next = now() + kHousekeeping;
    while (!stopping_) {
        engine_->poll(kPoll, [this](const Flow& flow) { on_flow(flow); });
        const Time at = now();
        // A wall clock set back must not stop the housekeeping for as long.
        if (at >= next || next - at > kHousekeeping) {
            next = at + kHousekeeping;
            const std::lock_guard lock(mutex_);
            follow_interfaces();
            write(rows_.drain(at));
            if (const Status followed = follow_leases(at); !followed) {
                log::error(
                    "LEASES_NOT_FOLLOWED",
                    "the old leases stay",
                    {{"error", followed.error().message}}
                );
            }
            follow_conditions(at);
        }
    }
}

void Running::halt() {
    stopping_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
    watch_.reset();  // it may be waiting for the mutex
    const std::lock_guard lock(mutex_);
    write(rows_.drain(now(), true));
    if (engine_) {
        engine_->leave();
    }
    interfaces_.clear();
}

std::string Running::status_json() const {
    const std::lock_guard lock(mutex_);
    return status_text(StatusInput{
        engine_.get(), gate_, *base_, interfaces_, rows_.lost(), leases_.status(), shares_
    });
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(const config::Config& config, Deps deps) {
    if (!deps.engine) {
        auto engine = make_engine(config.gate);
        if (!engine) {
            return fail(engine.error());
        }
        deps.engine = std::move(*engine);
    }
    auto daemon = std::make_unique<Running>(config, std::move(deps));
    if (Status begun = daemon->begin(); !begun) {
        return fail(begun.error());
    }
    return daemon;
}

}  // namespace sekisho::gate

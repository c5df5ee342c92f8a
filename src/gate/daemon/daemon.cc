#include "gate/daemon/daemon.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "gate/daemon/rows.h"
#include "gate/daemon/status.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/interfaces.h"
#include "line/line.h"
#include "policy/policy.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr Duration kPoll{200};
constexpr Duration kHousekeeping{1000};

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
          policy_(in_mode(config.gate, std::move(deps.policy))),
          rows_(config.gate.events_per_line_per_minute) {}
    ~Running() override { halt(); }

    Status begin() {
        if (!engine_) {
            log::info("GATE_OFF", "no engine: packets are not judged");
            return {};
        }
        if (Status applied = engine_->apply(policy_); !applied) {
            return applied;
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
        const std::lock_guard lock(mutex_);
        follow_interfaces();
        thread_ = std::thread([this] { loop(); });
        return {};
    }

    Status reload(const config::Config& config, std::shared_ptr<const policy::Policy> policy)
        override;
    Status reload(const config::Config& config) override {
        auto compiled = policy::Policy::compile(config.policy);
        return compiled ? reload(config, std::move(*compiled)) : fail(compiled.error());
    }
    std::string status_json() const override;
    std::shared_ptr<const policy::Policy> policy() const override {
        const std::lock_guard lock(mutex_);
        return policy_;
    }
    void stop() override { halt(); }

  private:
    void halt();
    void loop();
    void follow_interfaces();  // with mutex_
    void note_interface(const std::string& name, const Status& status, bool first);
    // The line that certainly held the address then; empty if there is none.
    [[nodiscard]] std::string holder(const IpAddress& address, Time at) const;
    void on_flow(const Flow& flow);
    void write(std::vector<event::Event> rows);

    line::LineStore& lines_;
    event::Journal& journal_;
    const std::unique_ptr<Engine> engine_;

    mutable std::mutex mutex_;  // all below
    config::Gate gate_;
    std::shared_ptr<const policy::Policy> policy_;
    std::map<std::string, std::string> interfaces_;  // wanted ones; text: the error, or empty
    Rows rows_;

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
    if (engine_) {
        if (Status applied = engine_->apply(next); !applied) {
            return applied;
        }
    }
    policy_ = std::move(next);
    gate_ = config.gate;
    rows_.set_limit(gate_.events_per_line_per_minute);
    event::Event changed;
    changed.at = now();
    changed.kind = event::Kind::PolicyChanged;
    changed.detail = "policy " + policy_->digest() + ", mode " + gate_.mode;
    journal_.append(std::move(changed));
    log::info(
        "GATE_POLICY",
        "a new policy is in force",
        {{"digest", policy_->digest()}, {"mode", gate_.mode}}
    );
    follow_interfaces();
    return {};
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

std::string Running::holder(const IpAddress& address, Time at) const {
    const auto holders = lines_.holders(address, at);
    if (!holders) {
        return {};
    }
    line::Answer answer = line::resolve(*holders, address, at);
    return answer.certainty == line::Certainty::Subscriber ? std::move(answer.line) : std::string();
}

void Running::on_flow(const Flow& flow) {
    event::Event row;
    row.at = flow.at;
    row.kind = flow.blocked ? event::Kind::GateBlocked : event::Kind::GateWouldBlock;
    row.address = flow.client.text();
    row.rule = flow.rule;
    row.count = static_cast<std::int64_t>(flow.count);
    // Packets counted together are somebody's only if the address was theirs all the while.
    row.line = holder(flow.client, flow.at);
    if (flow.since != flow.at && holder(flow.client, flow.since) != row.line) {
        row.line.clear();
    }
    const std::lock_guard lock(mutex_);
    // The class of the other end, never its address: whom a subscriber writes to is their secret.
    const std::string& other = policy_->classes()[policy_->classify(flow.server)].name;
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
        }
    }
}

void Running::halt() {
    stopping_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
    const std::lock_guard lock(mutex_);
    write(rows_.drain(now(), true));
    if (engine_) {
        engine_->leave();
    }
    interfaces_.clear();
}

std::string Running::status_json() const {
    const std::lock_guard lock(mutex_);
    return status_text(StatusInput{engine_.get(), gate_, *policy_, interfaces_, rows_.lost()});
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

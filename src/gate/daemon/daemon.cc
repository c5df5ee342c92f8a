#include "gate/daemon/daemon.h"

<<<<<<< HEAD
#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "gate/enforce/interfaces.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
=======
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
>>>>>>> gate
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

<<<<<<< HEAD
using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr Duration kPoll = 200ms;
constexpr Duration kInterfacesEvery = 3s;

policy::Source in_mode(policy::Source source, const std::string& mode) {
    if (mode == "observe") {
        for (policy::RuleSource& rule : source.rules) {
            rule.stage = policy::Stage::Observe;
        }
    }
    return source;
}

std::vector<line::AccountingReceiver::Client> clients_of(const config::Config& config) {
    std::vector<line::AccountingReceiver::Client> clients;
    for (const config::Radius::Client& one : config.radius.clients) {
        clients.push_back({one.from, one.secret});
    }
    return clients;
}

Result<std::unique_ptr<Engine>> make_engine(const config::Gate& gate) {
=======
constexpr Duration kPoll{200};
constexpr Duration kHousekeeping{1000};

Result<std::unique_ptr<Engine>> make_engine(const config::Gate& gate) {
    if (gate.engine == "xdp") {
        const XdpMode mode = gate.xdp_mode == "native"    ? XdpMode::Native
                             : gate.xdp_mode == "generic" ? XdpMode::Generic
                                                          : XdpMode::Auto;
        return make_xdp_engine(mode);
    }
>>>>>>> gate
    if (gate.engine == "nftables") {
        return make_nft_engine();
    }
    if (gate.engine == "none") {
<<<<<<< HEAD
        return std::unique_ptr<Engine>{};
    }
    const XdpMode mode = gate.xdp_mode == "native"    ? XdpMode::Native
                         : gate.xdp_mode == "generic" ? XdpMode::Generic
                                                      : XdpMode::Auto;
    return make_xdp_engine(mode);
=======
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

    Status reload(const config::Config& config, std::shared_ptr<const policy::Policy> policy) override;
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

Status Running::reload(
    const config::Config& config, std::shared_ptr<const policy::Policy> policy
) {
    const std::lock_guard lock(mutex_);
    if (config.gate.engine != gate_.engine || config.gate.xdp_mode != gate_.xdp_mode) {
        return fail(Errc::Conflict, "gate.engine and gate.xdp_mode change only with a restart");
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
            log::warning("GATE_INTERFACE_GONE", "interface is no longer there", {{"interface", name}});
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

void Running::on_flow(const Flow& flow) {
    event::Event row;
    row.at = flow.at;
    row.kind = flow.blocked ? event::Kind::GateBlocked : event::Kind::GateWouldBlock;
    row.address = flow.client.text();
    row.rule = flow.rule;
    row.count = static_cast<std::int64_t>(flow.count);
    const auto holders = lines_.holders(flow.client, flow.at);
    if (holders) {
        const line::Answer answer = line::resolve(*holders, flow.client, flow.at);
        if (answer.certainty == line::Certainty::Subscriber) {
            row.line = answer.line;
        }
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
    if (engine_ && !interfaces_.empty()) {
        if (const Status detached = engine_->detach(); !detached) {
            log::error(
                "GATE_DETACH_FAILED",
                "the engine could not be taken off",
                {{"error", detached.error().message}}
            );
        }
        interfaces_.clear();
    }
}

std::string Running::status_json() const {
    const std::lock_guard lock(mutex_);
    return status_text(StatusInput{engine_.get(), gate_, *policy_, interfaces_, rows_.lost()});
>>>>>>> gate
}

}  // namespace

<<<<<<< HEAD
Daemon::Daemon(config::Config config, Deps deps)
    : config_(std::move(config)),
      recorder_(deps.lines, deps.journal, config_.gate.events_per_line_per_minute),
      accounting_({clients_of(config_)}, deps.lines) {}

Daemon::~Daemon() {
    stop();
}

Result<std::unique_ptr<Daemon>> Daemon::start(const config::Config& config, Deps deps) {
    std::unique_ptr<Daemon> daemon(new Daemon(config, deps));
    auto engine = make_engine(config.gate);
    if (!engine) {
        return fail(engine.error());
    }
    daemon->engine_ = std::move(*engine);
    std::vector<std::string> notes;
    if (Status applied = daemon->apply(config, notes); !applied) {
        return fail(applied.error());
    }
    daemon->attach(notes);
    if (Status listening = daemon->listen_radius(); !listening) {
        return fail(listening.error());
    }
    for (const std::string& note : notes) {
        log::warning("GATE_NOTE", note);
    }
    daemon->watcher_ = std::thread([raw = daemon.get()] { raw->watch(); });
    return daemon;
}

Status Daemon::apply(const config::Config& config, std::vector<std::string>& notes) {
    auto policy = policy::Policy::compile(in_mode(config.policy, config.gate.mode));
    if (!policy) {
        return fail(policy.error());
    }
    if (engine_) {
        if (Status applied = engine_->apply(*policy); !applied) {
            return applied;
        }
        for (const Downgrade& one : engine_->describe().downgrades) {
            notes.push_back(
                "rule \"" + one.rule + "\": this engine does " +
                std::string(policy::name(one.used)) + " instead of " +
                std::string(policy::name(one.declared)) + ": " + one.reason
            );
        }
    }
    policy_ = *policy;
    log::info(
        "POLICY_IN_FORCE",
        "a policy is in force",
        {{"digest", policy_->digest().substr(0, 12)}, {"mode", config.gate.mode}}
    );
    return {};
}

std::vector<std::string> Daemon::wanted_interfaces() const {
    if (!config_.gate.interfaces.empty()) {
        return config_.gate.interfaces;
    }
    std::vector<std::string> names;
    for (const Interface& one : list_interfaces()) {
        if (one.up && !one.loopback) {
            names.push_back(one.name);
        }
    }
    return names;
}

void Daemon::attach(std::vector<std::string>& notes) {
    if (!engine_) {
        return;
    }
    const std::vector<std::string> wanted = wanted_interfaces();
    faults_.clear();
    for (const auto& [name, status] : engine_->attach(wanted)) {
        if (!status) {
            faults_.push_back(name + ": " + status.error().message);
            notes.push_back("interface " + faults_.back());
        }
    }
    attached_ = wanted;
}

Status Daemon::listen_radius() {
    if (config_.radius.listen.empty()) {
        return {};
    }
    loops_ = net::Loops::make(1);
    workers_ = net::Workers::make(1);
    for (const Endpoint& at : config_.radius.listen) {
        auto server = net::serve_udp(
            *loops_,
            *workers_,
            at,
            "RADIUS accounting",
            [this](std::string_view bytes, const Endpoint& from) -> std::optional<std::string> {
                const std::scoped_lock lock(mutex_);
                auto reply = accounting_.handle(bytes, from.address, now());
                if (!reply) {
                    log::warning(
                        "RADIUS_DROPPED",
                        "an accounting packet is dropped",
                        {{"peer", from.text()}, {"error", accounting_.last_error()}}
                    );
                }
                return reply;
            }
        );
        if (!server) {
            return fail(server.error());
        }
        listeners_.push_back(std::move(*server));
    }
    loops_->run();
    return {};
}

void Daemon::watch() {
    auto looked = std::chrono::steady_clock::now();
    while (!stopping_) {
        std::vector<Flow> flows;
        if (engine_) {
            engine_->poll(kPoll, [&flows](const Flow& flow) { flows.push_back(flow); });
        } else {
            std::this_thread::sleep_for(kPoll);
        }
        const std::scoped_lock lock(mutex_);
        for (const Flow& flow : flows) {
            recorder_.flow(flow, *policy_, now());
        }
        recorder_.sweep(now());
        if (std::chrono::steady_clock::now() - looked < kInterfacesEvery) {
            continue;
        }
        looked = std::chrono::steady_clock::now();
        // Interfaces come and go (PPP, VLAN): those that appear are guarded from then on.
        if (const auto wanted = wanted_interfaces();
            engine_ && (wanted != attached_ || !faults_.empty())) {
            const std::vector<std::string> before = faults_;
            std::vector<std::string> notes;
            attach(notes);
            if (faults_ != before) {
                for (const std::string& note : notes) {
                    log::warning("GATE_NOTE", note);
                }
            }
        }
    }
}

Result<std::vector<std::string>> Daemon::reload(const config::Config& config) {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> notes;
    if (Status applied = apply(config, notes); !applied) {
        return fail(applied.error());
    }
    if (config.gate.engine != config_.gate.engine) {
        notes.push_back("gate.engine takes effect at the next start");
    }
    if (config.radius.listen != config_.radius.listen) {
        notes.push_back("radius.listen takes effect at the next start");
    }
    accounting_.set_clients(clients_of(config));
    recorder_.set_rows_per_minute(config.gate.events_per_line_per_minute);
    const std::string engine = config_.gate.engine;
    config_ = config;
    config_.gate.engine = engine;
    attach(notes);
    return notes;
}

std::vector<std::string> Daemon::summary() {
    const std::scoped_lock lock(mutex_);
    if (!engine_) {
        return {"no engine (gate.engine = \"none\")"};
    }
    std::string line = config_.gate.mode + " with " + config_.gate.engine + " on";
    for (const Attachment& one : engine_->describe().attachments) {
        line += " " + one.interface + " (" + one.mode + ")";
    }
    std::vector<std::string> lines{line};
    for (const std::string& fault : faults_) {
        lines.push_back("not on " + fault);
    }
    for (const auto& one : listeners_) {
        lines.push_back("RADIUS accounting " + one->local().text());
    }
    return lines;
}

Json Daemon::rules_json() {
    Json rules = Json::array();
    std::vector<RuleCounter> counters;
    if (auto read = engine_ ? engine_->counters() : Result<std::vector<RuleCounter>>{}) {
        counters = std::move(*read);
    }
    const auto row = [&counters](const std::string& name) {
        const auto found = std::ranges::find(counters, name, &RuleCounter::rule);
        return found == counters.end() ? RuleCounter{} : *found;
    };
    const auto put = [](Json& out, const RuleCounter& counter) {
        out["to_packets"] = counter.to.packets;
        out["to_bytes"] = counter.to.bytes;
        out["from_packets"] = counter.from.packets;
        out["from_bytes"] = counter.from.bytes;
    };
    for (const policy::RuleSource& rule : policy_->rules()) {
        Json one{
            {"name", rule.name},
            {"from", rule.from},
            {"to", rule.to},
            {"action", policy::name(rule.action)},
            {"stage", policy::name(rule.stage)}
        };
        put(one, row(rule.name));
        rules.push_back(one);
    }
    Json rest{
        {"name", "(no rule)"}, {"from", "*"}, {"to", "*"}, {"action", "pass"}, {"stage", "enforce"}
    };
    put(rest, row(""));
    rules.push_back(rest);
    return rules;
}

Json Daemon::radius_json() {
    const auto& c = accounting_.counters();
    return Json{
        {"received", c.received},
        {"answered", c.answered},
        {"unknown_client", c.unknown_client},
        {"bad_authenticator", c.bad_authenticator},
        {"malformed", c.malformed},
        {"starts", c.starts},
        {"interims", c.interims},
        {"stops", c.stops},
        {"nas_restarts", c.nas_restarts},
        {"store_failures", c.store_failures}
    };
}

Json Daemon::status() {
    const std::scoped_lock lock(mutex_);
    Json out{
        {"engine", config_.gate.engine}, {"mode", config_.gate.mode}, {"digest", policy_->digest()}
    };
    Json interfaces = Json::array();
    Json notes = Json::array();
    out["events_lost"] = 0;
    if (engine_) {
        const Description description = engine_->describe();
        for (const Attachment& one : description.attachments) {
            interfaces.push_back({{"name", one.interface}, {"mode", one.mode}, {"note", one.note}});
        }
        for (const Downgrade& one : description.downgrades) {
            notes.push_back(
                "rule \"" + one.rule + "\" does " + std::string(policy::name(one.used)) +
                " instead of " + std::string(policy::name(one.declared)) + ": " + one.reason
            );
        }
        out["limits"] = description.limits;
        out["when_killed"] = description.when_killed;
        Json statistics = Json::object();
        for (const Named& one : engine_->statistics()) {
            statistics[one.name] = one.value;
        }
        out["events_lost"] = statistics.value("events_lost", std::uint64_t{0});
        out["statistics"] = statistics;
    }
    for (const std::string& fault : faults_) {
        interfaces.push_back({{"name", fault.substr(0, fault.find(':'))}, {"error", fault}});
    }
    out["interfaces"] = interfaces;
    out["downgrades"] = notes;
    Json classes = Json::array();
    for (const policy::Class& one : policy_->classes()) {
        classes.push_back({{"name", one.name}, {"prefixes", one.prefixes}, {"note", one.note}});
    }
    out["classes"] = classes;
    out["rules"] = rules_json();
    const Recorder::Counters& c = recorder_.counters();
    out["flows"] = Json{
        {"seen", c.flows},
        {"attributed", c.attributed},
        {"ambiguous", c.ambiguous},
        {"unknown", c.unknown},
        {"rows", c.rows}
    };
    out["radius"] = radius_json();
    return out;
}

void Daemon::stop() {
    if (stopping_.exchange(true)) {
        return;
    }
    if (watcher_.joinable()) {
        watcher_.join();
    }
    if (loops_) {
        loops_->stop();
    }
    listeners_.clear();
    workers_.reset();
    loops_.reset();
    recorder_.sweep(now(), true);
    if (engine_) {
        if (const Status detached = engine_->detach(); !detached) {
            log::error(
                "GATE_DETACH_FAILED",
                "the engine can't be taken off its interfaces",
                {{"error", detached.error().message}}
            );
        }
        engine_.reset();
    }
}

=======
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

>>>>>>> gate
}  // namespace sekisho::gate

<<<<<<< HEAD
// The gate role: an engine that enforces the policy on the machine's interfaces, a recorder of what
// it blocks, and the RADIUS accounting listener that tells whose the addresses are.
=======
// The gate role: an engine, the policy in force, the interfaces it stands on, and the events that come
// from it, each with the line behind the address.
>>>>>>> gate
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "event/event.h"
<<<<<<< HEAD
#include "gate/daemon/recorder.h"
#include "gate/enforce/engine.h"
#include "line/line.h"
#include "line/radius.h"
#include "net/server.h"
#include "net/udp.h"
#include "policy/policy.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::gate {

class Daemon {
  public:
    struct Deps {
        line::LineStore& lines;
        event::Journal& journal;
    };
    // Denied when the rights for packets are missing; the text says which.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(
        const config::Config& config, Deps deps
    );
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();

    // Puts a new policy and its settings in force; on an error the old ones are. The answer: notes
    // for the operator.
    [[nodiscard]] Result<std::vector<std::string>> reload(const config::Config& config);
    [[nodiscard]] nlohmann::ordered_json status();
    [[nodiscard]] std::vector<std::string> summary();
    void stop();

  private:
    Daemon(config::Config config, Deps deps);
    [[nodiscard]] Status apply(const config::Config& config, std::vector<std::string>& notes);
    [[nodiscard]] std::vector<std::string> wanted_interfaces() const;
    void attach(std::vector<std::string>& notes);
    [[nodiscard]] Status listen_radius();
    void watch();
    [[nodiscard]] nlohmann::ordered_json rules_json();
    [[nodiscard]] nlohmann::ordered_json radius_json();

    std::mutex mutex_;  // over everything below but the engine, which guards itself
    config::Config config_;
    std::shared_ptr<const policy::Policy> policy_;
    std::vector<std::string> attached_;
    std::vector<std::string> faults_;  // interfaces that could not be had
    Recorder recorder_;
    line::AccountingReceiver accounting_;

    std::unique_ptr<Engine> engine_;  // none: engine = "none"
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Workers> workers_;
    std::vector<std::unique_ptr<net::UdpServer>> listeners_;
    std::atomic<bool> stopping_ = false;
    std::thread watcher_;
=======
#include "line/line.h"
#include "policy/policy.h"

#include <memory>
#include <string>

namespace sekisho::gate {

class Engine;

class Daemon {
  public:
    struct Deps {
        std::shared_ptr<const policy::Policy> policy;  // config.policy, compiled
        line::LineStore& lines;                        // thread-safe; outlive the daemon
        event::Journal& journal;
        std::unique_ptr<Engine> engine;  // null: as gate.engine says; given by tests
    };

    // The policy is in force on the interfaces when this returns. A missing right or program is an
    // error; an interface that can't be attached is a warning in the log and in the status.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> start(
        const config::Config& config, Deps deps
    );
    virtual ~Daemon() = default;  // stops

    // A changed policy, mode, interfaces or event limit; on an error all of the old stays in force.
    // A changed engine or xdp_mode needs a restart and is an error.
    virtual Status reload(const config::Config& config, std::shared_ptr<const policy::Policy> policy)
        = 0;
    virtual Status reload(const config::Config& config) = 0;  // compiles config.policy

    // One JSON object, for `gate status` and the desk. From any thread.
    [[nodiscard]] virtual std::string status_json() const = 0;
    // The policy in force, the mode applied.
    [[nodiscard]] virtual std::shared_ptr<const policy::Policy> policy() const = 0;

    // Detaches, writes what waits, ends the thread. Idempotent.
    virtual void stop() = 0;
>>>>>>> gate
};

}  // namespace sekisho::gate

// The gate role: an engine, the policy in force, the interfaces it stands on, and the events that
// come from it, each with the line behind the address.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "event/event.h"
#include "evidence/evidence.h"
#include "lease/lease.h"
#include "line/line.h"
#include "policy/policy.h"

#include <cstddef>
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
        lease::LeaseStore& leases;
        evidence::EvidenceStore& evidence;
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
    virtual Status reload(
        const config::Config& config, std::shared_ptr<const policy::Policy> policy
    ) = 0;

    // Puts changed leases in force now, not only within a second.
    virtual Status refresh_leases() = 0;

    // One JSON object, for `gate status` and the desk. From any thread.
    [[nodiscard]] virtual std::string status_json() const = 0;
    // The lines (or addresses) with the most packets blocked since the start: a JSON array of
    // {line, address, blocked, would_block, answered, last}.
    [[nodiscard]] virtual std::string busiest_json(std::size_t limit) const = 0;
    // The policy in force, the mode applied, with its leases.
    [[nodiscard]] virtual std::shared_ptr<const policy::Policy> policy() const = 0;
    [[nodiscard]] virtual std::shared_ptr<const policy::Policy> without_leases() const = 0;

    // Detaches, writes what waits, ends the thread. Idempotent.
    virtual void stop() = 0;
};

}  // namespace sekisho::gate

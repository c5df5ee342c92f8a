// What flows and answered connections become: rows of the journal, exact totals of lines, and
// records of evidence. Each with the line that certainly held the address. Thread-safe.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "event/event.h"
#include "evidence/custody.h"
#include "evidence/evidence.h"
#include "evidence/watch.h"
#include "gate/daemon/answers.h"
#include "gate/daemon/line_totals.h"
#include "gate/daemon/rows.h"
#include "gate/enforce/engine.h"
#include "line/line.h"
#include "policy/policy.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::gate {

class Reports {
  public:
    struct Deps {
        line::LineStore& lines;
        event::Journal& journal;
        evidence::EvidenceStore& evidence;
    };
    Reports(const Deps& deps, std::uint32_t per_line_per_minute);
    void set_limit(std::uint32_t per_line_per_minute);

    void add(const Flow& flow, const policy::Policy& policy);
    struct Told {
        std::string rule, reference;
    };
    // A connection that is answered now: what to tell it.
    [[nodiscard]] Told answered(
        const Endpoint& client, const Endpoint& server, const policy::Policy& policy
    );

    // Every second: writes what waits, erases evidence that is due, looks which cases live. `all`:
    // at the end.
    void keep_up(Time at, bool all = false);

    // For the status: totals, what was lost, living evidence.
    void put(nlohmann::ordered_json& status) const;
    // {line, address, blocked, would_block, answered, last} each, the busiest first.
    [[nodiscard]] nlohmann::ordered_json busiest(std::size_t limit) const;

  private:
    // The line that certainly held the client's address, and port, then; empty if there is none.
    // No port: an engine that doesn't know it, or packets of several.
    [[nodiscard]] std::string holder(
        const IpAddress& address, std::optional<std::uint16_t> port, Time at
    ) const;
    void write(std::vector<event::Event> rows);  // the rest with mutex_
    void follow_evidence(Time at);

    line::LineStore& lines_;
    event::Journal& journal_;
    const evidence::Custody custody_;
    mutable std::mutex mutex_;  // all below
    evidence::Watch evidence_;
    std::vector<evidence::Record> unwritten_;  // of evidence
    std::string evidence_problem_;             // as the log was told
    Rows rows_;
    Answers answers_;
    LineTotals totals_;
};

}  // namespace sekisho::gate

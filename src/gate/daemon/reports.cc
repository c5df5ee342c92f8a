#include "gate/daemon/reports.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "evidence/custody.h"
#include "evidence/evidence.h"
#include "gate/daemon/answers.h"
#include "gate/daemon/line_totals.h"
#include "gate/enforce/engine.h"
#include "gate/replay/seen.h"
#include "line/line.h"
#include "policy/policy.h"
#include "smtp/guidance.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::uint16_t kSmtp = 25;
constexpr std::size_t kUnwrittenMax = 100'000;  // then the database is out of reach for long

}  // namespace

Reports::Reports(const Deps& deps, std::uint32_t per_line_per_minute)
    : lines_(deps.lines),
      journal_(deps.journal),
      custody_{deps.evidence, deps.journal},
      rows_(per_line_per_minute),
      answers_(per_line_per_minute) {}

void Reports::set_limit(std::uint32_t per_line_per_minute) {
    const std::lock_guard lock(mutex_);
    rows_.set_limit(per_line_per_minute);
    answers_.set_limit(per_line_per_minute);
}

std::string Reports::holder(const IpAddress& address, std::optional<std::uint16_t> port, Time at)
    const {
    auto holder = lines_.holder(address, at, port);
    return holder ? std::move(holder->line) : std::string();
}

void Reports::add(const Flow& flow, const policy::Policy& policy) {
    event::Event row;
    row.at = flow.at;
    row.kind = flow.blocked ? event::Kind::GateBlocked : event::Kind::GateWouldBlock;
    row.address = flow.client.text();
    row.rule = flow.rule;
    row.count = static_cast<std::int64_t>(flow.count);
    // Packets counted together came from one address, and from any of its ports. They are
    // somebody's only if the address was theirs all the while.
    const auto port =
        flow.count == 1 && flow.client_port != 0 ? std::optional{flow.client_port} : std::nullopt;
    row.line = holder(flow.client, port, flow.at);
    if (flow.since != flow.at && holder(flow.client, port, flow.since) != row.line) {
        row.line.clear();
    }
    // The class of the other end, never its address: whom a subscriber writes to is their secret.
    const bool to = flow.direction == policy::Direction::ToPort25;
    row.detail = other_end(flow.direction, policy.written(policy.classify(flow.server)).name);
    const std::lock_guard lock(mutex_);
    if (!evidence_.living().empty()) {
        evidence::Record seen;
        seen.first = flow.since;
        seen.last = flow.at;
        seen.client = {flow.client, flow.client_port};
        seen.server = {flow.server, kSmtp};
        seen.to_server = to;
        seen.rule = flow.rule;
        seen.outcome = flow.blocked ? evidence::Outcome::Blocked : evidence::Outcome::WouldBlock;
        seen.count = row.count;
        evidence_.add(seen, row.line);
    }
    totals_.add(row);
    write(rows_.add(row, now()));
}

Reports::Told Reports::answered(
    const Endpoint& client, const Endpoint& server, const policy::Policy& policy
) {
    event::Event row;
    row.at = now();
    row.kind = event::Kind::GateAnswered;
    row.address = client.address.text();
    row.line = holder(client.address, client.port, row.at);
    const policy::Verdict verdict =
        policy.judge(client.address, server.address, policy::Direction::ToPort25);
    if (verdict.rule >= 0) {
        row.rule = policy.rules()[static_cast<std::size_t>(verdict.rule)].name;
    }
    row.detail = other_end(policy::Direction::ToPort25, policy.written(verdict.server).name);
    const std::string fresh = random_token(smtp::kReferenceBits);
    const std::lock_guard lock(mutex_);
    evidence::Record seen;
    seen.first = seen.last = row.at;
    seen.client = client;
    seen.server = server;
    seen.rule = row.rule;
    seen.outcome = evidence::Outcome::Answered;
    evidence_.add(seen, row.line);
    totals_.add(row);
    std::string rule = row.rule;
    Answers::Told told = answers_.add(std::move(row), fresh, now());
    write(std::move(told.rows));
    return {std::move(rule), std::move(told.reference)};
}

void Reports::write(std::vector<event::Event> rows) {
    for (event::Event& row : rows) {
        journal_.append(std::move(row));
    }
}

void Reports::keep_up(Time at, bool all) {
    const std::lock_guard lock(mutex_);
    write(rows_.drain(at, all));
    write(answers_.drain(at, all));
    follow_evidence(at);
}

void Reports::follow_evidence(Time at) {
    std::ranges::move(evidence_.take(), std::back_inserter(unwritten_));
    Status done = custody_.store.append(unwritten_);
    if (done || unwritten_.size() > kUnwrittenMax) {
        unwritten_.clear();
    }
    if (done) {
        const auto erased = evidence::erase_due(custody_, at);
        done = erased ? Status{} : Status(fail(erased.error()));
    }
    auto living = custody_.store.living(at);
    if (done && !living) {
        done = fail(living.error());
    }
    // What nobody can be sure is still asked for is not recorded.
    evidence_.follow(living ? std::move(*living) : std::vector<evidence::Case>{});
    const std::string problem = done ? std::string() : done.error().message;
    if (!problem.empty() && problem != evidence_problem_) {
        log::error(
            "GATE_EVIDENCE_FAILED",
            "evidence can't be written or erased as it should be",
            {{"error", problem}}
        );
    }
    evidence_problem_ = problem;
}

void Reports::put(nlohmann::ordered_json& status) const {
    const std::lock_guard lock(mutex_);
    const LineTotals::Total& sum = totals_.sum();
    status["rows_lost"] = rows_.lost();
    status["lines"] = {
        {"known", totals_.lines()},
        {"blocked_packets_total", sum.blocked},
        {"would_block_packets_total", sum.would_block}
    };
    status["evidence"] = {{"living", evidence_.living().size()}};
}

nlohmann::ordered_json Reports::busiest(std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    auto out = nlohmann::ordered_json::array();
    for (const LineTotals::Total& one : totals_.top(limit)) {
        out.push_back(
            {{"line", one.line},
             {"address", one.address},
             {"blocked", one.blocked},
             {"would_block", one.would_block},
             {"answered", one.answered},
             {"last", rfc3339(one.last)}}
        );
    }
    return out;
}

}  // namespace sekisho::gate

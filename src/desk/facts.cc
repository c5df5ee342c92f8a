#include "desk/facts.h"

#include <algorithm>
#include <chrono>

namespace sekisho::desk {
namespace {

constexpr std::chrono::hours kWindow{24};
constexpr std::size_t kRowsMax = 1000;  // rows carry counts, so this is plenty for one line and day

// The first of its steps that enforces the rule for every line. What is for some of them can't be
// promised to one.
std::optional<Time> enforced_from(const policy::RuleSource& rule, const std::string& server) {
    for (const policy::Step& step : rule.steps) {
        const bool here = step.to.empty() || step.to == server;
        if (step.stage == policy::Stage::Enforce && here && step.scope.all()) {
            return step.at;
        }
    }
    return std::nullopt;
}

}  // namespace

guide::Port25 DeskFacts::port25(policy::ClassId client, policy::ClassId server) const {
    const policy::Policy& policy = *context_.snapshot.policy;
    const policy::Verdict verdict = policy.cell(client, server);
    guide::Port25 port{.declared = verdict.declared, .stage = verdict.stage, .note = ""};
    // A gate that only observes blocks nothing, whatever the rules say.
    const bool observes = context_.snapshot.config.gate.mode == "observe";
    if (observes && port.enforced()) {
        port.stage = policy::Stage::Observe;
    }
    if (verdict.rule >= 0) {
        const policy::RuleSource& rule = policy.rules().at(static_cast<std::size_t>(verdict.rule));
        port.note = rule.note;
        if (!port.enforced() && !observes) {
            port.closes = enforced_from(rule, policy.written(server).name);
        }
    }
    return port;
}

guide::Standing DeskFacts::of_class(policy::ClassId id) const {
    const policy::Policy& policy = *context_.snapshot.policy;
    const policy::Class& own = policy.written(id);
    guide::Standing standing{
        .class_name = own.name,
        .class_note = own.note,
        .outside = own.id == 0 || own.name == "others-dynamic" || own.name == "mail-servers",
        .to_others = port25(id, 0),
        .to_us = std::nullopt,
        .in_force = policy_since()
    };
    if (const policy::Class* exchange = policy.find_class("exchange")) {
        standing.to_us = port25(id, exchange->id);
    }
    return standing;
}

std::optional<Time> DeskFacts::policy_since() const {
    event::Query query;
    query.kinds = {event::Kind::PolicyChanged};
    query.limit = 1;
    const auto found = context_.journal.find(query);
    if (!found || found->empty()) {
        return std::nullopt;
    }
    return found->front().at;
}

guide::Standing DeskFacts::standing(const IpAddress& address) {
    return of_class(context_.snapshot.policy->classify(address));
}

std::optional<guide::Standing> DeskFacts::class_standing(std::string_view name) {
    const policy::Class* found = context_.snapshot.policy->find_class(name);
    return found == nullptr ? std::nullopt : std::optional{of_class(found->id)};
}

Status DeskFacts::count_blocked(guide::OwnLine& line, event::Query query, bool unattributed_only) {
    query.kinds = {
        event::Kind::GateBlocked, event::Kind::GateAnswered, event::Kind::GateWouldBlock
    };
    query.limit = kRowsMax;
    const auto rows = context_.journal.find(query);
    if (!rows) {
        return fail(rows.error());
    }
    for (const event::Event& row : *rows) {
        if (unattributed_only && !row.line.empty()) {
            continue;
        }
        (row.kind == event::Kind::GateWouldBlock ? line.would_block : line.blocked) += row.count;
        line.last_try = std::max(line.last_try.value_or(row.at), row.at);
    }
    return {};
}

Status DeskFacts::count_logins(guide::OwnLine& line, const IpAddress& address, Time since) {
    event::Query query;
    query.address = address.text();
    query.since = since;
    query.kinds = {event::Kind::LoginAccepted, event::Kind::LoginRefused};
    query.limit = kRowsMax;
    const auto rows = context_.journal.find(query);
    if (!rows) {
        return fail(rows.error());
    }
    for (const event::Event& row : *rows) {
        const bool refused = row.kind == event::Kind::LoginRefused;
        auto& last = refused ? line.last_login_refused : line.last_login_accepted;
        last = std::max(last.value_or(row.at), row.at);
        line.logins_refused += refused ? row.count : 0;
    }
    return {};
}

Result<guide::OwnLine> DeskFacts::own_line(const IpAddress& address, Time now) {
    const auto holders = context_.lines.holders(address, now);
    if (!holders) {
        return fail(holders.error());
    }
    guide::OwnLine own;
    const line::Answer answer = line::resolve(*holders, address, now);
    Time since = now - kWindow;
    if (answer.certainty == line::Certainty::Ambiguous) {
        own.known = guide::OwnLine::Known::Shared;
        return own;
    }
    if (answer.certainty == line::Certainty::Subscriber) {
        own.known = guide::OwnLine::Known::Line;
        event::Query by_line;
        by_line.line = answer.line;
        by_line.since = since;
        if (const Status counted = count_blocked(own, by_line, false); !counted) {
            return fail(counted.error());
        }
        // Before this session the address was somebody else's.
        for (const line::Session& session : *holders) {
            since = std::max(since, session.start);
            for (const Prefix& prefix : session.prefixes) {
                own.prefixes.emplace_back(prefix, standing(prefix.address()));
            }
        }
    } else if (const policy::Policy& policy = *context_.snapshot.policy;
               policy.written(policy.classify(address)).name == "static") {
        own.known = guide::OwnLine::Known::Address;  // a fixed address has one holder at all times
    } else {
        return own;
    }
    event::Query by_address;
    by_address.address = address.text();
    by_address.since = since;
    const bool named = own.known == guide::OwnLine::Known::Line;
    if (const Status counted = count_blocked(own, by_address, named); !counted) {
        return fail(counted.error());
    }
    if (const Status counted = count_logins(own, address, since); !counted) {
        return fail(counted.error());
    }
    return own;
}

std::optional<Time> DeskFacts::refused_at(std::string_view reference, const IpAddress& address) {
    event::Query query;
    query.reference = std::string(reference);
    query.limit = 1;
    const auto found = context_.journal.find(query);
    if (!found || found->empty() || found->front().address != address.text()) {
        return std::nullopt;
    }
    return found->front().at;
}

Result<guide::SendAsClaim> DeskFacts::ask_send_as(const std::string& command, std::string_view code)
    const {
    const auto answer =
        ask_role(context_.control, "mail", Json{{"command", command}, {"code", std::string(code)}});
    if (!answer) {
        return fail(answer.error());
    }
    return guide::SendAsClaim{answer->value("login", ""), answer->value("address", "")};
}

Result<guide::SendAsClaim> DeskFacts::send_as_claim(std::string_view code) {
    return ask_send_as("sendas-claim", code);
}

Result<guide::SendAsClaim> DeskFacts::prove_send_as(std::string_view code) {
    return ask_send_as("sendas-prove", code);
}

}  // namespace sekisho::desk

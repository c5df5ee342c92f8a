#include "cli/conduct_keeper.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "conduct/machine.h"
#include "conduct/warden.h"
#include "config/config.h"
#include "event/event.h"
#include "queue/spool.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// Rows of other processes come with a delay, and what is older changes nothing.
constexpr Duration kLookedBack = std::chrono::minutes(10);
constexpr Duration kLineToldAgainAfter = std::chrono::hours(1);

using Kind = conduct::Subject::Kind;

Json to_json(const conduct::Record& record) {
    const conduct::State& s = record.state;
    return Json{
        {record.subject.kind == Kind::Line ? "line" : "account", record.subject.id},
        {"stage", conduct::name(s.stage)},
        {"since", s.since == Time{} ? "" : rfc3339(s.since)},
        {"score", std::lround(s.score)},
        {"reason", s.reason},
        {"by", s.by},
        {"exempt", s.exempt},
        {"evidence", s.evidence},
    };
}

conduct::Seen seen_of(const event::Event& e) {
    conduct::Seen out;
    out.detail = e.detail;
    switch (e.kind) {
        case event::Kind::ComplaintReceived:
            out.what = conduct::Seen::What::Complaint;
            break;
        default:
            out.what = conduct::Seen::What::NotTaken;
            break;
    }
    return out;
}

event::Event event_of(const conduct::Subject& who, event::Kind kind) {
    event::Event row;
    row.at = now();
    row.kind = kind;
    (who.kind == Kind::Line ? row.line : row.account) = who.id;
    return row;
}

}  // namespace

conduct::Rules rules_of(const config::Conduct& c) {
    const auto points = [](std::uint32_t value) { return static_cast<int>(value); };
    conduct::Rules out;
    out.slow_at = points(c.slow_at);
    out.hold_at = points(c.hold_at);
    out.suspend_at = points(c.suspend_at);
    out.password_at = points(c.password_at);
    out.half_life = c.half_life;
    out.quiet = c.quiet;
    out.networks_max = points(c.networks_max);
    out.network_points = points(c.network_points);
    out.countries_max = points(c.countries_max);
    out.country_points = points(c.country_points);
    out.travel_points = points(c.travel_points);
    out.travel_within = c.travel_within;
    out.strangers_max = points(c.strangers_max);
    out.stranger_points = points(c.stranger_points);
    out.refused_min = points(c.refused_min);
    out.refused_percent = points(c.refused_percent);
    out.refused_points = points(c.refused_points);
    out.gate_points = points(c.gate_points);
    out.complaint_points = points(c.complaint_points);
    out.spam_points = points(c.spam_points);
    out.line_accounts = points(c.line_accounts);
    return out;
}

void ConductKeeper::follow(const config::Config& config) {
    config_ = config;
    deps_.warden.follow(rules_of(config.conduct), config.conduct.mode == "enforce");
}

Status ConductKeeper::restore() {
    const auto records = deps_.store.conduct().records();
    if (!records) {
        return fail(records.error());
    }
    deps_.warden.restore(*records);
    look_at_journal(now());  // what comes from now on counts, also before the first tick
    return {};
}

void ConductKeeper::tick(Time now) {
    look_at_journal(now);
    deps_.warden.tick(now);
    carry_out();
}

void ConductKeeper::look_at_journal(Time now) {
    event::Query query;
    query.kinds = {
        event::Kind::GateBlocked,
        event::Kind::Bounced,
        event::Kind::ComplaintReceived,
        event::Kind::AccountChanged
    };
    query.since = now - kLookedBack;
    query.newest_first = last_event_ < 0;
    query.limit = last_event_ < 0 ? 1 : 1000;
    if (last_event_ >= 0) {
        query.after_id = last_event_;
    }
    const auto events = deps_.store.journal().find(query);
    if (!events) {
        return;  // the journal itself says so
    }
    if (last_event_ < 0) {  // what was before the start has had its effect
        last_event_ = events->empty() ? 0 : events->front().id;
        return;
    }
    for (const event::Event& e : *events) {
        last_event_ = std::max(last_event_, e.id);
        if (e.kind == event::Kind::AccountChanged) {
            if (e.detail.starts_with("password changed")) {
                deps_.warden.password_changed(e.account, now);
            }
        } else if (config_.conduct.mode == "off") {
            continue;
        } else if (e.kind == event::Kind::GateBlocked) {
            if (!told_lately(e.line, now)) {
                const auto detail = fmt::format("{} packets by {}", e.count, e.rule);
                deps_.warden.blocked(e.line, detail, now);
            }
        } else if (!e.account.empty()) {
            deps_.warden.seen(e.account, e.line, seen_of(e), now);
        }
    }
}

// The gate reports a line many times a minute, and it is one fact.
bool ConductKeeper::told_lately(const std::string& line, Time now) {
    std::erase_if(blocked_, [now](const auto& one) {
        return one.second + kLineToldAgainAfter <= now;
    });
    return !blocked_.emplace(line, now).second;
}

void ConductKeeper::carry_out() {
    const auto happened = deps_.warden.happened();
    keep();
    for (const conduct::Happened& one : happened) {
        carry_out(one);
    }
}

// A state that can't be kept is tried again with the next tick.
void ConductKeeper::keep() {
    for (conduct::Record& one : deps_.warden.changed()) {
        std::erase_if(unkept_, [&](const conduct::Record& old) {
            return old.subject == one.subject;
        });
        unkept_.push_back(std::move(one));
    }
    if (unkept_.empty()) {
        return;
    }
    const Status kept = deps_.store.conduct().keep(unkept_);
    if (kept) {
        unkept_.clear();
    }
    if (kept.has_value() != kept_) {
        kept_ = kept.has_value();
        if (kept) {
            log::info("CONDUCT_KEPT", "the states of accounts are kept again");
        } else {
            log::error(
                "CONDUCT_NOT_KEPT",
                "a restart now would forget who was slowed, held or suspended",
                {{"error", kept.error().message}}
            );
        }
    }
}

void ConductKeeper::carry_out(const conduct::Happened& what) {
    const conduct::Subject& who = what.record.subject;
    event::Event row = event_of(who, event::Kind::ConductChanged);
    row.rule = "conduct:" + std::string(conduct::name(what.change.to));
    row.detail = fmt::format(
        "{} -> {}{}: {}{}",
        conduct::name(what.change.from),
        conduct::name(what.change.to),
        what.enforced ? "" : " (observed only)",
        what.change.reason,
        what.record.state.by.empty() ? "" : ", by " + what.record.state.by
    );
    log::warning(
        "CONDUCT_CHANGED", row.detail, {{who.kind == Kind::Line ? "line" : "account", who.id}}
    );
    deps_.store.journal().append(std::move(row));
    for (const conduct::Action action : what.change.actions) {
        switch (action) {
            case conduct::Action::TellSubscriber:
                if (what.enforced && config_.conduct.tell_subscriber) {
                    tell(what, true);
                }
                break;
            case conduct::Action::TellAbuseDesk:
                tell(what, false);
                break;
            case conduct::Action::HoldQueue:
                if (what.enforced) {
                    hold_queue(who, what.change.reason);
                }
                break;
            case conduct::Action::ReleaseQueue:
                release_queue(who);
                break;
            case conduct::Action::EndSessions:
                if (what.enforced) {
                    deps_.end_sessions(who);
                }
                break;
        }
    }
}

Result<Json> ConductKeeper::order(
    const std::string& name, const conduct::Subject& who, const Json& request
) {
    const std::string reason = request.value("reason", "");
    const std::string by = request.value("by", "an operator");
    if (reason.empty()) {
        return fail(Errc::Invalid, "why? a reason is kept with it");
    }
    if (const Status known = is_known(who); !known) {
        return fail(known.error());
    }
    const Time at = now();
    Status done;
    std::string text;
    if (name == "conduct-suspend") {
        done = deps_.warden.suspend(who, by, reason, at);
        text = "may not send; its sessions end, its queued mail is held";
    } else if (name == "conduct-undo") {
        const bool release = request.value("release", true);
        done = deps_.warden.undo(who, by, reason, release, at);
        text = release ? "may send again; what was held of it goes out"
                       : "may send again; what was held of it stays held";
    } else if (name == "conduct-exempt") {
        const bool exempt = request.value("exempt", true);
        done = deps_.warden.exempt(who, exempt, by, reason, at);
        text = exempt ? "is exempt: nothing it does makes it slow, held or suspended"
                      : "is no longer exempt";
        if (done) {
            event::Event row = event_of(who, event::Kind::ConductChanged);
            row.rule = "conduct:exempt";
            row.detail = text + ": " + reason + ", by " + by;
            deps_.store.journal().append(std::move(row));
        }
    } else if (name == "conduct-notice") {
        return tell_again(who, by, reason);
    } else {
        return fail(Errc::NotFound, "the mail server knows no command \"" + name + "\"");
    }
    if (!done) {
        return fail(done.error());
    }
    carry_out();
    return Json{
        {who.kind == Kind::Line ? "line" : "account", who.id},
        {"text", conduct::text(who) + " " + text}
    };
}

Result<Json> ConductKeeper::tell_again(
    const conduct::Subject& who, const std::string& by, const std::string& reason
) {
    const std::string called = conduct::text(who);
    const auto found = deps_.warden.find(who, now());
    if (!found || found->state.stage == conduct::Stage::Normal) {
        return fail(Errc::Conflict, called + " has no stage that it could be told of");
    }
    const auto to = owners(who);
    if (to.empty()) {
        return fail(Errc::Conflict, called + " has no address that a notice could go to");
    }
    std::string addresses;
    for (const Owner& one : to) {
        addresses += (addresses.empty() ? "" : ", ") + one.address;
    }
    const conduct::State& state = found->state;
    tell({*found, {state.stage, state.stage, state.reason, {}}, true}, true);
    event::Event row = event_of(who, event::Kind::ConductChanged);
    row.rule = "conduct:notice";
    row.detail = "told again that it is " + std::string(conduct::name(state.stage)) + ", by " + by +
                 ": " + reason;
    deps_.store.journal().append(std::move(row));
    return Json{
        {who.kind == Kind::Line ? "line" : "account", who.id},
        {"text", "the notice goes to " + addresses}
    };
}

// A line is known when anything is on record of it: what else could be misused.
Status ConductKeeper::is_known(const conduct::Subject& who) {
    if (who.kind == Kind::Account) {
        const auto known = account_of(who.id);
        return known ? Status{} : fail(known.error());
    }
    if (deps_.warden.find(who, now())) {
        return {};
    }
    const auto sessions = deps_.store.lines().sessions_of(who.id, 1);
    if (!sessions) {
        return fail(sessions.error());
    }
    if (!sessions->empty() || !owners(who).empty()) {
        return {};
    }
    return fail(Errc::NotFound, "no line " + printable(who.id, 100));
}

Result<Json> ConductKeeper::command(const std::string& name, const Json& request) {
    if (name == "conduct-list") {
        Json accounts = Json::array();
        Json lines = Json::array();
        for (const conduct::Record& one : deps_.warden.list(now())) {
            (one.subject.kind == Kind::Line ? lines : accounts).push_back(to_json(one));
        }
        return Json{
            {"mode", config_.conduct.mode},
            {"accounts", std::move(accounts)},
            {"lines", std::move(lines)}
        };
    }
    const std::string line = request.value("line", "");
    const conduct::Subject who =
        line.empty() ? conduct::Subject{Kind::Account, to_lower(request.value("account", ""))}
                     : conduct::Subject{Kind::Line, line};
    if (name == "conduct-show") {
        if (const auto found = deps_.warden.find(who, now())) {
            return to_json(*found);
        }
        const Status known = is_known(who);
        return known ? Result<Json>(to_json({who, {}})) : fail(known.error());
    }
    return order(name, who, request);
}

Json ConductKeeper::status() const {
    std::map<std::string, std::uint64_t> stages{
        {"slow", 0}, {"hold", 0}, {"suspended", 0}, {"password", 0}
    };
    std::uint64_t lines = 0;
    for (const conduct::Record& one : deps_.warden.list(now())) {
        if (one.state.stage == conduct::Stage::Normal) {
            continue;
        }
        if (one.subject.kind == Kind::Line) {
            ++lines;
        } else {
            ++stages[std::string(conduct::name(one.state.stage))];
        }
    }
    Json out(stages);
    out["lines"] = lines;
    return out;
}

}  // namespace sekisho::cli

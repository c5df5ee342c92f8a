#include "cli/conduct_keeper.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "conduct/machine.h"
#include "conduct/notice.h"
#include "conduct/warden.h"
#include "config/config.h"
#include "event/event.h"
#include "mail/conduct.h"
#include "queue/notice.h"
#include "queue/spool.h"
#include "store/store.h"

#include <fmt/core.h>

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

constexpr std::size_t kQueueMax = 1'000'000;
// Rows of other processes come with a delay, and what is older changes nothing.
constexpr Duration kLookedBack = std::chrono::minutes(10);
constexpr Duration kLineToldAgainAfter = std::chrono::hours(1);
constexpr int kIdBits = 80;

Json to_json(const conduct::Record& record) {
    const conduct::State& s = record.state;
    return Json{
        {"account", record.account},
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
        case event::Kind::GateBlocked:
            out.what = conduct::Seen::What::GateBlocked;
            out.detail = fmt::format("{} packets by {}", e.count, e.rule);
            break;
        case event::Kind::ComplaintReceived:
            out.what = conduct::Seen::What::Complaint;
            break;
        default:
            out.what = conduct::Seen::What::NotTaken;
            break;
    }
    return out;
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
                deps_.warden.seen_of_line(e.line, seen_of(e), now);
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
            return old.account == one.account;
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
    const std::string& account = what.record.account;
    event::Event row;
    row.at = now();
    row.kind = event::Kind::ConductChanged;
    row.account = account;
    row.rule = "conduct:" + std::string(conduct::name(what.change.to));
    row.detail = fmt::format(
        "{} -> {}{}: {}{}",
        conduct::name(what.change.from),
        conduct::name(what.change.to),
        what.enforced ? "" : " (observed only)",
        what.change.reason,
        what.record.state.by.empty() ? "" : ", by " + what.record.state.by
    );
    log::warning("CONDUCT_CHANGED", row.detail, {{"account", account}});
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
                    hold_queue(account, what.change.reason);
                }
                break;
            case conduct::Action::ReleaseQueue:
                release_queue(account);
                break;
            case conduct::Action::EndSessions:
                if (what.enforced) {
                    deps_.end_sessions(account);
                }
                break;
        }
    }
}

void ConductKeeper::hold_queue(const std::string& account, const std::string& reason) {
    queue::Filter filter;
    filter.account = account;
    filter.held = false;
    filter.limit = kQueueMax;
    for (const queue::Entry& entry : deps_.spool.find(filter)) {
        const std::string why = mail::held_by_conduct(reason);
        if (!deps_.spool.hold(entry.envelope.queue_id, why)) {
            continue;  // it has gone meanwhile
        }
        event::Event row;
        row.at = now();
        row.kind = event::Kind::Held;
        row.account = account;
        row.queue_id = entry.envelope.queue_id;
        row.message_id = entry.envelope.message_id;
        row.sender = entry.envelope.reverse_path;
        row.detail = "held: " + why;
        deps_.store.journal().append(std::move(row));
    }
}

void ConductKeeper::release_queue(const std::string& account) {
    queue::Filter filter;
    filter.account = account;
    filter.held = true;
    filter.limit = kQueueMax;
    for (const queue::Entry& entry : deps_.spool.find(filter)) {
        // What somebody else holds is none of its business.
        if (!entry.hold_reason.starts_with(mail::kConductHold) ||
            !deps_.spool.release(entry.envelope.queue_id, now())) {
            continue;
        }
        event::Event row;
        row.at = now();
        row.kind = event::Kind::Released;
        row.account = account;
        row.queue_id = entry.envelope.queue_id;
        row.message_id = entry.envelope.message_id;
        row.sender = entry.envelope.reverse_path;
        row.detail = "released: the account is trusted again";
        deps_.store.journal().append(std::move(row));
    }
}

void ConductKeeper::tell(const conduct::Happened& what, bool subscriber) {
    std::string to = config_.conduct.abuse_mail;
    if (subscriber) {
        const auto account = deps_.store.accounts().find(what.record.account);
        to = account && !account->addresses.empty() ? account->addresses.front() : "";
    }
    if (to.empty()) {
        return;
    }
    const conduct::NoticeOptions options{
        config_.mail.hostname,
        config_.delivery.dsn_from,
        config_.provider.name,
        config_.provider.name_ja,
        config_.provider.support_mail,
        config_.provider.guide_url,
    };
    const Time at = now();
    const std::string unique = random_token(kIdBits);
    conduct::Notice notice = subscriber ? conduct::to_subscriber(what, to, options, unique, at)
                                        : conduct::to_abuse_desk(what, to, options, unique, at);
    auto envelope = queue::notice_envelope(to, notice.message_id, notice.message.size(), at);
    deps_.spool.append(
        std::move(envelope),
        std::move(notice.message),
        [to](const Result<std::string>& done) {
            if (!done) {
                log::error(
                    "CONDUCT_NOT_TOLD",
                    "a notice could not be queued",
                    {{"to", to}, {"error", done.error().message}}
                );
            }
        }
    );
}

Result<Json> ConductKeeper::order(
    const std::string& name, const std::string& account, const Json& request
) {
    const std::string reason = request.value("reason", "");
    const std::string by = request.value("by", "an operator");
    if (reason.empty()) {
        return fail(Errc::Invalid, "why? a reason is kept with it");
    }
    const auto known = deps_.store.accounts().find(account);
    if (!known) {
        return fail(known.error());
    }
    const Time at = now();
    Status done;
    std::string text;
    if (name == "conduct-suspend") {
        done = deps_.warden.suspend(account, by, reason, at);
        text = "may not send; its sessions end, its queued mail is held";
    } else if (name == "conduct-undo") {
        const bool release = request.value("release", true);
        done = deps_.warden.undo(account, by, reason, release, at);
        text = release ? "may send again; what was held of it goes out"
                       : "may send again; what was held of it stays held";
    } else if (name == "conduct-exempt") {
        const bool exempt = request.value("exempt", true);
        done = deps_.warden.exempt(account, exempt, by, reason, at);
        text = exempt ? "is exempt: nothing it does makes it slow, held or suspended"
                      : "is no longer exempt";
        if (done) {
            event::Event row;
            row.at = at;
            row.kind = event::Kind::ConductChanged;
            row.account = account;
            row.rule = "conduct:exempt";
            row.detail = text + ": " + reason + ", by " + by;
            deps_.store.journal().append(std::move(row));
        }
    } else if (name == "conduct-notice") {
        const auto found = deps_.warden.find(account, at);
        if (!found || found->state.stage == conduct::Stage::Normal) {
            return fail(Errc::Conflict, account + " has no stage that it could be told of");
        }
        if (known->addresses.empty()) {
            return fail(Errc::Conflict, account + " has no address that a notice could go to");
        }
        const conduct::State& state = found->state;
        tell({*found, {state.stage, state.stage, state.reason, {}}, true}, true);
        event::Event row;
        row.at = at;
        row.kind = event::Kind::ConductChanged;
        row.account = account;
        row.rule = "conduct:notice";
        row.detail = "told again that it is " + std::string(conduct::name(state.stage)) + ", by " +
                     by + ": " + reason;
        deps_.store.journal().append(std::move(row));
        return Json{
            {"account", account}, {"text", "the notice goes to " + known->addresses.front()}
        };
    } else {
        return fail(Errc::NotFound, "the mail server knows no command \"" + name + "\"");
    }
    if (!done) {
        return fail(done.error());
    }
    carry_out();
    return Json{{"account", account}, {"text", account + " " + text}};
}

Result<Json> ConductKeeper::command(const std::string& name, const Json& request) {
    if (name == "conduct-list") {
        Json rows = Json::array();
        for (const conduct::Record& one : deps_.warden.list(now())) {
            rows.push_back(to_json(one));
        }
        return Json{{"mode", config_.conduct.mode}, {"accounts", std::move(rows)}};
    }
    const std::string account = to_lower(request.value("account", ""));
    if (name == "conduct-show") {
        const auto found = deps_.warden.find(account, now());
        if (found) {
            return to_json(*found);
        }
        const auto known = deps_.store.accounts().find(account);
        return known ? Result<Json>(to_json({account, {}})) : fail(known.error());
    }
    return order(name, account, request);
}

Json ConductKeeper::status() const {
    std::map<std::string, std::uint64_t> stages{
        {"slow", 0}, {"hold", 0}, {"suspended", 0}, {"password", 0}
    };
    for (const conduct::Record& one : deps_.warden.list(now())) {
        if (one.state.stage != conduct::Stage::Normal) {
            ++stages[std::string(conduct::name(one.state.stage))];
        }
    }
    return Json(stages);
}

}  // namespace sekisho::cli

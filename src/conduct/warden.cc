#include "conduct/warden.h"

#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::conduct {
namespace {

constexpr std::array kKinds{Subject::Kind::Account, Subject::Kind::Line};

bool says_something(const State& state) {
    return state.stage != Stage::Normal || state.score >= 1 || state.exempt;
}

}  // namespace

std::string text(const Subject& subject) {
    return (subject.kind == Subject::Kind::Line ? "line " : "") + subject.id;
}

void Warden::follow(const Rules& rules, bool enforced) {
    const std::scoped_lock lock(mutex_);
    rules_ = rules;
    enforced_ = enforced;
}

void Warden::restore(std::span<const Record> records) {
    const std::scoped_lock lock(mutex_);
    for (const Record& record : records) {
        states(record.subject.kind)[record.subject.id] = record.state;
    }
}

Stage Warden::stage_in(const States& states, std::string_view id) const {
    const std::scoped_lock lock(mutex_);
    const auto at = states.find(id);
    return at != states.end() && felt(at->second) ? at->second.stage : Stage::Normal;
}

Stage Warden::stage(std::string_view account) const {
    return stage_in(accounts_, account);
}

Stage Warden::stage_of_line(std::string_view line) const {
    return stage_in(lines_, line);
}

void Warden::note(const Subject& who, const State& state, std::optional<Change> change) {
    changed_.insert(who);
    if (change) {
        happened_.push_back({{who, state}, std::move(*change), felt(state)});
    }
}

void Warden::seen(std::string_view account, std::string_view home, const Seen& seen, Time now) {
    const std::scoped_lock lock(mutex_);
    const std::string login{account};
    if (!home.empty()) {
        at_home_[std::string(home)].insert(login);
    }
    see(login, seen, now);
}

void Warden::see(const std::string& account, const Seen& seen, Time now) {
    State& state = accounts_[account];
    const Observed observed = observe(rules_, state, seen, now);
    if (observed.points > 0) {
        note({Subject::Kind::Account, account}, state, observed.change);
    }
    // What the gate blocks, it tells of the line itself.
    if (observed.points > 0 && !state.from.empty() && seen.what != Seen::What::GateBlocked) {
        State& line = lines_[state.from];
        auto change = observe_line(rules_, line, account, observed, now);
        note({Subject::Kind::Line, state.from}, line, std::move(change));
    }
}

void Warden::blocked(std::string_view line, const std::string& detail, Time now) {
    const std::scoped_lock lock(mutex_);
    if (const auto at = at_home_.find(line); at != at_home_.end()) {
        for (const std::string& account : at->second) {
            see(account, {.what = Seen::What::GateBlocked, .detail = detail}, now);
        }
    }
    if (const auto at = lines_.find(line); at != lines_.end()) {
        auto change = observe_blocked(rules_, at->second, detail, now);
        note({Subject::Kind::Line, at->first}, at->second, std::move(change));
    }
}

void Warden::tick(Time now) {
    const std::scoped_lock lock(mutex_);
    for (const Subject::Kind kind : kKinds) {
        for (auto& [id, state] : states(kind)) {
            if (std::optional<Change> change = relax(rules_, state, now)) {
                note({kind, id}, state, std::move(change));
            }
        }
    }
}

Status Warden::suspend(
    const Subject& who, const std::string& by, const std::string& why, Time now
) {
    const std::scoped_lock lock(mutex_);
    State& state = states(who.kind)[who.id];
    auto change = conduct::suspend(state, by, why, now);
    if (!change) {
        return fail(Errc::Conflict, text(who) + " is suspended already: " + state.reason);
    }
    note(who, state, std::move(change));
    return {};
}

Status Warden::undo(
    const Subject& who, const std::string& by, const std::string& why, bool release, Time now
) {
    const std::scoped_lock lock(mutex_);
    const auto at = states(who.kind).find(who.id);
    auto change = at == states(who.kind).end() ? std::nullopt
                                               : conduct::undo(at->second, by, why, release, now);
    if (!change) {
        return fail(Errc::Conflict, "nothing is held against " + text(who));
    }
    note(who, at->second, std::move(change));
    return {};
}

Status Warden::exempt(
    const Subject& who, bool exempt, const std::string& by, const std::string& why, Time now
) {
    const std::scoped_lock lock(mutex_);
    State& state = states(who.kind)[who.id];
    if (state.exempt == exempt) {
        return fail(Errc::Conflict, text(who) + (exempt ? " is" : " is not") + " exempt already");
    }
    state.exempt = exempt;
    state.evidence.push_back(
        rfc3339(now) + (exempt ? " exempted by " : " no longer exempt, by ") + by + ": " + why
    );
    note(who, state, std::nullopt);
    return {};
}

void Warden::password_changed(const std::string& account, Time now) {
    const std::scoped_lock lock(mutex_);
    const auto at = accounts_.find(account);
    if (at != accounts_.end()) {
        if (auto change = conduct::password_changed(at->second, now)) {
            note({Subject::Kind::Account, account}, at->second, std::move(change));
        }
    }
}

std::vector<Happened> Warden::happened() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(happened_, {});
}

std::vector<Record> Warden::changed() {
    const std::scoped_lock lock(mutex_);
    std::vector<Record> out;
    for (const Subject& who : std::exchange(changed_, {})) {
        out.push_back({who, states(who.kind)[who.id]});
    }
    return out;
}

std::vector<Record> Warden::list(Time now) const {
    std::vector<Record> out;
    {
        const std::scoped_lock lock(mutex_);
        for (const Subject::Kind kind : kKinds) {
            for (const auto& [id, state] : states(kind)) {
                Record one{{kind, id}, state};
                one.state.score = score_at(rules_, state, now);
                if (says_something(one.state)) {
                    out.push_back(std::move(one));
                }
            }
        }
    }
    std::ranges::sort(out, [](const Record& a, const Record& b) {
        return a.state.stage != b.state.stage ? a.state.stage > b.state.stage
                                              : a.state.score > b.state.score;
    });
    return out;
}

std::optional<Record> Warden::find(const Subject& who, Time now) const {
    const std::scoped_lock lock(mutex_);
    const auto at = states(who.kind).find(who.id);
    if (at == states(who.kind).end()) {
        return std::nullopt;
    }
    Record out{who, at->second};
    out.state.score = score_at(rules_, at->second, now);
    return out;
}

}  // namespace sekisho::conduct

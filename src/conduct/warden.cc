#include "conduct/warden.h"

#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::conduct {
namespace {

bool says_something(const State& state) {
    return state.stage != Stage::Normal || state.score >= 1 || state.exempt;
}

}  // namespace

void Warden::follow(const Rules& rules, bool enforced) {
    const std::scoped_lock lock(mutex_);
    rules_ = rules;
    enforced_ = enforced;
}

void Warden::restore(std::span<const Record> records) {
    const std::scoped_lock lock(mutex_);
    for (const Record& record : records) {
        states_[record.account] = record.state;
    }
}

Stage Warden::stage(std::string_view account) const {
    const std::scoped_lock lock(mutex_);
    const auto at = states_.find(account);
    return at != states_.end() && felt(at->second) ? at->second.stage : Stage::Normal;
}

void Warden::note(const std::string& account, const State& state, std::optional<Change> change) {
    changed_.insert(account);
    if (change) {
        happened_.push_back({{account, state}, std::move(*change), felt(state)});
    }
}

void Warden::seen(std::string_view account, std::string_view line, const Seen& seen, Time now) {
    const std::scoped_lock lock(mutex_);
    const std::string login{account};
    State& state = states_[login];
    if (!line.empty()) {
        lines_[std::string(line)].insert(login);
    }
    const double before = state.score;
    std::optional<Change> change = observe(rules_, state, seen, now);
    if (state.score > before || change) {
        note(login, state, std::move(change));
    }
}

void Warden::seen_of_line(std::string_view line, const Seen& seen, Time now) {
    std::vector<std::string> accounts;
    {
        const std::scoped_lock lock(mutex_);
        const auto at = lines_.find(line);
        if (at != lines_.end()) {
            accounts.assign(at->second.begin(), at->second.end());
        }
    }
    for (const std::string& account : accounts) {
        this->seen(account, line, seen, now);
    }
}

void Warden::tick(Time now) {
    const std::scoped_lock lock(mutex_);
    for (auto& [account, state] : states_) {
        if (std::optional<Change> change = relax(rules_, state, now)) {
            note(account, state, std::move(change));
        }
    }
}

Status Warden::suspend(
    const std::string& account, const std::string& by, const std::string& why, Time now
) {
    const std::scoped_lock lock(mutex_);
    State& state = states_[account];
    auto change = conduct::suspend(state, by, why, now);
    if (!change) {
        return fail(Errc::Conflict, account + " is suspended already: " + state.reason);
    }
    note(account, state, std::move(change));
    return {};
}

Status Warden::undo(
    const std::string& account,
    const std::string& by,
    const std::string& why,
    bool release,
    Time now
) {
    const std::scoped_lock lock(mutex_);
    const auto at = states_.find(account);
    auto change =
        at == states_.end() ? std::nullopt : conduct::undo(at->second, by, why, release, now);
    if (!change) {
        return fail(Errc::Conflict, "nothing is held against " + account);
    }
    note(account, at->second, std::move(change));
    return {};
}

Status Warden::exempt(
    const std::string& account, bool exempt, const std::string& by, const std::string& why, Time now
) {
    const std::scoped_lock lock(mutex_);
    State& state = states_[account];
    if (state.exempt == exempt) {
        return fail(Errc::Conflict, account + (exempt ? " is" : " is not") + " exempt already");
    }
    state.exempt = exempt;
    state.evidence.push_back(
        rfc3339(now) + (exempt ? " exempted by " : " no longer exempt, by ") + by + ": " + why
    );
    note(account, state, std::nullopt);
    return {};
}

void Warden::password_changed(const std::string& account, Time now) {
    const std::scoped_lock lock(mutex_);
    const auto at = states_.find(account);
    if (at != states_.end()) {
        if (auto change = conduct::password_changed(at->second, now)) {
            note(account, at->second, std::move(change));
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
    for (const std::string& account : std::exchange(changed_, {})) {
        out.push_back({account, states_[account]});
    }
    return out;
}

std::vector<Record> Warden::list(Time now) const {
    std::vector<Record> out;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [account, state] : states_) {
            Record one{account, state};
            one.state.score = score_at(rules_, state, now);
            if (says_something(one.state)) {
                out.push_back(std::move(one));
            }
        }
    }
    std::ranges::sort(out, [](const Record& a, const Record& b) {
        return a.state.stage != b.state.stage ? a.state.stage > b.state.stage
                                              : a.state.score > b.state.score;
    });
    return out;
}

std::optional<Record> Warden::find(std::string_view account, Time now) const {
    const std::scoped_lock lock(mutex_);
    const auto at = states_.find(account);
    if (at == states_.end()) {
        return std::nullopt;
    }
    Record out{at->first, at->second};
    out.state.score = score_at(rules_, at->second, now);
    return out;
}

}  // namespace sekisho::conduct

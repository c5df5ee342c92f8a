#include "conduct/machine.h"

#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::conduct {
namespace {

constexpr Duration kWindow = std::chrono::hours(1);
constexpr std::size_t kPlacesMax = 256;  // networks remembered of an account: enough to suspend it

constexpr std::array<std::pair<Stage, std::string_view>, 5> kNames{{
    {Stage::Normal, "normal"},
    {Stage::Slow, "slow"},
    {Stage::Hold, "hold"},
    {Stage::Suspended, "suspended"},
    {Stage::Password, "password"},
}};

void note(State& state, std::string text, Time now) {
    if (state.evidence.size() >= kEvidenceMax) {
        state.evidence.erase(state.evidence.begin());
    }
    state.evidence.push_back(rfc3339(now) + " " + std::move(text));
}

// The window's counts begin anew an hour after its first one.
void roll(State& state, Time now) {
    if (now - state.window >= kWindow) {
        state.window = now;
        state.taken = state.strangers = state.not_taken = state.share_told = 0;
    }
}

// True: it is a new place of the hour. The map then holds those of the last hour.
bool new_place(std::map<std::string, Time>& places, const std::string& place, Time now) {
    std::erase_if(places, [now](const auto& one) { return one.second + kWindow <= now; });
    const bool known = places.contains(place);
    if (known || places.size() < kPlacesMax) {
        places[place] = now;
    }
    return !known;
}

struct Points {
    double count = 0;
    std::string why;
    void add(double more, const std::string& text) {
        if (more > 0) {
            count += more;
            why += (why.empty() ? "" : "; ") + text;
        }
    }
};

void of_place(const Rules& rules, State& state, const Seen& seen, Time now, Points& points) {
    if (!seen.network.empty() && new_place(state.networks, seen.network, now)) {
        const auto count = static_cast<int>(state.networks.size());
        if (count > rules.networks_max) {
            points.add(
                rules.network_points,
                fmt::format("{} networks in an hour, now {}", count, seen.network)
            );
        }
    }
    if (seen.country.empty()) {
        return;
    }
    if (new_place(state.countries, seen.country, now)) {
        const auto count = static_cast<int>(state.countries.size());
        if (count > rules.countries_max) {
            points.add(
                rules.country_points,
                fmt::format("{} countries in an hour, now {}", count, seen.country)
            );
        }
    }
    if (!state.country.empty() && state.country != seen.country &&
        now - state.there < rules.travel_within) {
        points.add(
            rules.travel_points,
            fmt::format(
                "in {} and {} within {} minutes",
                state.country,
                seen.country,
                std::chrono::ceil<std::chrono::minutes>(now - state.there).count()
            )
        );
    }
    state.country = seen.country;
    state.there = now;
}

// Once for each refused_min of them.
void of_share(const Rules& rules, State& state, Points& points) {
    const int all = state.taken + state.not_taken;
    if (state.not_taken >= state.share_told + rules.refused_min &&
        100 * state.not_taken >= rules.refused_percent * all) {
        state.share_told = state.not_taken;
        points.add(
            rules.refused_points,
            fmt::format("{} of {} recipients in an hour were refused", state.not_taken, all)
        );
    }
}

Points judge(const Rules& rules, State& state, const Seen& seen, Time now) {
    roll(state, now);
    Points points;
    switch (seen.what) {
        case Seen::What::Login:
            of_place(rules, state, seen, now, points);
            break;
        case Seen::What::Recipient:
            of_place(rules, state, seen, now, points);
            ++state.taken;
            if (seen.stranger && ++state.strangers > rules.strangers_max) {
                points.add(
                    rules.stranger_points,
                    fmt::format("{} new recipients in an hour", state.strangers)
                );
            }
            break;
        case Seen::What::NotTaken:
            ++state.not_taken;
            of_share(rules, state, points);
            break;
        case Seen::What::GateBlocked:
            // A line has other users: by itself it says nothing about the account.
            if (score_at(rules, state, now) >= 1) {
                points.add(rules.gate_points, "the gate blocks its line: " + seen.detail);
            }
            break;
        case Seen::What::Complaint:
            points.add(rules.complaint_points, "a complaint: " + seen.detail);
            break;
        case Seen::What::Spam:
            points.add(rules.spam_points, "called spam: " + seen.detail);
            break;
    }
    return points;
}

Stage stage_of(const Rules& rules, double score) {
    return score >= rules.password_at  ? Stage::Password
           : score >= rules.suspend_at ? Stage::Suspended
           : score >= rules.hold_at    ? Stage::Hold
           : score >= rules.slow_at    ? Stage::Slow
                                       : Stage::Normal;
}

Change change(State& state, Stage to, std::string reason, std::string by, Time now) {
    Change out{state.stage, to, std::move(reason), {}};
    state.stage = to;
    state.since = now;
    state.reason = out.reason;
    state.by = std::move(by);
    out.actions = {Action::TellSubscriber, Action::TellAbuseDesk};
    if (to >= Stage::Hold) {
        out.actions.push_back(Action::HoldQueue);
    }
    if (to >= Stage::Suspended) {
        out.actions.push_back(Action::EndSessions);
    }
    return out;
}

Stage stage_of_line(const Rules& rules, const State& line) {
    return static_cast<int>(line.accounts.size()) < rules.line_accounts
               ? Stage::Normal
               : std::min(stage_of(rules, line.score), Stage::Suspended);
}

// More points, and the change when the stage that they make is a stricter one.
template <class StageNow>
std::optional<Change> gain(
    State& state, double score, double points, const std::string& why, Time now, StageNow stage_now
) {
    state.score = score + points;
    state.scored = std::max(now, state.scored);
    state.suspicious = now;
    note(state, why, now);
    const Stage to = stage_now();
    return to > state.stage ? std::optional(change(state, to, why, {}, now)) : std::nullopt;
}

}  // namespace

std::string_view name(Stage stage) {
    const auto at = std::ranges::find(kNames, stage, &std::pair<Stage, std::string_view>::first);
    return at == kNames.end() ? "unknown" : at->second;
}

std::optional<Stage> parse_stage(std::string_view text) {
    const auto at = std::ranges::find(kNames, text, &std::pair<Stage, std::string_view>::second);
    return at == kNames.end() ? std::nullopt : std::optional(at->first);
}

double score_at(const Rules& rules, const State& state, Time now) {
    if (state.score == 0 || now <= state.scored) {
        return state.score;
    }
    const double halves = static_cast<double>((now - state.scored).count()) /
                          static_cast<double>(rules.half_life.count());
    return state.score * std::exp2(-halves);
}

Observed observe(const Rules& rules, State& state, const Seen& seen, Time now) {
    if (seen.from) {
        state.from = *seen.from;
    }
    Points points = judge(rules, state, seen, now);
    if (points.count <= 0 || state.exempt) {
        return {};
    }
    Observed out{points.count, std::move(points.why), std::nullopt};
    out.change = gain(state, score_at(rules, state, now), out.points, out.why, now, [&] {
        return stage_of(rules, state.score);
    });
    return out;
}

std::optional<Change> observe_line(
    const Rules& rules, State& line, std::string_view account, const Observed& of_account, Time now
) {
    if (of_account.points <= 0 || line.exempt || rules.line_accounts == 0) {
        return std::nullopt;
    }
    std::erase_if(line.accounts, [&](const auto& one) { return one.second + rules.quiet <= now; });
    if (line.accounts.size() < kPlacesMax || line.accounts.contains(std::string(account))) {
        line.accounts[std::string(account)] = now;
    }
    const std::string why = std::string(account) + ": " + of_account.why;
    return gain(line, score_at(rules, line, now), of_account.points, why, now, [&] {
        return stage_of_line(rules, line);
    });
}

std::optional<Change> observe_blocked(
    const Rules& rules, State& line, std::string_view detail, Time now
) {
    const double score = score_at(rules, line, now);
    if (score < 1 || line.exempt) {
        return std::nullopt;
    }
    const std::string why = "the gate blocks it: " + std::string(detail);
    return gain(line, score, rules.gate_points, why, now, [&] {
        return stage_of_line(rules, line);
    });
}

std::optional<Change> relax(const Rules& rules, State& state, Time now) {
    const bool by_itself = state.stage == Stage::Slow || state.stage == Stage::Hold;
    if (!by_itself || now - std::max(state.since, state.suspicious) < rules.quiet) {
        return std::nullopt;
    }
    const Stage to = state.stage == Stage::Hold ? Stage::Slow : Stage::Normal;
    if (stage_of(rules, score_at(rules, state, now)) > to) {
        return std::nullopt;
    }
    Change out = change(state, to, "nothing suspicious for a time", {}, now);
    note(state, "taken back to " + std::string(name(to)), now);
    return out;
}

std::optional<Change> suspend(
    State& state, const std::string& by, const std::string& reason, Time now
) {
    if (state.stage >= Stage::Suspended) {
        return std::nullopt;
    }
    note(state, "suspended by " + by + ": " + reason, now);
    return change(state, Stage::Suspended, reason, by, now);
}

std::optional<Change> undo(
    State& state, const std::string& by, const std::string& reason, bool release, Time now
) {
    if (state.stage == Stage::Normal && state.score == 0) {
        return std::nullopt;
    }
    note(state, "undone by " + by + ": " + reason, now);
    Change out = change(state, Stage::Normal, reason, by, now);
    state.score = 0;
    state.networks.clear();
    state.countries.clear();
    state.accounts.clear();
    state.country.clear();
    state.window = {};
    if (out.from == Stage::Normal) {
        out.actions.clear();  // its owner never heard of it
    }
    if (release) {
        out.actions.push_back(Action::ReleaseQueue);
    }
    return out;
}

std::optional<Change> password_changed(State& state, Time now) {
    if (state.stage != Stage::Password) {
        return std::nullopt;
    }
    note(state, "its password was changed", now);
    state.score = 0;
    return change(state, Stage::Normal, "its password was changed", {}, now);
}

}  // namespace sekisho::conduct

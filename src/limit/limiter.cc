#include "limit/limiter.h"

#include "base/result.h"
#include "base/time.h"
#include "limit/gcra.h"
#include "limit/quota.h"
#include "limit/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::limit {
namespace {

// One kind of limit: its rule, its states. The two specialisations give the limiter one vocabulary.
struct RateKind {
    using State = Instant;
    Gcra rule;
    [[nodiscard]] std::int64_t allowed() const { return rule.burst(); }
    [[nodiscard]] Gcra::Decision check(const State& state, Instant now, const Want& want) const {
        return rule.check(state, now, want.cost);
    }
    [[nodiscard]] State taken(const State& state, Instant now, const Want& want) const {
        return rule.taken(state, now, want.cost);
    }
    [[nodiscard]] State returned(const State& state, Instant /*now*/, std::int64_t cost) const {
        return rule.returned(state, cost);
    }
    [[nodiscard]] Instant recovered_at(const State& state, Instant now) const {
        return std::max(state, now);
    }
    static void write(const State& state, limit::State& to) {
        to.mark = state.time_since_epoch().count();
    }
    static State read(const limit::State& from) {
        return Instant{std::chrono::microseconds{from.mark}};
    }
    static constexpr bool kDay = false;
};

struct DayKind {
    using State = DayUse;
    Quota rule;
    [[nodiscard]] std::int64_t allowed() const { return rule.max(); }
    [[nodiscard]] Gcra::Decision check(const State& state, Instant now, const Want& want) const {
        return rule.check(state, now, want.cost, want.own);
    }
    [[nodiscard]] State taken(const State& state, Instant now, const Want& want) const {
        return rule.taken(state, now, want.cost, want.own);
    }
    [[nodiscard]] State returned(const State& state, Instant now, std::int64_t cost) const {
        return rule.returned(state, now, cost);
    }
    [[nodiscard]] Instant recovered_at(const State& state, Instant now) const {
        return rule.used(state, now) > 0 ? rule.check(state, now, rule.max()).free_at : now;
    }
    static void write(const State& state, limit::State& to) {
        to.mark = state.day;
        to.used = state.used;
    }
    static State read(const limit::State& from) { return {from.mark, from.used, {}}; }
    static constexpr bool kDay = true;
};

template <class Kind>
struct Shelf {
    Kind kind;
    Table<typename Kind::State> table;

    [[nodiscard]] typename Kind::State state(std::string_view key) const {
        const auto* const found = table.find(key);
        return found == nullptr ? typename Kind::State{} : *found;
    }
    void put(std::string_view key, const typename Kind::State& state, Instant now) {
        table.put(key, state, [&](const typename Kind::State& other) {
            return kind.rule.used(other, now);
        });
    }
};

struct Named {
    std::string name;
    std::variant<Shelf<RateKind>, Shelf<DayKind>> shelf;
    bool shadow = false, kept = true;
    std::unordered_set<std::string> changed{};  // keys, since changes() was asked
    std::uint64_t taken = 0, refused = 0, would_refuse = 0;

    void touch(std::string_view key, std::size_t keys_max) {
        // Twice: keys that were dropped meanwhile must be told too.
        if (kept && changed.size() < 2 * keys_max) {
            changed.emplace(key);
        }
    }
};

Result<Named> make_named(const Limit& limit, std::size_t keys_max) {
    if (const auto* const rate = std::get_if<Rate>(&limit.how)) {
        const Result<Gcra> rule = Gcra::make(*rate);
        if (!rule) {
            return fail(Errc::Invalid, limit.name + ": " + rule.error().message);
        }
        return Named{
            limit.name,
            Shelf<RateKind>{RateKind{*rule}, Table<Instant>(keys_max)},
            limit.shadow,
            limit.kept,
        };
    }
    const Result<Quota> rule = Quota::make(std::get<Day>(limit.how));
    if (!rule) {
        return fail(Errc::Invalid, limit.name + ": " + rule.error().message);
    }
    return Named{
        limit.name,
        Shelf<DayKind>{DayKind{*rule}, Table<DayUse>(keys_max)},
        limit.shadow,
        limit.kept,
    };
}

Result<std::vector<Named>> make_all(const std::vector<Limit>& limits, std::size_t keys_max) {
    std::vector<Named> all;
    for (const Limit& limit : limits) {
        const bool taken = std::any_of(all.begin(), all.end(), [&](const Named& named) {
            return named.name == limit.name;
        });
        if (taken) {
            return fail(Errc::Invalid, "two limits are named " + limit.name);
        }
        Result<Named> named = make_named(limit, keys_max);
        if (!named) {
            return fail(named.error());
        }
        all.push_back(std::move(*named));
    }
    return all;
}

// What a request would make of the states, before it is certain that all of it passes.
class Draft {
  public:
    explicit Draft(std::vector<Named>& limits) : limits_(limits) {}

    struct Answer {
        Named* named = nullptr;  // null: there is no such limit
        std::optional<Refusal> refusal;
    };
    Answer add(const Want& want, Instant now) {
        const auto named = std::find_if(limits_.begin(), limits_.end(), [&](const Named& each) {
            return each.name == want.limit;
        });
        if (named == limits_.end()) {
            return {};
        }
        return {&*named, add_to(*named, want, now)};
    }

    void commit(Instant now, std::size_t keys_max) {
        for (const Step& step : steps_) {
            ++step.named->taken;
            step.named->touch(step.key, keys_max);
            std::visit(
                [&](auto& shelf) {
                    using State = decltype(shelf.state(step.key));
                    shelf.put(step.key, std::get<State>(step.state), now);
                },
                step.named->shelf
            );
        }
    }

  private:
    // A refusal, or nothing when this want passes.
    std::optional<Refusal> add_to(Named& named, const Want& want, Instant now) {
        return std::visit(
            [&](auto& shelf) -> std::optional<Refusal> {
                using State = decltype(shelf.state(want.key));
                Step* const earlier = step_of(named, want.key);
                const State state =
                    earlier != nullptr ? std::get<State>(earlier->state) : shelf.state(want.key);
                const Gcra::Decision decision = shelf.kind.check(state, now, want);
                if (!decision.allowed) {
                    return Refusal{
                        named.name,
                        std::string(want.key),
                        decision.used,
                        shelf.kind.allowed(),
                        want.cost,
                        decision.free_at,
                        decision.possible,
                    };
                }
                const State after = shelf.kind.taken(state, now, want);
                if (earlier != nullptr) {
                    earlier->state = after;
                } else {
                    steps_.push_back({&named, want.key, after});
                }
                return std::nullopt;
            },
            named.shelf
        );
    }

    struct Step {
        Named* named = nullptr;
        std::string_view key;
        std::variant<Instant, DayUse> state;
    };
    Step* step_of(const Named& named, std::string_view key) {
        for (Step& step : steps_) {
            if (step.named == &named && step.key == key) {
                return &step;
            }
        }
        return nullptr;
    }
    std::vector<Named>& limits_;
    std::vector<Step> steps_;
};

class MemoryLimiter final : public Limiter {
  public:
    MemoryLimiter(std::vector<Named> limits, std::size_t keys_max)
        : limits_(std::move(limits)), keys_max_(keys_max) {}

    std::expected<void, Refusal> take(
        std::span<const Want> wants, Instant now, std::vector<Refusal>* shadowed
    ) override {
        return decide(wants, now, true, shadowed);
    }
    std::expected<void, Refusal> check(std::span<const Want> wants, Instant now) override {
        return decide(wants, now, false, nullptr);
    }

    void give_back(std::span<const Want> wants, Instant now) override {
        const std::scoped_lock lock(mutex_);
        for (const Want& want : wants) {
            for (Named& named : limits_) {
                if (named.name != want.limit) {
                    continue;
                }
                std::visit(
                    [&](auto& shelf) {
                        if (shelf.table.find(want.key) != nullptr) {
                            named.touch(want.key, keys_max_);
                            const auto state = shelf.state(want.key);
                            shelf.put(want.key, shelf.kind.returned(state, now, want.cost), now);
                        }
                    },
                    named.shelf
                );
            }
        }
    }

    void forget(std::string_view key) override {
        const std::scoped_lock lock(mutex_);
        for (Named& named : limits_) {
            named.touch(key, keys_max_);
            std::visit([&](auto& shelf) { shelf.table.erase(key); }, named.shelf);
        }
    }

    std::size_t forget_if(const Which& which) override {
        const std::scoped_lock lock(mutex_);
        std::size_t gone = 0;
        for (Named& named : limits_) {
            std::visit(
                [&](auto& shelf) {
                    std::vector<std::string> keys;
                    shelf.table.each([&](std::string_view key, const auto& /*state*/) {
                        if (which(named.name, key)) {
                            keys.emplace_back(key);
                        }
                    });
                    for (const std::string& key : keys) {
                        named.touch(key, keys_max_);
                        shelf.table.erase(key);
                    }
                    gone += keys.size();
                },
                named.shelf
            );
        }
        return gone;
    }

    std::vector<Use> uses(const Which& which, Instant now) const override {
        const std::scoped_lock lock(mutex_);
        std::vector<Use> out;
        for (const Named& named : limits_) {
            std::visit(
                [&](const auto& shelf) {
                    shelf.table.each([&](std::string_view key, const auto& state) {
                        if (which(named.name, key)) {
                            out.push_back(use_of(named.name, shelf, key, state, now));
                        }
                    });
                },
                named.shelf
            );
        }
        return out;
    }

    std::vector<State> changes(std::size_t max, Instant now) override {
        const std::scoped_lock lock(mutex_);
        std::vector<State> out;
        for (Named& named : limits_) {
            while (out.size() < max && !named.changed.empty()) {
                const auto node = named.changed.extract(named.changed.begin());
                std::visit(
                    [&](const auto& shelf) {
                        State kept{.limit = named.name, .key = node.value()};
                        if (const auto* const state = shelf.table.find(kept.key)) {
                            kept.day = shelf.kind.kDay;
                            shelf.kind.write(*state, kept);
                            kept.recovered_at = shelf.kind.recovered_at(*state, now);
                        }
                        out.push_back(std::move(kept));
                    },
                    named.shelf
                );
            }
        }
        return out;
    }

    void restore(std::span<const State> states, Instant now) override {
        const std::scoped_lock lock(mutex_);
        for (const State& state : states) {
            for (Named& named : limits_) {
                if (named.name != state.limit || !named.kept) {
                    continue;
                }
                std::visit(
                    [&](auto& shelf) {
                        if (shelf.kind.kDay == state.day) {
                            shelf.put(state.key, shelf.kind.read(state), now);
                        }
                    },
                    named.shelf
                );
            }
        }
    }

    std::vector<Use> explain(std::string_view key, Instant now) const override {
        const std::scoped_lock lock(mutex_);
        std::vector<Use> uses;
        for (const Named& named : limits_) {
            std::visit(
                [&](const auto& shelf) {
                    const auto* const state = shelf.table.find(key);
                    if (state != nullptr) {
                        uses.push_back(use_of(named.name, shelf, key, *state, now));
                    }
                },
                named.shelf
            );
        }
        return uses;
    }

    Status replace(const std::vector<Limit>& limits) override {
        Result<std::vector<Named>> fresh = make_all(limits, keys_max_);
        if (!fresh) {
            return fail(fresh.error());
        }
        const std::scoped_lock lock(mutex_);
        for (Named& next : *fresh) {
            for (Named& last : limits_) {
                if (next.name == last.name && next.shelf.index() == last.shelf.index()) {
                    next.taken = last.taken;
                    next.refused = last.refused;
                    next.would_refuse = last.would_refuse;
                    next.changed = std::move(last.changed);
                    std::visit(
                        [&](auto& shelf) {
                            using Same = std::remove_reference_t<decltype(shelf)>;
                            shelf.table = std::move(std::get<Same>(last.shelf).table);
                        },
                        next.shelf
                    );
                }
            }
        }
        limits_ = std::move(*fresh);
        return {};
    }

    std::vector<Counters> counters() const override {
        const std::scoped_lock lock(mutex_);
        std::vector<Counters> all;
        for (const Named& named : limits_) {
            std::visit(
                [&](const auto& shelf) {
                    all.push_back({
                        named.name,
                        shelf.table.size(),
                        named.taken,
                        named.refused,
                        shelf.table.dropped_live(),
                        named.would_refuse,
                    });
                },
                named.shelf
            );
        }
        return all;
    }

  private:
    std::expected<void, Refusal> decide(
        std::span<const Want> wants, Instant now, bool commit, std::vector<Refusal>* shadowed
    ) {
        const std::scoped_lock lock(mutex_);
        Draft draft(limits_);
        std::optional<Refusal> worst;
        for (const Want& want : wants) {
            Draft::Answer answer = draft.add(want, now);
            if (!answer.refusal) {
                continue;
            }
            if (answer.named->shadow) {
                answer.named->would_refuse += commit ? 1 : 0;
                if (shadowed != nullptr) {
                    shadowed->push_back(std::move(*answer.refusal));
                }
                continue;
            }
            ++answer.named->refused;
            if (!worst || waits_longer(*answer.refusal, *worst)) {
                worst = std::move(answer.refusal);
            }
        }
        if (worst) {
            return std::unexpected(std::move(*worst));
        }
        if (commit) {
            draft.commit(now, keys_max_);
        }
        return {};
    }

    template <class Kind>
    static Use use_of(
        const std::string& name,
        const Shelf<Kind>& shelf,
        std::string_view key,
        const typename Kind::State& state,
        Instant now
    ) {
        return {
            name,
            std::string(key),
            shelf.kind.rule.used(state, now),
            shelf.kind.allowed(),
            shelf.kind.recovered_at(state, now),
        };
    }

    static bool waits_longer(const Refusal& a, const Refusal& b) {
        return a.possible != b.possible ? !a.possible : a.free_at > b.free_at;
    }

    mutable std::mutex mutex_;
    std::vector<Named> limits_;
    std::size_t keys_max_;
};

}  // namespace

std::string Refusal::text() const {
    if (!possible) {
        return fmt::format(
            "{} of {}: {} wanted, never more than {} at once", limit, key, wanted, allowed
        );
    }
    // Rounded up: who comes back at the time that was shown must not be refused again.
    const Time shown = std::chrono::ceil<std::chrono::seconds>(free_at);
    return fmt::format(
        "{} of {}: {} of {} used, {} wanted, free again {}",
        limit,
        key,
        used,
        allowed,
        wanted,
        rfc3339(shown)
    );
}

Result<std::unique_ptr<Limiter>> Limiter::make(
    const std::vector<Limit>& limits, const Options& options
) {
    if (options.keys_max < 1) {
        return fail(Errc::Invalid, "a limiter keeps at least one key");
    }
    Result<std::vector<Named>> all = make_all(limits, options.keys_max);
    if (!all) {
        return fail(all.error());
    }
    return std::make_unique<MemoryLimiter>(std::move(*all), options.keys_max);
}

}  // namespace sekisho::limit

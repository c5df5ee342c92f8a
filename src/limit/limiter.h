// Named limits on string keys: several at once, all or nothing, each refusal with the numbers that
// explain it. In memory, bounded, thread-safe.
//
// Each limit has its own table, so that a flood of addresses can't push an account's use out. A
// full table drops keys that are fully recovered first; when none is among the oldest, it drops the
// one of them that is least used, and counts it (`dropped_live`).
#pragma once

#include "limit/gcra.h"
#include "limit/quota.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::limit {

struct Limit {
    std::string name;  // "recipients_per_day"; shown in refusals, metrics and events
    std::variant<Rate, Day> how;
    bool shadow = false;  // counts and says what it would refuse, and refuses nothing
    bool kept = true;     // changes() tells of it
};

// A key's state as it outlives a restart.
struct State {
    std::string limit, key;
    bool day = false;        // of a Day; else of a Rate
    std::int64_t mark = 0;   // the day's number; or the theoretical arrival time in microseconds
    std::int64_t used = 0;   // of a Day
    Instant recovered_at{};  // from then on it says nothing any more; zero: the key is forgotten
};

// One thing to take from a limit: "recipients_per_day" of key "taro@example.net", 3.
struct Want {
    std::string_view limit;
    std::string_view key;
    std::int64_t cost = 1;
    Offset own{};  // of a Day: where the key's day is; none: in the limit's time zone
};

struct Refusal {
    std::string limit, key;
    std::int64_t used = 0, allowed = 0, wanted = 0;
    Instant free_at{};     // when the same request would pass
    bool possible = true;  // false: it asks for more than the limit ever allows

    // "recipients_per_day of taro@example.net: 1000 of 1000 used, 1 wanted, free again
    // 2026-11-25T00:00:00Z"
    [[nodiscard]] std::string text() const;
};

struct Use {
    std::string limit, key;
    std::int64_t used = 0, allowed = 0;
    Instant recovered_at{};  // when nothing of it is used any more
};

class Limiter {
  public:
    struct Options {
        std::size_t keys_max = 200'000;  // per limit
    };
    // Errors: two limits of one name, a limit that Gcra or Quota refuse.
    [[nodiscard]] static Result<std::unique_ptr<Limiter>> make(
        const std::vector<Limit>& limits, const Options& options
    );
    virtual ~Limiter() = default;

    // Takes all or none. On refusal: the limit that is free again last. A limit that doesn't exist
    // limits nothing, so that an operator may leave one out. What limits in shadow would have
    // refused is not taken from them, and told in `shadowed`.
    virtual std::expected<void, Refusal> take(
        std::span<const Want> wants, Instant now, std::vector<Refusal>* shadowed
    ) = 0;
    std::expected<void, Refusal> take(std::span<const Want> wants, Instant now) {
        return take(wants, now, nullptr);
    }
    // The same answer without taking (a login attempt costs only when it fails).
    [[nodiscard]] virtual std::expected<void, Refusal> check(
        std::span<const Want> wants, Instant now
    ) = 0;
    // Gives back what was taken for something that then didn't happen.
    virtual void give_back(std::span<const Want> wants, Instant now) = 0;
    // The operator's "start again" for a key in every limit.
    virtual void forget(std::string_view key) = 0;
    // The same for every key of which `which` is true, asked with limit and key; how many went.
    using Which = std::function<bool(std::string_view, std::string_view)>;
    virtual std::size_t forget_if(const Which& which) = 0;

    // Every limit that knows the key, with its use.
    [[nodiscard]] virtual std::vector<Use> explain(std::string_view key, Instant now) const = 0;
    // Every key of which `which` is true. Looks at all of them.
    [[nodiscard]] virtual std::vector<Use> uses(const Which& which, Instant now) const = 0;

    // What has changed since the last call, at most `max` keys of it: to be kept somewhere.
    [[nodiscard]] virtual std::vector<State> changes(std::size_t max, Instant now) = 0;
    // What was kept. A limit that isn't there any more, or is of another kind, takes nothing of it.
    virtual void restore(std::span<const State> states, Instant now) = 0;

    // Replaces the limits (reload). Use is kept where a limit of that name stays of its kind.
    virtual Status replace(const std::vector<Limit>& limits) = 0;

    struct Counters {
        std::string limit;
        std::uint64_t keys = 0, taken = 0, refused = 0, dropped_live = 0;
        std::uint64_t would_refuse = 0;  // in shadow
    };
    [[nodiscard]] virtual std::vector<Counters> counters() const = 0;
};

}  // namespace sekisho::limit

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
};

// One thing to take from a limit: "recipients_per_day" of key "taro@example.net", 3.
struct Want {
    std::string_view limit;
    std::string_view key;
    std::int64_t cost = 1;
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
    // limits nothing, so that an operator may leave one out.
    virtual std::expected<void, Refusal> take(std::span<const Want> wants, Instant now) = 0;
    // The same answer without taking (a login attempt costs only when it fails).
    [[nodiscard]] virtual std::expected<void, Refusal> check(
        std::span<const Want> wants, Instant now
    ) = 0;
    // Gives back what was taken for something that then didn't happen.
    virtual void give_back(std::span<const Want> wants, Instant now) = 0;
    // The operator's "start again" for a key in every limit.
    virtual void forget(std::string_view key) = 0;

    // Every limit that knows the key, with its use.
    [[nodiscard]] virtual std::vector<Use> explain(std::string_view key, Instant now) const = 0;
    // Replaces the limits (reload). Use is kept where a limit of that name stays of its kind.
    virtual Status replace(const std::vector<Limit>& limits) = 0;

    struct Counters {
        std::string limit;
        std::uint64_t keys = 0, taken = 0, refused = 0, dropped_live = 0;
    };
    [[nodiscard]] virtual std::vector<Counters> counters() const = 0;
};

}  // namespace sekisho::limit

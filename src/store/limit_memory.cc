#include "store/limit_memory.h"

#include "base/result.h"
#include "base/time.h"
#include "limit/acquaintances.h"
#include "limit/gcra.h"
#include "limit/limiter.h"
#include "store/sqlite.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

namespace sekisho::store {
namespace {

// Microseconds, as limits count; SQLite's integers have a sign.
std::int64_t us(limit::Instant at) {
    return at.time_since_epoch().count();
}
limit::Instant from_us(std::int64_t count) {
    return limit::Instant{std::chrono::microseconds{count}};
}

}  // namespace

Status SqliteLimitMemory::keep_one(const limit::State& state) {
    if (state.recovered_at == limit::Instant{}) {
        return database_->run(
            "DELETE FROM limit_states WHERE name = ? AND key = ?",
            std::string_view{state.limit},
            std::string_view{state.key}
        );
    }
    return database_->run(
        "INSERT INTO limit_states (name, key, day, mark, used, recovered) VALUES (?, ?, ?, ?, ?, "
        "?) "
        "ON CONFLICT (name, key) DO UPDATE SET day = excluded.day, mark = excluded.mark, "
        "used = excluded.used, recovered = excluded.recovered",
        std::string_view{state.limit},
        std::string_view{state.key},
        state.day,
        state.mark,
        state.used,
        us(state.recovered_at)
    );
}

Status SqliteLimitMemory::keep(
    std::span<const limit::State> states, std::span<const limit::Acquaintance> pairs
) {
    const std::scoped_lock lock{mutex_};
    return database_->transaction([&]() -> Status {
        for (const limit::State& state : states) {
            if (Status kept = keep_one(state); !kept) {
                return kept;
            }
        }
        for (const limit::Acquaintance& pair : pairs) {
            Status kept = database_->run(
                "INSERT INTO acquaintances (pair, last) VALUES (?, ?) "
                "ON CONFLICT (pair) DO UPDATE SET last = excluded.last",
                std::bit_cast<std::int64_t>(pair.pair),
                us(pair.last)
            );
            if (!kept) {
                return kept;
            }
        }
        return {};
    });
}

Result<std::vector<limit::State>> SqliteLimitMemory::states(limit::Instant now) {
    const std::scoped_lock lock{mutex_};
    if (Status gone = database_->run("DELETE FROM limit_states WHERE recovered <= ?", us(now));
        !gone) {
        return fail(gone.error());
    }
    auto statement =
        database_->prepare("SELECT name, key, day, mark, used, recovered FROM limit_states");
    if (!statement) {
        return fail(statement.error());
    }
    return statement->all([](Statement& row) {
        limit::State out;
        out.limit = row.text();
        out.key = row.text();
        out.day = row.boolean();
        out.mark = row.integer();
        out.used = row.integer();
        out.recovered_at = from_us(row.integer());
        return out;
    });
}

Result<std::vector<limit::Acquaintance>> SqliteLimitMemory::acquaintances(
    limit::Instant since, std::size_t max
) {
    const std::scoped_lock lock{mutex_};
    if (Status gone = database_->run("DELETE FROM acquaintances WHERE last < ?", us(since));
        !gone) {
        return fail(gone.error());
    }
    auto statement =
        database_->prepare("SELECT pair, last FROM acquaintances ORDER BY last DESC LIMIT ?");
    if (!statement) {
        return fail(statement.error());
    }
    statement->bind(static_cast<std::int64_t>(max));
    auto rows = statement->all([](Statement& row) {
        limit::Acquaintance out;
        out.pair = std::bit_cast<std::uint64_t>(row.integer());
        out.last = from_us(row.integer());
        return out;
    });
    if (rows) {
        std::ranges::reverse(*rows);
    }
    return rows;
}

}  // namespace sekisho::store

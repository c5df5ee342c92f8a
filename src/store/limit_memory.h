// Counters of limits and who knows whom, in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "limit/acquaintances.h"
#include "limit/limiter.h"
#include "limit/memory.h"
#include "store/sqlite.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteLimitMemory final : public limit::Memory {
  public:
    explicit SqliteLimitMemory(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    Status keep(std::span<const limit::State> states, std::span<const limit::Acquaintance> pairs)
        override;
    [[nodiscard]] Result<std::vector<limit::State>> states(limit::Instant now) override;
    [[nodiscard]] Result<std::vector<limit::Acquaintance>> acquaintances(
        limit::Instant since, std::size_t max
    ) override;

  private:
    Status keep_one(const limit::State& state);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

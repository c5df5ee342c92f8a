// Recipients that are refused, in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "queue/suppression.h"
#include "store/sqlite.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteSuppressionStore final : public queue::SuppressionList {
  public:
    explicit SqliteSuppressionStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<std::optional<queue::Suppressed>> find(std::string_view recipient, Time at)
        override;
    [[nodiscard]] Result<std::vector<queue::Suppressed>> list(Time at) override;
    [[nodiscard]] bool known_empty() const override;
    Status add(const queue::Suppressed& suppressed) override;
    [[nodiscard]] Result<bool> remove(std::string_view recipient) override;
    [[nodiscard]] Result<std::optional<queue::Suppressed>> bounced(
        std::string_view recipient,
        std::string_view reply,
        Time at,
        const queue::SuppressionRule& rule
    ) override;
    Status reached(std::string_view recipient) override;
    [[nodiscard]] Result<std::vector<queue::Suppressed>> forget(Time at, Time since) override;

  private:
    [[nodiscard]] Result<std::optional<queue::Suppressed>> find_locked(
        std::string_view recipient, Time at
    );
    Status add_locked(const queue::Suppressed& suppressed);
    [[nodiscard]] Result<std::int64_t> count(std::string_view recipient, Time since);

    // Looks whether there is anybody, for known_empty().
    void note_empty();

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
    std::atomic<std::chrono::steady_clock::time_point> empty_until_{
        std::chrono::steady_clock::time_point::min()
    };
};

}  // namespace sekisho::store

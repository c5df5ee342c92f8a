// What greylisting remembers, in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "peer/greylist.h"
#include "store/sqlite.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sekisho::store {

class SqliteGreylistStore final : public peer::GreylistStore {
  public:
    explicit SqliteGreylistStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<std::optional<peer::GreylistEntry>> find(std::string_view key) override;
    Status remember(std::string_view key, const peer::GreylistEntry& entry) override;

    // Entries last seen before.
    [[nodiscard]] Result<std::int64_t> forget_before(Time time);

  private:
    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

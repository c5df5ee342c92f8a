// Logins in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "store/sqlite.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteLoginMemory final : public conduct::LoginMemory {
  public:
    explicit SqliteLoginMemory(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    Status keep_success(const conduct::LoginMark& mark) override;
    // Forgets what is older than an hour on the way, so that the table stays as long as an hour is.
    Status keep_failure(const conduct::LoginMark& mark) override;
    [[nodiscard]] Result<std::vector<conduct::LoginMark>> successes(Time since, std::size_t limit)
        override;
    [[nodiscard]] Result<std::vector<conduct::LoginMark>> failures(Time since, std::size_t limit)
        override;

  private:
    Result<std::vector<conduct::LoginMark>> read(
        std::string_view forget, std::string_view select, Time since, std::size_t limit
    );

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

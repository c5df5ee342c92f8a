// The states of misused accounts and lines in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "conduct/warden.h"
#include "store/sqlite.h"

#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteConductMemory final : public conduct::Memory {
  public:
    explicit SqliteConductMemory(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    Status keep(std::span<const conduct::Record> records) override;
    [[nodiscard]] Result<std::vector<conduct::Record>> records() override;

  private:
    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

// What peers on port 25 brought before, in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "peer/past.h"
#include "store/sqlite.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqlitePastStore final : public peer::PastStore {
  public:
    explicit SqlitePastStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

    [[nodiscard]] Result<std::optional<peer::Past>> find(std::string_view key) override;
    Status remember(const std::vector<std::pair<std::string, peer::Past>>& all) override;

    // Those last seen before.
    [[nodiscard]] Result<std::int64_t> forget_before(Time time);

  private:
    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

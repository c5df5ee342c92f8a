// The MTA-STS policies of other domains, in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "delivery/tls/mta_sts.h"
#include "store/sqlite.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sekisho::store {

class SqliteStsStore final : public delivery::StsStore {
  public:
    explicit SqliteStsStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

    [[nodiscard]] Result<std::optional<delivery::StoredSts>> find(std::string_view domain) override;
    Status remember(std::string_view domain, const delivery::StoredSts& policy) override;

    // Policies that expired before.
    [[nodiscard]] Result<std::int64_t> forget_before(Time time);

  private:
    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

// Leases in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "lease/lease.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteLeaseStore final : public lease::LeaseStore {
  public:
    explicit SqliteLeaseStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<std::int64_t> add(const lease::Lease& lease) override;
    Status renew(std::int64_t id, Time expires) override;
    [[nodiscard]] Result<bool> end(
        std::int64_t id, Time at, std::string_view by, std::string_view reason
    ) override;
    Status checked(std::int64_t id, Time at) override;
    [[nodiscard]] Result<lease::Lease> find(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<lease::Lease>> living() override;
    [[nodiscard]] Result<std::size_t> count(lease::Kind kind) override;
    [[nodiscard]] Result<std::vector<lease::Lease>> all(std::size_t limit) override;
    [[nodiscard]] Result<std::int64_t> version() override;

    // Those that ended before.
    [[nodiscard]] Result<std::int64_t> forget_before(Time time);

  private:
    [[nodiscard]] Result<lease::Lease> find_locked(std::int64_t id);
    [[nodiscard]] Result<std::vector<lease::Lease>> read(Statement statement);
    [[nodiscard]] Result<std::int64_t> number(std::string_view sql);
    Status check_room(const lease::Lease& lease);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

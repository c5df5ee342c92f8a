// Evidence in SQLite. What is erased is overwritten in the file (secure_delete), and the log that
// may still hold it is emptied. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "evidence/evidence.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace sekisho::store {

class SqliteEvidenceStore final : public evidence::EvidenceStore {
  public:
    [[nodiscard]] static Result<std::unique_ptr<SqliteEvidenceStore>> make(
        std::unique_ptr<Database> database
    );

    [[nodiscard]] Result<std::int64_t> add(const evidence::Case& one) override;
    [[nodiscard]] Result<evidence::Case> find(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<evidence::Case>> living(Time now) override;
    [[nodiscard]] Result<std::vector<evidence::Case>> all(std::size_t limit) override;
    [[nodiscard]] Result<std::vector<evidence::Case>> due(Time now) override;
    [[nodiscard]] Result<bool> stop(std::int64_t id, Time at, std::string_view by, Time erase_at)
        override;
    Status append(const std::vector<evidence::Record>& records) override;
    [[nodiscard]] Result<std::vector<evidence::Record>> records(std::int64_t id, std::size_t limit)
        override;
    // Unavailable while somebody reads what the log still holds: to be tried again.
    [[nodiscard]] Result<std::int64_t> erase(std::int64_t id) override;

    // Cases that were to be erased before, and are.
    [[nodiscard]] Result<std::int64_t> forget_before(Time time);

  private:
    explicit SqliteEvidenceStore(std::unique_ptr<Database> database);
    [[nodiscard]] Result<std::vector<evidence::Case>> read(Result<Statement> statement);
    Status append_one(const evidence::Record& record);
    [[nodiscard]] Result<std::int64_t> number(std::string_view sql, std::int64_t parameter);
    Status empty_log();

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

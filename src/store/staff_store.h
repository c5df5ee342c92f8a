// Operators, their sessions and tokens, answers to repeated writes and the audit in SQLite. The
// tables of the audit refuse UPDATE and DELETE. Thread-safe: one connection, one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "staff/staff.h"
#include "store/sqlite.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace sekisho::store {

class SqliteStaffStore final : public staff::Store {
  public:
    explicit SqliteStaffStore(std::unique_ptr<Database> database);

    Status add(const staff::Operator& one) override;
    Status update(const staff::Operator& one) override;
    [[nodiscard]] Result<staff::Operator> find(std::string_view name) override;
    [[nodiscard]] Result<std::vector<staff::Operator>> list() override;
    [[nodiscard]] Result<bool> use_step(std::string_view name, std::int64_t step) override;
    [[nodiscard]] Result<bool> use_recovery(std::string_view name, std::string_view digest)
        override;
    Status open(const staff::Session& session) override;
    [[nodiscard]] Result<std::optional<staff::Session>> session(std::string_view digest) override;
    Status seen(std::string_view digest, Time at) override;
    Status close(std::string_view digest) override;
    Result<std::int64_t> forget_sessions(Time idle_since, Time created_before) override;
    Status add_token(const staff::Token& token) override;
    [[nodiscard]] Result<std::optional<staff::Token>> token(std::string_view digest) override;
    [[nodiscard]] Result<std::vector<staff::Token>> tokens(std::string_view name) override;
    Status token_used(std::string_view digest, Time at) override;
    Status remove_token(std::string_view name, std::string_view label) override;
    [[nodiscard]] Result<std::optional<staff::Answered>> begin(const staff::Answered& call
    ) override;
    Status finish(const staff::Answered& call) override;
    Status abandon(const staff::Answered& call) override;
    Result<std::int64_t> forget_answers(Time before) override;
    [[nodiscard]] Result<staff::AuditEntry> note(staff::AuditEntry entry) override;
    [[nodiscard]] Result<std::vector<staff::AuditEntry>> audit(const staff::AuditQuery& query
    ) override;
    [[nodiscard]] Result<std::int64_t> audit_count() override;

  private:
    [[nodiscard]] Result<std::int64_t> number(std::string_view sql, std::string_view parameter);
    Status read_recovery(staff::Operator& one);
    Status write_recovery(const staff::Operator& one);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

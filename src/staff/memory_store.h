// Operators in memory, for tests and as the reference of what a store does.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "staff/staff.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::staff {

class MemoryStore final : public Store {
  public:
    Status add(const Operator& one) override;
    Status update(const Operator& one) override;
    [[nodiscard]] Result<Operator> find(std::string_view name) override;
    [[nodiscard]] Result<std::vector<Operator>> list() override;
    [[nodiscard]] Result<bool> use_step(std::string_view name, std::int64_t step) override;
    [[nodiscard]] Result<bool> use_recovery(std::string_view name, std::string_view digest)
        override;
    Status open(const Session& session) override;
    [[nodiscard]] Result<std::optional<Session>> session(std::string_view digest) override;
    Status seen(std::string_view digest, Time at) override;
    Status close(std::string_view digest) override;
    Result<std::int64_t> forget_sessions(Time idle_since, Time created_before) override;
    Status add_token(const Token& token) override;
    [[nodiscard]] Result<std::optional<Token>> token(std::string_view digest) override;
    [[nodiscard]] Result<std::vector<Token>> tokens(std::string_view name) override;
    Status token_used(std::string_view digest, Time at) override;
    Status remove_token(std::string_view name, std::string_view label) override;
    [[nodiscard]] Result<std::optional<Answered>> begin(const Answered& call) override;
    Status finish(const Answered& call) override;
    Status abandon(const Answered& call) override;
    Result<std::int64_t> forget_answers(Time before) override;
    [[nodiscard]] Result<AuditEntry> note(AuditEntry entry) override;
    [[nodiscard]] Result<std::vector<AuditEntry>> audit(const AuditQuery& query) override;
    [[nodiscard]] Result<std::int64_t> audit_count() override;

  private:
    std::mutex mutex_;
    std::map<std::string, Operator, std::less<>> operators_;
    std::map<std::string, Session, std::less<>> sessions_;
    std::map<std::string, Token, std::less<>> tokens_;
    std::map<std::pair<std::string, std::string>, Answered> answered_;
    std::vector<AuditEntry> audit_;
};

// What every store says in the same words.
[[nodiscard]] Error no_operator(std::string_view name);
[[nodiscard]] Error no_token(std::string_view name, std::string_view label);

}  // namespace sekisho::staff

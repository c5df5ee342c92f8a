// Operators, their sessions and tokens, and the interface of what keeps them.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "staff/audit.h"
#include "staff/roles.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::staff {

inline constexpr std::size_t kOperatorsMax = 1000;
inline constexpr std::size_t kTokensMax = 32;
inline constexpr std::size_t kSessionsMax = 20;  // of one operator; the oldest ends for a new one
inline constexpr std::size_t kRecoveryCodes = 8;

struct Operator {
    std::string name;  // 1 to 32 of a-z 0-9 . _ -, a letter first
    Roles roles;
    std::string password_hash;  // argon2id
    std::string totp_key;       // raw bytes
    std::int64_t totp_last_step = 0;
    std::vector<std::string> recovery;  // SHA-256 digests, raw, of codes not used yet
    bool enabled = true;
    Time created{};
    Time changed{};
};
[[nodiscard]] Status check_name(std::string_view name);

struct Session {
    std::string digest;  // SHA-256 of what the cookie holds, raw
    std::string name;    // the operator's
    std::string csrf;    // what each write must repeat
    std::string address;
    Time created{};
    Time seen{};
};

struct Token {
    std::string digest;  // SHA-256, raw
    std::string name;    // the operator's
    std::string label;   // what it is for
    Time created{};
    Time expires{};  // zero: never
    Time last_used{};
};

// What was answered to a write that had an Idempotency-Key.
struct Answered {
    std::string who, key;
    std::string request;  // digest of method, path and body, raw
    int status = 0;       // 0: it is still being done
    std::string body;
    Time at{};
};

class Store {
  public:
    virtual ~Store() = default;

    // Conflict: there is one of this name; Full.
    virtual Status add(const Operator& one) = 0;
    // Roles, password and whether enabled; ends its sessions. NotFound.
    virtual Status update(const Operator& one) = 0;
    [[nodiscard]] virtual Result<Operator> find(std::string_view name) = 0;
    [[nodiscard]] virtual Result<std::vector<Operator>> list() = 0;
    // Whether this call used it up: the step is later than the last, or the digest was there.
    [[nodiscard]] virtual Result<bool> use_step(std::string_view name, std::int64_t step) = 0;
    [[nodiscard]] virtual Result<bool> use_recovery(
        std::string_view name, std::string_view digest
    ) = 0;

    virtual Status open(const Session& session) = 0;
    [[nodiscard]] virtual Result<std::optional<Session>> session(std::string_view digest) = 0;
    virtual Status seen(std::string_view digest, Time at) = 0;
    virtual Status close(std::string_view digest) = 0;
    virtual Result<std::int64_t> forget_sessions(Time idle_since, Time created_before) = 0;

    virtual Status add_token(const Token& token) = 0;  // Conflict: the label; Full
    [[nodiscard]] virtual Result<std::optional<Token>> token(std::string_view digest) = 0;
    [[nodiscard]] virtual Result<std::vector<Token>> tokens(std::string_view name) = 0;
    virtual Status token_used(std::string_view digest, Time at) = 0;
    virtual Status remove_token(std::string_view name, std::string_view label) = 0;

    // Nothing: it is new, and noted as begun. Else what is there already.
    [[nodiscard]] virtual Result<std::optional<Answered>> begin(const Answered& call) = 0;
    virtual Status finish(const Answered& call) = 0;
    // Nothing came of it: it may be tried again.
    virtual Status abandon(const Answered& call) = 0;
    virtual Result<std::int64_t> forget_answers(Time before) = 0;

    // Chains the entry to the last one; the entry as it is kept.
    [[nodiscard]] virtual Result<AuditEntry> note(AuditEntry entry) = 0;
    // By number; `newest_first` counts down from `from` (0: the last).
    [[nodiscard]] virtual Result<std::vector<AuditEntry>> audit(const AuditQuery& query) = 0;
    // The highest number ever given, though its entry be gone.
    [[nodiscard]] virtual Result<std::int64_t> audit_count() = 0;
};

}  // namespace sekisho::staff

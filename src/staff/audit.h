// The record of what operators looked at and did, and why. Each entry holds the digest of the one
// before it, so that one that was changed or taken out shows. Pure.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::staff {

struct AuditEntry {
    std::int64_t number = 0;  // 1, 2, 3, ... without a gap; given by the store
    Time at{};
    std::string who;      // an operator's name, or "local NAME" at the machine itself
    std::string how;      // "session", "token LABEL", "local token", "command"
    std::string address;  // that they came from
    std::string action;   // the operation: "lookSubscriber", "holdMessages", "signIn"
    std::string subject;  // whom or what it was about
    std::string reason;
    std::string outcome;   // "done", or the refusal
    std::string previous;  // digest of the entry before, raw; of the first: 32 zero bytes
    std::string digest;    // of all of the above, raw
};

struct AuditQuery {
    std::optional<std::string> who, subject, action;
    std::optional<Time> since, until;
    std::int64_t from = 0;  // newest first: below this number; else above it. 0: all
    std::size_t limit = 100;
    bool newest_first = true;
};

// SHA-256 over every field but the digest itself, each with its length in front, so that no two
// entries are the same bytes.
[[nodiscard]] std::string digest_of(const AuditEntry& entry);
// The entry with the number, the digest before, and its own.
[[nodiscard]] AuditEntry chained(AuditEntry entry, std::int64_t number, std::string previous);

// A chain read entry by entry, oldest first.
class AuditCheck {
  public:
    // Of a part: the number and digest of the entry before its first.
    void begin_after(std::int64_t number, std::string digest);
    void take(const AuditEntry& entry);
    // The number and digest of an entry, as they were noted elsewhere; before the first take().
    void expect(std::int64_t number, std::string digest);
    // There are no more; so many were ever made.
    void end(std::int64_t count);

    [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }
    [[nodiscard]] std::int64_t number() const { return number_; }
    [[nodiscard]] const std::string& digest() const { return digest_; }

  private:
    void fault(std::string text);

    std::int64_t number_ = 0;
    std::string digest_ = std::string(32, '\0');
    std::int64_t expected_number_ = 0;
    std::string expected_digest_;
    std::vector<std::string> faults_;  // at most kFaultsMax
};

// One line of JSON, as `sekisho audit export` writes it; digests in hex.
[[nodiscard]] std::string to_line(const AuditEntry& entry);
[[nodiscard]] Result<AuditEntry> parse_line(std::string_view line);

}  // namespace sekisho::staff

// Which policies were in force, which one is, and whether it still waits for a confirmation: kept
// in the database, so that a restart changes nothing and every role knows the same.
//
// The file is what an operator wants; it is in force unless it was rolled back. Then an earlier
// version is, until the file says something else or is applied again by name.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "policy/policy.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::store {
class Store;
}

namespace sekisho::cli {

inline constexpr std::size_t kVersionsKept = 10;

struct PolicyVersion {
    std::int64_t id = 0;
    std::string digest;  // of its text
    Time since{};        // put in force last
    std::string by, note;
};

struct PolicyState {
    std::vector<PolicyVersion> versions;  // by id
    std::int64_t in_force = 0;            // 0: none yet
    std::int64_t before = 0;              // in force before that; where a rollback leads
    std::string refused;                  // digest of what was rolled back
    std::optional<Time> confirm_until;    // else `before` comes back

    [[nodiscard]] const PolicyVersion* find(std::int64_t id) const;
};

[[nodiscard]] std::string policy_digest(const std::string& text);

// What is in force for who has this file; the file's policy where there is no database yet.
[[nodiscard]] Result<std::shared_ptr<const policy::Source>> source_in_force(
    const config::Config& config
);

class PolicyHistory {
  public:
    explicit PolicyHistory(store::Store& store) : store_(store) {}

    [[nodiscard]] Result<PolicyState> read() const;
    [[nodiscard]] Result<std::string> raw() const;  // changes with every change
    [[nodiscard]] Result<std::string> text(std::int64_t version) const;
    [[nodiscard]] Result<policy::Source> source(std::int64_t version) const;

    // What is in force for who has this file.
    [[nodiscard]] Result<std::shared_ptr<const policy::Source>> in_force(
        const config::Config& config
    ) const;

    // The version of this text, made when it is new, is in force from now on. `confirm`: for so
    // long, unless it is confirmed. Versions beyond kVersionsKept are forgotten.
    Status put(
        const std::string& text,
        const std::string& by,
        const std::string& note,
        std::optional<Duration> confirm,
        Time now
    );
    Status confirm();
    // `version` is in force again; `refused`, the digest of the file's policy, is not until it is
    // another one. NotFound when there is no such version.
    Status roll_back(
        std::int64_t version,
        const std::string& refused,
        const std::string& by,
        const std::string& note,
        Time now
    );

  private:
    Status write(const PolicyState& state);

    store::Store& store_;
};

}  // namespace sekisho::cli

// Evidence: for a time, the flows of one line or prefix are recorded with both of their ends.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::evidence {

struct Case {
    std::int64_t id = 0;           // given by the store
    std::string line;              // either this: whatever the line holds at the time
    std::optional<Prefix> prefix;  // or this
    std::string reason;
    std::string actor;  // who began it
    Time begun{};
    Time expires{};
    Time erase_at{};              // of its records
    std::optional<Time> stopped;  // before it expired
    std::string stopped_by;
    bool erased = false;    // its records have gone, and no more are taken
    std::int64_t lost = 0;  // packets beyond kRecordsMax records

    [[nodiscard]] bool alive(Time now) const { return !stopped && !erased && expires > now; }
    [[nodiscard]] std::string target() const;  // "line L0001", "198.51.100.0/28"
    friend bool operator==(const Case&, const Case&) = default;
};

enum class Outcome : std::uint8_t { Blocked, WouldBlock, Answered };
[[nodiscard]] std::string_view name(Outcome outcome);  // "blocked", "would-block", "answered"

// Packets of one flow, or an answered connection.
struct Record {
    std::int64_t case_id = 0;
    Time first{}, last{};
    Endpoint client, server;  // TCP
    bool to_server = true;    // false: packets from port 25 back to the client
    std::string rule;
    Outcome outcome = Outcome::Blocked;
    std::int64_t count = 1;
    friend bool operator==(const Record&, const Record&) = default;
};

[[nodiscard]] Error no_case(std::int64_t id);

class EvidenceStore {
  public:
    virtual ~EvidenceStore() = default;
    // The id. Full: kLivingMax live at `begun`.
    [[nodiscard]] virtual Result<std::int64_t> add(const Case& one) = 0;
    [[nodiscard]] virtual Result<Case> find(std::int64_t id) = 0;  // NotFound
    [[nodiscard]] virtual Result<std::vector<Case>> living(Time now) = 0;
    [[nodiscard]] virtual Result<std::vector<Case>> all(std::size_t limit) = 0;  // newest first
    // Whose records are to be erased by now, and are not.
    [[nodiscard]] virtual Result<std::vector<Case>> due(Time now) = 0;
    // Whether this call stopped it. NotFound.
    [[nodiscard]] virtual Result<bool> stop(
        std::int64_t id, Time at, std::string_view by, Time erase_at
    ) = 0;
    // Of cases that were stopped before, erased or are full, none are taken.
    virtual Status append(const std::vector<Record>& records) = 0;
    [[nodiscard]] virtual Result<std::vector<Record>> records(
        std::int64_t id, std::size_t limit
    ) = 0;  // oldest first
    // The records are gone for good when it returns, from the file too; how many there were.
    [[nodiscard]] virtual Result<std::int64_t> erase(std::int64_t id) = 0;

    static constexpr std::size_t kLivingMax = 100;
    static constexpr std::int64_t kRecordsMax = 100'000;
};

}  // namespace sekisho::evidence

// Whose message it is, and how urgent: what the schedule shares the delivery by. Pure.
#pragma once

#include "queue/spool.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sekisho::queue {

// What a message of each grade gets while others wait too.
inline constexpr std::size_t kGrades = 4;
inline constexpr std::array<std::uint32_t, kGrades> kGradeShares = {64, 16, 4, 1};

// From so many recipients, or so many messages of one owner not tried yet, a message is Bulk.
inline constexpr std::uint32_t kBulkRecipients = 50;
inline constexpr std::uint32_t kBulkBacklog = 100;

struct Lane {
    // The account; without one the client's address (IPv6: its /64), without that the recipient.
    // A hash: should two collide, they share one's part.
    std::uint64_t owner = 0;
    std::uint16_t cost = 1;      // recipients, and one more for each 128 KiB
    std::optional<Grade> grade;  // nothing: Interactive or Bulk, by the owner's backlog
};
[[nodiscard]] Lane lane_of(const Envelope& envelope);

// RFC 6710 §3: -9 to 9, more is sooner; 0 says nothing.
[[nodiscard]] std::optional<Grade> grade_of_priority(int priority);

}  // namespace sekisho::queue

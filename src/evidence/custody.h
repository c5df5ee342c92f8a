// Beginning, showing, stopping and erasing evidence, each with the event that tells of it.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "evidence/check.h"
#include "evidence/evidence.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sekisho::evidence {

struct Custody {
    EvidenceStore& store;
    event::Journal& journal;
};

// `one.begun` is now, `one.expires` as asked for; `keep`: how long records stay after the end. The
// case as it stands in the store. Errors: those of check() and EvidenceStore::add().
[[nodiscard]] Result<Case> begin(
    const Custody& custody, Case one, const Limits& limits, Duration keep
);

struct Shown {
    Case one;
    std::vector<Record> records;  // oldest first
};
// Only once the journal has it that the actor looked.
[[nodiscard]] Result<Shown> show(
    const Custody& custody, std::int64_t id, std::string_view actor, std::size_t limit, Time now
);

struct Stopped {
    Case one;
    std::int64_t erased = 0;  // records
};
// `erase`: the records at once. Conflict: it has ended (and there is nothing to erase).
[[nodiscard]] Result<Stopped> stop(
    const Custody& custody,
    std::int64_t id,
    std::string_view actor,
    bool erase,
    Duration keep,
    Time now
);

// What is due is erased, by whoever looks first; how many cases were. What can't be is tried again
// by the next call, and is the error.
[[nodiscard]] Result<std::size_t> erase_due(const Custody& custody, Time now);

}  // namespace sekisho::evidence

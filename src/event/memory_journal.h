// A journal that keeps its rows in memory, for tests. Not for more than one thread.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace sekisho::event {

class MemoryJournal final : public Journal {
  public:
    void append(Event event) override { rows.push_back(std::move(event)); }
    Status flush() override { return {}; }
    // Every row, whatever is asked for.
    [[nodiscard]] Result<std::vector<Event>> find(const Query& /*query*/) override { return rows; }
    [[nodiscard]] Result<std::vector<std::pair<Kind, std::int64_t>>> totals(Time /*since*/)
        override {
        return std::vector<std::pair<Kind, std::int64_t>>{};
    }
    std::vector<Event> rows;
};

}  // namespace sekisho::event

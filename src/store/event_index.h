// Which rows of the journal name an address, an account, a message, ...: for each block of rows
// that came one after the other, the sorted hashes of what they name. A row is written without;
// blocks are made of thousands at once, since keeping a B-tree for each field in order costs
// several times as much as the row. What is in no block yet is looked through. For this room only.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "store/sqlite.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

// The fields by which rows are found, as columns and in a query; the most telling first.
using QueryField = std::optional<std::string> event::Query::*;
inline constexpr std::array<std::pair<std::string_view, QueryField>, 8> kEventFields{{
    {"reference", &event::Query::reference},
    {"queue_id", &event::Query::queue_id},
    {"message_id", &event::Query::message_id},
    {"recipient", &event::Query::recipient},
    {"sender", &event::Query::sender},
    {"account", &event::Query::account},
    {"line", &event::Query::line},
    {"address", &event::Query::address},
}};

// Kept in files: it must never change. Collisions cost a look at a row in vain.
[[nodiscard]] std::uint64_t event_key(std::string_view column, std::string_view value);

struct EventBlock {
    std::int64_t first = 0, last = 0;  // rows; some may have been forgotten
    Time since{}, until{};             // of the earliest and the latest of them
};

class EventIndex {
  public:
    explicit EventIndex(Database& database) : database_(database) {}

    // Makes a block of the next `rows` rows when there are so many without. True: it did.
    [[nodiscard]] Result<bool> extend(std::size_t rows);
    [[nodiscard]] Result<std::vector<EventBlock>> blocks();  // in order of rows
    // Those of the block that name it, in order; by a collision also others.
    [[nodiscard]] Result<std::vector<std::int64_t>> find(
        const EventBlock& block, std::uint64_t key
    );
    // Blocks whose rows are all earlier.
    Status forget_before(Time time);

  private:
    Database& database_;
};

}  // namespace sekisho::store

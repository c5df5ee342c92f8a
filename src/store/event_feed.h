// The events one after the other, in the order in which they were kept, whoever wrote them. For one
// thread at a time.
#pragma once

#include "base/result.h"
#include "event/event.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::store {

class EventFeed {
  public:
    // Beside an open_store() of the same file, which has made it.
    [[nodiscard]] static Result<std::unique_ptr<EventFeed>> open(const std::string& path);

    // Of all kinds, so that the last row's id is where to go on.
    [[nodiscard]] Result<std::vector<event::Event>> after(std::int64_t id, std::size_t limit);
    [[nodiscard]] Result<std::int64_t> newest();  // 0: there is none
    // What is behind an id: how many, of these kinds; and the id to go on from for only the last
    // `keep` of them to be left.
    struct Backlog {
        std::int64_t waiting = 0;
        std::int64_t from = 0;  // the id itself, unless there are more than `keep`
    };
    [[nodiscard]] Result<Backlog> backlog(
        std::int64_t id, const std::vector<event::Kind>& kinds, std::int64_t keep
    );

  private:
    explicit EventFeed(std::unique_ptr<Database> database) : database_(std::move(database)) {}
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

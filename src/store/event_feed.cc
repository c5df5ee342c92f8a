#include "store/event_feed.h"

#include "base/result.h"
#include "event/event.h"
#include "store/event_row.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::store {

Result<std::unique_ptr<EventFeed>> EventFeed::open(const std::string& path) {
    auto database = Database::open(path, {});
    if (!database) {
        return fail(database.error());
    }
    return std::unique_ptr<EventFeed>(new EventFeed(std::move(*database)));
}

Result<std::vector<event::Event>> EventFeed::after(std::int64_t id, std::size_t limit) {
    static const std::string sql =
        "SELECT " + std::string(kEventColumns) + " FROM events WHERE id > ? ORDER BY id LIMIT ?";
    auto statement = database_->prepare(sql);
    if (!statement) {
        return fail(statement.error());
    }
    return statement->bind_all(id, static_cast<std::int64_t>(limit)).all(read_event);
}

Result<std::int64_t> EventFeed::newest() {
    auto statement = database_->prepare("SELECT COALESCE(MAX(id), 0) FROM events");
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->step();
    if (!row) {
        return fail(row.error());
    }
    return statement->integer();
}

Result<EventFeed::Backlog> EventFeed::backlog(
    std::int64_t id, const std::vector<event::Kind>& kinds, std::int64_t keep
) {
    std::string list;
    for (const event::Kind kind : kinds) {
        list += (list.empty() ? "" : ", ") + std::to_string(std::to_underlying(kind));
    }
    // The id leads: an index by kind would read what was sent long ago.
    const std::string of = " FROM events WHERE id > ? AND +kind IN (" + list + ")";
    Backlog out{.waiting = 0, .from = id};
    auto counting = database_->prepare_once("SELECT COUNT(*)" + of);
    if (!counting) {
        return fail(counting.error());
    }
    if (const auto row = counting->bind(id).step(); !row) {
        return fail(row.error());
    }
    out.waiting = counting->integer();
    if (out.waiting <= keep) {
        return out;
    }
    auto last = database_->prepare_once("SELECT id" + of + " ORDER BY id LIMIT 1 OFFSET ?");
    if (!last) {
        return fail(last.error());
    }
    const auto row = last->bind_all(id, out.waiting - keep - 1).step();
    if (!row) {
        return fail(row.error());
    }
    out.from = *row ? last->integer() : id;
    return out;
}

}  // namespace sekisho::store

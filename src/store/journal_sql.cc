// The look-ups of the journal as SQL.
#include "base/time.h"
#include "event/event.h"
#include "store/event_row.h"
#include "store/journal.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::store {
namespace {

constexpr std::size_t kRowsMax = 10'000;

using Field = std::optional<std::string> event::Query::*;
// The most telling first: the first one that is asked for leads the search.
constexpr std::array<std::pair<std::string_view, Field>, 7> kFields{{
    {"reference", &event::Query::reference},
    {"queue_id", &event::Query::queue_id},
    {"message_id", &event::Query::message_id},
    {"recipient", &event::Query::recipient},
    {"account", &event::Query::account},
    {"line", &event::Query::line},
    {"address", &event::Query::address},
}};

}  // namespace

JournalSql journal_sql(const event::Query& query) {
    JournalSql out;
    std::string where;
    const auto add = [&](const std::string& condition) {
        where += (where.empty() ? " WHERE " : " AND ") + condition;
    };
    bool led = false;
    for (const auto& [column, field] : kFields) {
        const auto& wanted = query.*field;
        if (!wanted) {
            continue;
        }
        const std::string name{column};
        // A unary plus keeps SQLite from choosing that column's index: without statistics it can't
        // know that a queue id finds fewer rows than an account. The second condition is what the
        // partial index stands under.
        add(led ? "+" + name + " = ?" : name + " = ? AND " + name + " <> ''");
        led = true;
        out.values.emplace_back(*wanted);
    }
    if (query.sender) {
        add("sender = ?");
        out.values.emplace_back(*query.sender);
    }
    if (!query.kinds.empty()) {
        std::string list;
        for (const event::Kind kind : query.kinds) {
            list += list.empty() ? "?" : ", ?";
            out.values.emplace_back(std::int64_t{std::to_underlying(kind)});
        }
        add(led ? "+kind IN (" + list + ")" : "kind IN (" + list + ")");
    }
    if (query.since) {
        add("at >= ?");
        out.values.emplace_back(to_ms(*query.since));
    }
    if (query.until) {
        add("at < ?");
        out.values.emplace_back(to_ms(*query.until));
    }
    if (query.after_id) {
        add("id > ?");
        out.values.emplace_back(*query.after_id);
    }
    if (query.before_id) {
        // The rest of the page that ended with this row, in the order in which rows are read.
        add(std::string{"(at, id) "} + (query.newest_first ? "<" : ">") +
            " ((SELECT at FROM events WHERE id = ?), ?)");
        out.values.emplace_back(*query.before_id);
        out.values.emplace_back(*query.before_id);
    }
    const std::string order = query.newest_first ? " DESC" : "";
    out.text = "SELECT " + std::string(kEventColumns) + " FROM events" + where + " ORDER BY at" +
               order + ", id" + order + " LIMIT ?";
    out.values.emplace_back(static_cast<std::int64_t>(std::min(query.limit, kRowsMax)));
    return out;
}

}  // namespace sekisho::store

// The look-ups of the journal as SQL.
#include "base/time.h"
#include "event/event.h"
#include "store/event_index.h"
#include "store/event_row.h"
#include "store/journal.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace sekisho::store {
namespace {

constexpr std::size_t kRowsMax = 10'000;

}  // namespace

JournalSql journal_sql(const event::Query& query, const JournalRows& rows) {
    JournalSql out;
    std::string where;
    const auto add = [&](const std::string& condition) {
        where += (where.empty() ? " WHERE " : " AND ") + condition;
    };
    // The rows are known by then: no index of a column may lead elsewhere.
    const bool named = rows.after || rows.among;
    if (rows.after) {
        add("id > ?");
        out.values.emplace_back(*rows.after);
    }
    if (rows.among) {
        std::string list;
        for (const std::int64_t id : *rows.among) {
            list += (list.empty() ? "[" : ",") + std::to_string(id);
        }
        add("id IN (SELECT value FROM json_each(?))");
        out.values.emplace_back(list.empty() ? "[]" : list + "]");
    }
    for (const auto& [column, field] : kEventFields) {
        if (const auto& wanted = query.*field; wanted) {
            add(std::string(column) + " = ?");
            out.values.emplace_back(*wanted);
        }
    }
    if (!query.kinds.empty()) {
        std::string list;
        for (const event::Kind kind : query.kinds) {
            list += list.empty() ? "?" : ", ?";
            out.values.emplace_back(std::int64_t{std::to_underlying(kind)});
        }
        add("kind IN (" + list + ")");
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
    out.text = "SELECT " + std::string(kEventColumns) + " FROM events" +
               (named ? " NOT INDEXED" : "") + where + " ORDER BY at" + order + ", id" + order +
               " LIMIT ?";
    out.values.emplace_back(static_cast<std::int64_t>(std::min(query.limit, kRowsMax)));
    return out;
}

}  // namespace sekisho::store

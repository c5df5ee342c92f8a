// The rows of one table in a dump of a database as text: mysqldump, pg_dump (COPY or --inserts),
// sqlite3's .dump. Pure; no SQL is run. What isn't about the table is passed over.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

struct SqlRow {
    std::size_t line = 0;             // where it begins, from 1
    std::vector<std::string> fields;  // as many as `columns`; NULL is empty
    std::string fault;                // not empty: what is wrong, and the fields don't count
};
struct SqlTable {
    // Of the first INSERT or COPY, else of CREATE TABLE; lower case. Rows of a statement with
    // another list are put in this order.
    std::vector<std::string> columns;
    std::vector<SqlRow> rows;
};

inline constexpr std::size_t kSqlColumnsMax = 1000;

// `table`: without its schema, in any case. Invalid, with a line: the text can't be read further (a
// string without an end); or nothing is put into the table, or nothing says what its columns are.
[[nodiscard]] Result<SqlTable> read_sql_table(std::string_view text, std::string_view table);

}  // namespace sekisho::account

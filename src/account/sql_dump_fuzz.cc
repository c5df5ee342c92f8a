// Dumps of databases: each row has as many fields as the table has columns, or a fault.
#include "account/sql_dump.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::account;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto table = read_sql_table(text, "mailbox");
    if (!table) {
        SEKISHO_ASSERT(!table.error().message.empty());
        return 0;
    }
    SEKISHO_ASSERT(!table->columns.empty() && table->columns.size() <= kSqlColumnsMax);
    for (const SqlRow& row : table->rows) {
        SEKISHO_ASSERT(row.line > 0);
        SEKISHO_ASSERT(!row.fault.empty() || row.fields.size() == table->columns.size());
    }
    return 0;
}

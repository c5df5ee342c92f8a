// Aliases to import, as a map of Postfix' and as a dump: each row is a sound alias or a fault.
#include "account/alias_import.h"
#include "account/forwarding.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::account;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const AliasFormat format : {AliasFormat::Postfix, AliasFormat::Sql}) {
        const auto read = read_aliases(text, {.format = format, .domain = "example.net"});
        if (!read) {
            continue;
        }
        for (const AliasRow& row : read->rows) {
            SEKISHO_ASSERT(row.line > 0 && checked(row.alias));
        }
        for (const AliasFault& fault : read->faults) {
            SEKISHO_ASSERT(fault.line > 0 && !fault.why.empty());
        }
    }
    return 0;
}

// Files to import, as a table and as a passwd-file: each row is an account or a fault, never both,
// and faults hold no password.
#include "account/import.h"
#include "account/validate.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::account;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    for (const ImportFormat format :
         {ImportFormat::Auto, ImportFormat::Csv, ImportFormat::PasswdFile, ImportFormat::Sql}) {
        const auto read =
            read_import(text, {.format = format, .default_scheme = {}, .domain = "example.net"});
        if (!read) {
            continue;
        }
        std::size_t before = 0;
        for (const ImportRow& row : read->rows) {
            SEKISHO_ASSERT(row.line >= before);
            before = row.line;
            SEKISHO_ASSERT(row.plaintext.empty() != row.account.credential.hash.empty());
            SEKISHO_ASSERT(checked(row.account));
        }
        for (const ImportFault& fault : read->faults) {
            SEKISHO_ASSERT(fault.line > 0 && !fault.why.empty());
        }
    }
    return 0;
}

// What an import reads: whatever it takes, it writes again as it was.
#include "base/assert.h"
#include "cli/spool_ops.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace cli = sekisho::cli;
    const auto entry = cli::import_json({reinterpret_cast<const char*>(data), size});
    if (entry) {
        const auto again = cli::import_json(
            cli::export_json(*entry).dump(-1, ' ', false, cli::Json::error_handler_t::replace)
        );
        SEKISHO_ASSERT(again.has_value());
        SEKISHO_ASSERT(again->envelope.recipients.size() == entry->envelope.recipients.size());
        SEKISHO_ASSERT(again->envelope.queue_id == entry->envelope.queue_id);
    }
    return 0;
}

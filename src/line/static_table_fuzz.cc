#include "base/assert.h"
#include "line/static_table.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto table = sekisho::line::parse_static_table(
        std::string_view{reinterpret_cast<const char*>(data), size}
    );
    for (const auto& session : table.sessions) {
        SEKISHO_ASSERT(!session.line.empty() && session.prefixes.size() == 1);
    }
    for (const auto& error : table.errors) {
        SEKISHO_ASSERT(error.row > 0 && error.message.find('\n') == std::string::npos);
    }
    return 0;
}

// sekisho.toml from anywhere: any bytes give a Config or problems, never a crash.
#include "config/reader.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto loaded = sekisho::config::parse(text, "/nonexistent/sekisho.toml");
    if (!loaded) {
        for (const auto& problem : loaded.error()) {
            static_cast<void>(problem.message());
        }
    }
    static_cast<void>(sekisho::config::parse_prefix_file(text, "prefixes"));
    return 0;
}

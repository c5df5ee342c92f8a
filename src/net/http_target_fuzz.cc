// What parse_target() accepts is a path that can't leave its root.
#include "base/assert.h"
#include "base/bytes.h"
#include "net/http_target.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = net::parse_target(text)) {
        const std::string_view path = target->path;
        SEKISHO_ASSERT(path.starts_with('/') && path.find("//") == std::string_view::npos);
        SEKISHO_ASSERT(path.find('\0') == std::string_view::npos);
        for (const std::string_view segment : split(path, '/')) {
            SEKISHO_ASSERT(segment != "." && segment != "..");
        }
    }
    if (const auto form = net::parse_form(text)) {
        SEKISHO_ASSERT(form->size() <= net::kFormKeysMax);
    }
    return 0;
}

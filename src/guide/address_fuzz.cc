// What parses is within limits, has no character that ends a field, and parses again to itself.
#include "base/assert.h"
#include "guide/address.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto address = sekisho::guide::parse_mail_address(text)) {
        const std::string written = address->text();
        SEKISHO_ASSERT(written.size() <= 254);
        SEKISHO_ASSERT(written.find_first_of("\r\n<>\" ") == std::string::npos);
        const auto again = sekisho::guide::parse_mail_address(written);
        SEKISHO_ASSERT(again && again->local == address->local && again->domain == address->domain);
    }
    return 0;
}

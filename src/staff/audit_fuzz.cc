// A line of an exported audit from anywhere: read or refused, and what was read is written and read
// the same again.
#include "base/assert.h"
#include "staff/audit.h"
#include "staff/totp.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto entry = sekisho::staff::parse_line(text)) {
        const auto again = sekisho::staff::parse_line(sekisho::staff::to_line(*entry));
        SEKISHO_ASSERT(
            again && sekisho::staff::digest_of(*again) == sekisho::staff::digest_of(*entry)
        );
    }
    if (const auto bytes = sekisho::staff::unbase32(text)) {
        SEKISHO_ASSERT(sekisho::staff::unbase32(sekisho::staff::base32(*bytes)) == bytes);
    }
    return 0;
}

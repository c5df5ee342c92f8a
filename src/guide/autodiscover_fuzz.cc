// Any body either gives a sound address or none.
#include "base/assert.h"
#include "guide/formats.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body{reinterpret_cast<const char*>(data), size};
    if (const auto address = sekisho::guide::parse_autodiscover_request(body)) {
        SEKISHO_ASSERT(sekisho::guide::parse_mail_address(address->text()).has_value());
    }
    return 0;
}

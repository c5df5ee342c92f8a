// Every reader of wire data over the same bytes; what was read as a name obeys the limits.
#include "base/assert.h"
#include "net/dns_records.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view wire(reinterpret_cast<const char*>(data), size);
    if (const auto name = net::read_name(wire)) {
        SEKISHO_ASSERT(name->second <= 255 && name->second <= size);
        SEKISHO_ASSERT(name->first.size() <= 4 * 255);
        for (const char c : name->first) {
            SEKISHO_ASSERT(c > 0x20 && c < 0x7F);
        }
    }
    static_cast<void>(net::read_mx(wire));
    static_cast<void>(net::read_a(wire));
    static_cast<void>(net::read_aaaa(wire));
    static_cast<void>(net::read_ptr(wire));
    static_cast<void>(net::read_srv(wire));
    static_cast<void>(net::read_tlsa(wire));
    if (const auto text = net::read_txt(wire)) {
        SEKISHO_ASSERT(text->size() <= size);
    }
    return 0;
}

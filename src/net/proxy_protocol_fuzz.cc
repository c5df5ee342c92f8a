// Any bytes as a header, read as a connection would: no more than is asked for. It always comes to
// an end, and a whole header is the same when it is given at once.
#include "base/assert.h"
#include "net/proxy_protocol.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::net;
    using State = ProxyReading::State;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::size_t at = 0;
    ProxyReading reading = read_proxy_header({});
    while (reading.state == State::More) {
        SEKISHO_ASSERT(reading.wanted > 0 && at + reading.wanted <= kProxyHeaderMax);
        if (at + reading.wanted > size) {
            return 0;
        }
        at += reading.wanted;
        reading = read_proxy_header(bytes.substr(0, at));
    }
    if (reading.state == State::Done) {
        const ProxyReading again = read_proxy_header(bytes.substr(0, at));
        SEKISHO_ASSERT(again.header.addresses == reading.header.addresses);
    }
    return 0;
}

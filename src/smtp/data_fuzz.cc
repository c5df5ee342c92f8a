// The first octet says how the rest is cut into reads. However it is cut, the data reader must say
// the same, and end only at CRLF.CRLF.
#include "base/assert.h"
#include "smtp/data.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

struct Seen {
    bool done = false;
    std::size_t taken = 0;
    std::string message, refused;
    bool operator==(const Seen&) const = default;
};

Seen read(std::string_view bytes, std::size_t step) {
    sekisho::smtp::DataReader reader({.size_max = 200, .line_max = 60});
    Seen out;
    while (out.taken < bytes.size() && !reader.done()) {
        out.taken += reader.receive(bytes.substr(out.taken, step));
    }
    out.done = reader.done();
    out.refused = reader.refused() ? reader.refused()->text() : "";
    out.message = reader.take_message();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Seen whole = read(bytes, bytes.size());
    SEKISHO_ASSERT(whole == read(bytes, 1 + data[0] % 16U));
    const std::string framed = "\r\n" + std::string(bytes);
    const std::size_t end = framed.find("\r\n.\r\n");
    SEKISHO_ASSERT(whole.done == (end != std::string::npos));
    SEKISHO_ASSERT(!whole.done || whole.taken == end + 3);
    if (whole.refused.empty()) {
        SEKISHO_ASSERT(whole.message.find('\0') == std::string::npos);
        for (std::size_t i = 0; i < whole.message.size(); ++i) {
            SEKISHO_ASSERT(whole.message[i] != '\n' || (i > 0 && whole.message[i - 1] == '\r'));
        }
    }
    sekisho::smtp::DotStuffer stuffer;
    std::string wire;
    while (!stuffer.done()) {
        wire += stuffer.next(bytes, 1 + data[0]);
    }
    sekisho::smtp::DataReader back({.size_max = 1U << 30U, .line_max = 1U << 30U});
    SEKISHO_ASSERT(back.receive(wire) == wire.size() && back.done());
    return 0;
}

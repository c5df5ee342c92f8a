// Whatever a client sends, in whatever pieces: whole reply lines come out, and not without bound.
#include "base/assert.h"
#include "gate/answer/dialogue.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using sekisho::gate::Dialogue;
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const auto why = sekisho::smtp::reply(554, "5.7.1", "Closed (reference abc)");
    Dialogue whole(why);
    const std::string at_once = whole.receive(all);
    Dialogue pieces(why);
    std::string by_bytes;
    for (std::size_t i = 0; i < all.size(); ++i) {
        by_bytes += pieces.receive(all.substr(i, 1));
    }
    SEKISHO_ASSERT(at_once == by_bytes);
    SEKISHO_ASSERT(whole.over() == pieces.over());
    SEKISHO_ASSERT(at_once.empty() || at_once.ends_with("\r\n"));
    SEKISHO_ASSERT(at_once.size() <= (Dialogue::kCommandsMax + 1) * 128);
    return 0;
}

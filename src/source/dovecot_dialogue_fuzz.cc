// Whatever the server says: there is one outcome at most, and the password is sent once, after
// DONE.
#include "base/assert.h"
#include "source/dovecot_dialogue.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t step = 1 + data[0];
    sekisho::source::DovecotDialogue dialogue("user", "password");
    std::string said;
    while (!bytes.empty() && !dialogue.outcome()) {
        said += dialogue.take_output();
        dialogue.receive(bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    said += dialogue.take_output();
    const std::size_t first = said.find("AUTH\t");
    SEKISHO_ASSERT(
        first == std::string::npos || said.find("AUTH\t", first + 1) == std::string::npos
    );
    if (const auto& outcome = dialogue.outcome(); outcome && *outcome) {
        SEKISHO_ASSERT(first != std::string::npos && !(*outcome)->empty());
    }
    sekisho::source::DovecotLookup lookup("user");
    static_cast<void>(lookup.take_output());
    bytes = std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1);
    while (!bytes.empty() && !lookup.outcome()) {
        lookup.receive(bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    if (const auto& outcome = lookup.outcome(); outcome && *outcome) {
        SEKISHO_ASSERT(!(*outcome)->empty());
    }
    return 0;
}

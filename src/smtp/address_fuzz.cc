// Any bytes as a mailbox and as paths; what is read must be written and read again alike.
#include "base/assert.h"
#include "smtp/address.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::smtp;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const bool utf8 : {false, true}) {
        const AddressRules rules{.utf8 = utf8};
        if (const auto address = parse_address(text, rules)) {
            // Quoting can make the local part longer than it was.
            const auto again = parse_address(address->text(), {.utf8 = utf8, .local_max = 1000});
            SEKISHO_ASSERT(again && *again == *address);
            SEKISHO_ASSERT(utf8 || address->ascii());
        }
        for (const PathKind kind : {PathKind::Reverse, PathKind::Forward}) {
            if (const auto path = parse_path(text, kind, rules)) {
                SEKISHO_ASSERT(path->length <= text.size() && path->length <= kPathMax);
                SEKISHO_ASSERT(text[path->length - 1] == '>');
                SEKISHO_ASSERT(kind == PathKind::Reverse || path->address);
            }
        }
    }
    return 0;
}

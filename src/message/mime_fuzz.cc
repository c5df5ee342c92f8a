// Any bytes as a mail: its leaves are within bounds, and what names them is printable where it is
// shown; parts lie within the body, in order.
#include "base/assert.h"
#include "message/header.h"
#include "message/mime.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view mail(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t kLeavesMax = 20;
    const auto leaves = leaves_of(mail, kLeavesMax);
    SEKISHO_ASSERT(leaves.size() <= kLeavesMax);
    for (const Leaf& leaf : leaves) {
        SEKISHO_ASSERT(!leaf.type.empty());
        // No transfer encoding makes more of it.
        SEKISHO_ASSERT(leaf.content.size() <= mail.size());
    }
    const Header header = Header::scan(mail);
    const auto type = header.find("Content-Type");
    const std::string boundary =
        field_parameter(type != nullptr ? type->value() : mail, "boundary");
    if (!boundary.empty()) {
        const char* last = mail.data();
        for (const std::string_view part : parts_of(mail, boundary, kLeavesMax)) {
            SEKISHO_ASSERT(part.data() >= last && part.data() + part.size() <= mail.end());
            last = part.data() + part.size();
        }
    }
    return 0;
}

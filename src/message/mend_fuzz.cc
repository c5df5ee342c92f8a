// Any bytes as a submitted message: what is mended has no long line and no raw text in its header,
// and isn't mended twice.
#include "base/assert.h"
#include "message/field_words.h"
#include "message/header.h"
#include "message/mend.h"
#include "message/shorten.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;
using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    static_cast<void>(is_date(message));
    const auto mended = mend(message, {});
    if (mended) {
        SEKISHO_ASSERT(!has_long_line(*mended));
        const auto again = mend(*mended, {});
        SEKISHO_ASSERT(again && *again == *mended);
    } else {
        SEKISHO_ASSERT(needs_mending(message, {}));
    }
    return 0;
}

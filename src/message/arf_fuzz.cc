// Any bytes as a complaint: bounded, and no value with a line end.
#include "base/assert.h"
#include "message/arf.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;
using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto complaint =
        parse_complaint(std::string_view(reinterpret_cast<const char*>(data), size));
    if (complaint) {
        SEKISHO_ASSERT(!complaint->type.empty());
        SEKISHO_ASSERT(complaint->rcpt_to.size() <= 100 && complaint->queue_ids.size() <= 100);
        for (const auto& id : complaint->queue_ids) {
            SEKISHO_ASSERT(!id.empty() && id.size() <= 64);
            SEKISHO_ASSERT(id.find('\n') == std::string_view::npos);
        }
        SEKISHO_ASSERT(complaint->message_id.find('\n') == std::string_view::npos);
    }
    return 0;
}

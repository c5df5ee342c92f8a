#include "base/assert.h"
#include "gate/replay/flow_log.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto log =
        sekisho::gate::read_flow_log(std::string_view{reinterpret_cast<const char*>(data), size});
    for (const auto& flow : log.flows) {
        SEKISHO_ASSERT(flow.server && flow.packets >= 0);
    }
    for (const auto& fault : log.faults) {
        SEKISHO_ASSERT(!fault.message.empty() && fault.message.find('\n') == std::string::npos);
    }
    SEKISHO_ASSERT(log.faults.size() <= log.faulty);
    return 0;
}

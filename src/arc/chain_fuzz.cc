// Any bytes as a message with a chain: it ends with a verdict, and nobody without a key passes.
#include "arc/chain.h"
#include "arc/verify.h"
#include "base/assert.h"
#include "base/time.h"
#include "message/header.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const auto header = message::Header::scan(message, {.size_max = 8192, .fields_max = 60});
    const auto chain = arc::read_chain(header);
    if (chain) {
        SEKISHO_ASSERT(chain->size() <= arc::kSetsMax);
        for (const arc::Set& set : *chain) {
            SEKISHO_ASSERT(set.results != nullptr && set.seal != nullptr);
        }
    }
    arc::Verifier verifier(header, Time{});
    verifier.body(message.substr(header.body_offset()));
    const auto asked = verifier.queries();
    const arc::Verdict verdict = verifier.finish({});
    SEKISHO_ASSERT(verdict.result != arc::Result::Pass);
    SEKISHO_ASSERT(chain || verdict.result == arc::Result::Fail);
    SEKISHO_ASSERT(chain || asked.empty());
    return 0;
}

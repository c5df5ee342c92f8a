// Any bytes as a packed file: never more than permitted.
#include "base/assert.h"
#include "report/archive.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::report;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t kMax = 100'000;
    const auto entries = unpack(bytes, {.bytes_max = kMax, .entries_max = 4});
    if (entries) {
        std::size_t all = 0;
        for (const std::string& one : *entries) {
            all += one.size();
        }
        SEKISHO_ASSERT(all <= kMax && entries->size() <= 4);
    }
    const auto back = unpack(gzip(bytes));
    SEKISHO_ASSERT(back && back->size() == 1 && back->front() == bytes);
    return 0;
}

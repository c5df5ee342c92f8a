// Any bytes as a TLS report: bounded, and what was read can be written and read again.
#include "base/assert.h"
#include "report/tls_json.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;
using namespace sekisho::report;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto report = read_tls({reinterpret_cast<const char*>(data), size});
    if (report) {
        SEKISHO_ASSERT(!report->results.empty() && report->results.size() <= 1000);
        SEKISHO_ASSERT(report->begin <= report->end);
        const auto again = read_tls(write_tls(*report));
        SEKISHO_ASSERT(again && again->results.size() == report->results.size());
    }
    return 0;
}

// Any bytes as a DMARC report: bounded, and what was read can be written and read again.
#include "base/assert.h"
#include "report/dmarc_xml.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;
using namespace sekisho::report;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto report = read_dmarc({reinterpret_cast<const char*>(data), size});
    if (report) {
        SEKISHO_ASSERT(!report->rows.empty() && report->rows.size() <= 20'000);
        SEKISHO_ASSERT(!report->policy.domain.empty() && report->begin <= report->end);
        const auto again = read_dmarc(write_dmarc(*report));
        SEKISHO_ASSERT(again && again->rows.size() == report->rows.size());
        SEKISHO_ASSERT(again->rows.front().row.source == report->rows.front().row.source);
        for (const CountedRow& one : report->rows) {
            SEKISHO_ASSERT(unpack_row(pack(one.row)).has_value());
        }
    }
    return 0;
}

// Any bytes as a mail with reports, and as the records of others that lead ours.
#include "base/assert.h"
#include "report/destination.h"
#include "report/incoming.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::report;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (const auto reports = reports_in_mail(text)) {
        for (const Report& one : *reports) {
            SEKISHO_ASSERT(!facts_of(one).report_id.empty());
        }
    }
    if (const auto mailbox = parse_mailto(text)) {
        SEKISHO_ASSERT(mailbox->address.find_first_of(" \r\n<>,\"") == std::string::npos);
    }
    if (const auto wanted = tlsrpt_destinations({text})) {
        SEKISHO_ASSERT(wanted->size() <= kDestinationsMax);
    }
    SEKISHO_ASSERT(permission_of({text}, "a.example").rua.size() <= kDestinationsMax);
    return 0;
}

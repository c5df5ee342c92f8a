// Any bytes as an operator's file of names: what is read can be printed and read again, and a name
// is looked at in bounded time.
#include "base/assert.h"
#include "base/ip.h"
#include "peer/host_name.h"
#include "peer/name_patterns.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;
using namespace sekisho::peer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = NamePatterns::built_in().with(text);
    if (read) {
        const auto again = NamePatterns{}.with(read->text());
        SEKISHO_ASSERT(again && *again == *read);
        const IpAddress address = *IpAddress::parse("198.51.100.7");
        static_cast<void>(shape_of("p7-ip198-51-100-7.a.b.c.d.e.f.g.example.ne.jp", address, *read)
        );
    }
    static_cast<void>(shape_of(text, *IpAddress::parse("2001:db8::7")));
    return 0;
}

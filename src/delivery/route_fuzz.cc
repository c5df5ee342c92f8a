// Any address leads to a destination that can be acted on.
#include "base/assert.h"
#include "delivery/route.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    using delivery::Destination;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    delivery::RouteOptions options;
    options.hostname = "mail.example.net";
    options.domains = {"example.net"};
    const std::string domain = delivery::domain_of(text);
    const Destination to = delivery::destination({domain, "", ""}, options);
    SEKISHO_ASSERT((to.kind == Destination::Kind::Hosts) == !to.hosts.empty());
    SEKISHO_ASSERT(to.kind != Destination::Kind::Failed || to.failure.code >= 400);
    if (to.kind == Destination::Kind::MxOf) {
        for (const char c : to.domain) {
            SEKISHO_ASSERT(static_cast<unsigned char>(c) < 0x80);
        }
    }
    if (const auto host = delivery::parse_host(text)) {
        SEKISHO_ASSERT(host->port != 0 && !host->name.empty());
    }
    return 0;
}

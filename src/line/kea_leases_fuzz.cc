// Any bytes as rows of a lease file, after its heading and as a whole file.
#include "base/assert.h"
#include "base/time.h"
#include "line/kea_leases.h"
#include "line/line.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const Time now{Duration{1'700'000'000'000}};
    for (const char* heading :
         {"",
          "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,"
          "state,user_context\n",
          "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,"
          "fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context\n"}) {
        for (const auto field : {line::KeaField::CircuitId, line::KeaField::RemoteId}) {
            line::KeaLeases leases{"kea:fuzz", field};
            leases.begin_file("leases.csv");
            leases.feed(heading + std::string{text}, now, true);
            for (const line::Session& one : leases.take(now)) {
                SEKISHO_ASSERT(one.prefixes.size() == 1 && (!one.end || *one.end >= one.start));
            }
            for (const line::Session& one : leases.holding()) {
                SEKISHO_ASSERT(!one.end && one.line.size() <= 253);
            }
        }
    }
    return 0;
}

// Any bytes as a key record: read or refused, and checked against without harm.
#include "base/assert.h"
#include "dkim/key.h"
#include "dkim/signature.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sekisho;
using namespace sekisho::dkim;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view txt(reinterpret_cast<const char*>(data), size);
    const auto record = parse_key_record(txt);
    if (!record) {
        SEKISHO_ASSERT(!record.error().message.empty());
        return 0;
    }
    for (const auto algorithm : {Algorithm::RsaSha256, Algorithm::Ed25519Sha256}) {
        // Nobody signs these octets with 64 zeros.
        const auto good =
            check_signature(algorithm, *record, "octets", std::string_view(txt).substr(0, 64));
        SEKISHO_ASSERT(!good || record->key.size() >= 32);
    }
    return 0;
}

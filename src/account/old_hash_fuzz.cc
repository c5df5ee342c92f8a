// Hash strings of other systems: what is taken is kept in a form that is taken again; what is
// refused opens to nobody. The slow hashes are parsed only.
#include "account/old_hash.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::account;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto written = parse_written_password(text, "");
    if (!written) {
        if (is_old_hash(text) && !text.starts_with("{CRYPT}")) {
            SEKISHO_ASSERT(!verify_old_hash(text, "password"));
        }
        return 0;
    }
    SEKISHO_ASSERT(written->hash.empty() || written->plaintext.empty());
    if (!written->hash.empty()) {
        const auto again = parse_written_password(written->hash, "");
        SEKISHO_ASSERT(again && again->hash == written->hash);
        static_cast<void>(scram_keys_of(written->hash));
    }
    return 0;
}

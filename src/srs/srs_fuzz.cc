// Any local part: nothing is restored that no secret made, and what is rewritten comes back.
#include "base/assert.h"
#include "srs/srs.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Time now{std::chrono::milliseconds{1'800'000'000'000}};
    const srs::Secrets secrets{"new", "old"};
    static_cast<void>(srs::restore(text, secrets, now));
    const auto local = srs::rewrite(text, "example.org", secrets, now);
    if (!local || text.empty()) {
        return 0;
    }
    SEKISHO_ASSERT(local->size() <= srs::kLocalMax && srs::is_rewritten(*local));
    const auto back = srs::restore(*local, secrets, now);
    SEKISHO_ASSERT(back.has_value());
    if (!srs::is_rewritten(text)) {
        SEKISHO_ASSERT(back->local == text && back->domain == "example.org");
    }
    return 0;
}

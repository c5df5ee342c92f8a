// Up to the first NUL a token, then a key set: whatever they are, no token without a key that
// signed it is anybody's.
#include "account/jwt.h"
#include "base/assert.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::account;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = bytes.find('\0');
    const std::string_view token = bytes.substr(0, cut);
    const std::string_view rest =
        cut == std::string_view::npos ? std::string_view{} : bytes.substr(cut + 1);
    TokenRules rules;
    rules.issuer = "joe";
    rules.audiences = {"mail"};
    const auto now = sekisho::from_ms(1'300'000'000'000);
    const auto parsed = KeySet::parse(rest);
    const KeySet keys = parsed ? *parsed : KeySet{};
    const auto owner = verify_token(token, keys, rules, now);
    SEKISHO_ASSERT(!owner || (parsed && !owner->account.empty()));
    const auto told = judge_introspection(rest, rules, now);
    SEKISHO_ASSERT(!told || !told->account.empty());
    return 0;
}

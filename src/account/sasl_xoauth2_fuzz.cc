#include "account/sasl.h"
#include "account/sasl_fuzz_run.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sekisho::account::fuzz_sasl(sekisho::account::Mechanism::XOAuth2, data, size);
    return 0;
}

// No response that nobody made with the secret is believed.
#include "base/assert.h"
#include "source/radius_packet.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sekisho::source::RadiusLogin login;
    login.login = "taro";
    login.password = "secret";
    login.secret = "a secret that no input has been made with";
    login.authenticator = "0123456789abcdef";
    login.id = size > 1 ? data[1] : std::uint8_t{0};
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    SEKISHO_ASSERT(!sekisho::source::read_response(bytes, login));
    return 0;
}

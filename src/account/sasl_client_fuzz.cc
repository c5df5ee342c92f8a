// A server that says anything to a client that logs in: messages each ended by a byte 0xff. Nobody
// who doesn't know the password gets SCRAM to its end.
#include "account/sasl.h"
#include "account/sasl_client.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::account;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    const auto client =
        SaslClient::make(Mechanism::ScramSha256, {"user", "no server knows it"}, "abc", {});
    (void)client->start();
    while (!rest.empty()) {
        const std::size_t end = rest.find('\xff');
        const std::string_view message = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        // Many iterations are work, not an error.
        if (message.find(",i=") != std::string_view::npos && message.size() > 64) {
            return 0;
        }
        if (!client->step(message)) {
            return 0;
        }
        SEKISHO_ASSERT(!client->complete());
    }
    return 0;
}

#include "account/digest.h"

#include "base/assert.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace sekisho::account {
namespace {

const unsigned char* octets(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* octets(std::string& bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

int int_size(std::string_view bytes) {
    SEKISHO_ASSERT(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    return static_cast<int>(bytes.size());
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    std::string out(kSha256Size, '\0');
    unsigned size = 0;
    // OpenSSL reads a null key as "the key of the last call", so an empty one needs an address.
    const std::string_view held = key.empty() ? std::string_view{"", 0} : key;
    const unsigned char* made = HMAC(
        EVP_sha256(), held.data(), int_size(held), octets(bytes), bytes.size(), octets(out), &size
    );
    SEKISHO_ASSERT(made != nullptr && size == kSha256Size);
    return out;
}

std::string pbkdf2_sha256(
    std::string_view password, std::string_view salt, std::uint32_t iterations
) {
    SEKISHO_ASSERT(iterations > 0 && iterations <= 0x7fffffffU);
    std::string out(kSha256Size, '\0');
    const int done = PKCS5_PBKDF2_HMAC(
        password.empty() ? "" : password.data(),
        int_size(password),
        octets(salt),
        int_size(salt),
        static_cast<int>(iterations),
        EVP_sha256(),
        static_cast<int>(out.size()),
        octets(out)
    );
    SEKISHO_ASSERT(done == 1);
    return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void wipe(std::string& secret) {
    if (!secret.empty()) {
        OPENSSL_cleanse(secret.data(), secret.size());
    }
    secret.clear();
}

}  // namespace sekisho::account

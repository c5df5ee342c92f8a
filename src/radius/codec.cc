#include "radius/codec.h"

#include "base/assert.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::radius {

std::string md5(std::string_view bytes) {
    std::string out(kDigestSize, '\0');
    unsigned size = 0;
    const int done = EVP_Digest(
        bytes.data(),
        bytes.size(),
        reinterpret_cast<unsigned char*>(out.data()),
        &size,
        EVP_md5(),
        nullptr
    );
    SEKISHO_ASSERT(done == 1 && size == kDigestSize);
    return out;
}

std::string hmac_md5(std::string_view key, std::string_view bytes) {
    std::string out(kDigestSize, '\0');
    unsigned size = 0;
    const std::string_view held = key.empty() ? std::string_view{"", 0} : key;
    const unsigned char* made = HMAC(
        EVP_md5(),
        held.data(),
        static_cast<int>(held.size()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        bytes.size(),
        reinterpret_cast<unsigned char*>(out.data()),
        &size
    );
    SEKISHO_ASSERT(made != nullptr && size == kDigestSize);
    return out;
}

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void append_attribute(std::string& out, std::uint8_t type, std::string_view value) {
    SEKISHO_ASSERT(value.size() <= kAttributeMax);
    out.push_back(static_cast<char>(type));
    out.push_back(static_cast<char>(value.size() + 2));
    out.append(value);
}

void set_length(std::string& packet) {
    SEKISHO_ASSERT(packet.size() <= kPacketMax);
    packet[2] = static_cast<char>(packet.size() >> 8U);
    packet[3] = static_cast<char>(packet.size() & 0xffU);
}

std::string packet_head(char code, std::uint8_t id) {
    std::string out(kHeaderSize, '\0');
    out[0] = code;
    out[1] = static_cast<char>(id);
    return out;
}

}  // namespace sekisho::radius

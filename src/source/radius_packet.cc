#include "source/radius_packet.h"

#include "account/digest.h"
#include "base/result.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::source {
namespace {

constexpr std::size_t kHeaderSize = 20;
constexpr std::size_t kPacketMax = 4096;
constexpr std::size_t kDigestSize = 16;
constexpr std::size_t kAuthenticatorAt = 4;

enum Code : std::uint8_t {
    AccessRequest = 1,
    AccessAccept = 2,
    AccessReject = 3,
    AccessChallenge = 11,
};
enum Attribute : std::uint8_t {
    UserName = 1,
    UserPassword = 2,
    ServiceType = 6,
    NasIdentifier = 32,
    NasPortType = 61,
    MessageAuthenticator = 80,
};
constexpr std::string_view kAuthenticateOnly{"\0\0\0\x08", 4};  // RFC 2865 §5.6
constexpr std::string_view kVirtual{"\0\0\0\x05", 4};           // RFC 2865 §5.41

std::string md5(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_md5(), nullptr);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac_md5(std::string_view key, std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    HMAC(
        EVP_md5(),
        key.data(),
        static_cast<int>(key.size()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        bytes.size(),
        out.data(),
        &size
    );
    return {reinterpret_cast<const char*>(out.data()), size};
}

void add(std::string& packet, Attribute type, std::string_view value) {
    packet.push_back(static_cast<char>(type));
    packet.push_back(static_cast<char>(value.size() + 2));
    packet += value;
}

// RFC 2865 §5.2
std::string hidden(const RadiusLogin& login) {
    std::string padded = login.password;
    padded.resize((padded.size() + kDigestSize - 1) / kDigestSize * kDigestSize, '\0');
    std::string out;
    std::string before = login.authenticator;
    for (std::size_t at = 0; at < padded.size(); at += kDigestSize) {
        std::string block = md5(login.secret + before);
        for (std::size_t i = 0; i < kDigestSize; ++i) {
            block[i] = static_cast<char>(block[i] ^ padded[at + i]);
        }
        out += block;
        before = block;
    }
    account::wipe(padded);
    return out;
}

std::size_t length_of(std::string_view packet) {
    return (std::size_t{static_cast<std::uint8_t>(packet[2])} << 8U) |
           static_cast<std::uint8_t>(packet[3]);
}

// Where the value of the one Message-Authenticator stands. nullopt: there is none, or several, or
// the attributes are malformed.
std::optional<std::size_t> message_authenticator(std::string_view packet) {
    std::optional<std::size_t> found;
    std::size_t at = kHeaderSize;
    while (at < packet.size()) {
        const std::size_t left = packet.size() - at;
        const std::size_t size = left < 2 ? 0 : static_cast<std::uint8_t>(packet[at + 1]);
        if (size < 2 || size > left) {
            return std::nullopt;
        }
        if (static_cast<std::uint8_t>(packet[at]) == MessageAuthenticator) {
            if (found || size != kDigestSize + 2) {
                return std::nullopt;
            }
            found = at + 2;
        }
        at += size;
    }
    return found;
}

}  // namespace

Result<std::string> access_request(const RadiusLogin& login) {
    if (login.login.empty() || login.login.size() > kRadiusNameMax || login.password.empty() ||
        login.password.size() > kRadiusPasswordMax) {
        return fail(Errc::Invalid, "the login or the password is too long for RADIUS");
    }
    std::string packet;
    packet.push_back(static_cast<char>(AccessRequest));
    packet.push_back(static_cast<char>(login.id));
    packet += std::string(2, '\0') + login.authenticator;
    add(packet, MessageAuthenticator, std::string(kDigestSize, '\0'));
    add(packet, UserName, login.login);
    add(packet, UserPassword, hidden(login));
    add(packet, NasIdentifier, login.nas_identifier);
    add(packet, NasPortType, kVirtual);
    add(packet, ServiceType, kAuthenticateOnly);
    packet[2] = static_cast<char>(packet.size() >> 8U);
    packet[3] = static_cast<char>(packet.size() & 0xffU);
    packet.replace(kHeaderSize + 2, kDigestSize, hmac_md5(login.secret, packet));
    return packet;
}

std::optional<RadiusAnswer> read_response(std::string_view packet, const RadiusLogin& login) {
    if (packet.size() < kHeaderSize || packet.size() > kPacketMax ||
        static_cast<std::uint8_t>(packet[1]) != login.id || length_of(packet) < kHeaderSize ||
        length_of(packet) > packet.size()) {
        return std::nullopt;
    }
    packet = packet.substr(0, length_of(packet));  // RFC 2865 §3: what is behind it is padding
    const std::string told(packet.substr(kAuthenticatorAt, kDigestSize));
    std::string bytes(packet);
    bytes.replace(kAuthenticatorAt, kDigestSize, login.authenticator);
    if (!account::equal_in_constant_time(md5(bytes + login.secret), told)) {
        return std::nullopt;
    }
    const auto at = message_authenticator(packet);
    if (!at) {
        return std::nullopt;
    }
    bytes.replace(*at, kDigestSize, std::string(kDigestSize, '\0'));
    if (!account::equal_in_constant_time(
            hmac_md5(login.secret, bytes), packet.substr(*at, kDigestSize)
        )) {
        return std::nullopt;
    }
    switch (static_cast<std::uint8_t>(packet[0])) {
        case AccessAccept:
            return RadiusAnswer::Accept;
        case AccessReject:
            return RadiusAnswer::Reject;
        case AccessChallenge:
            return RadiusAnswer::Challenge;
        default:
            return std::nullopt;
    }
}

}  // namespace sekisho::source

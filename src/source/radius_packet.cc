#include "source/radius_packet.h"

#include "account/digest.h"
#include "base/result.h"
#include "radius/codec.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::source {
namespace {

using namespace radius;

constexpr std::string_view kAuthenticateOnly{"\0\0\0\x08", 4};  // RFC 2865 §5.6
constexpr std::string_view kVirtual{"\0\0\0\x05", 4};           // RFC 2865 §5.41

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

// Where the value of the one Message-Authenticator stands. nullopt: there is none, or several, or
// the attributes are malformed.
std::optional<std::size_t> message_authenticator(std::string_view packet) {
    std::optional<std::size_t> found;
    const Status read = each_attribute(
        packet,
        [&found](std::uint8_t type, std::string_view value, std::size_t at) -> Status {
            if (type != MessageAuthenticator) {
                return {};
            }
            if (found || value.size() != kDigestSize) {
                return bad("Message-Authenticator");
            }
            found = at;
            return {};
        }
    );
    return read ? found : std::nullopt;
}

}  // namespace

Result<std::string> access_request(const RadiusLogin& login) {
    if (login.login.empty() || login.login.size() > kRadiusNameMax || login.password.empty() ||
        login.password.size() > kRadiusPasswordMax) {
        return fail(Errc::Invalid, "the login or the password is too long for RADIUS");
    }
    std::string packet = packet_head(kAccessRequest, login.id);
    packet.replace(kAuthenticatorAt, kDigestSize, login.authenticator);
    append_attribute(packet, MessageAuthenticator, std::string(kDigestSize, '\0'));
    append_attribute(packet, UserName, login.login);
    append_attribute(packet, UserPassword, hidden(login));
    append_attribute(packet, NasIdentifier, login.nas_identifier);
    append_attribute(packet, NasPortType, kVirtual);
    append_attribute(packet, ServiceType, kAuthenticateOnly);
    set_length(packet);
    packet.replace(kHeaderSize + 2, kDigestSize, hmac_md5(login.secret, packet));
    return packet;
}

std::optional<RadiusAnswer> read_response(std::string_view packet, const RadiusLogin& login) {
    if (packet.size() < kHeaderSize || packet.size() > kPacketMax || octet(packet, 1) != login.id ||
        length_field(packet) < kHeaderSize || length_field(packet) > packet.size()) {
        return std::nullopt;
    }
    packet = without_padding(packet);  // RFC 2865 §3: what is behind it is padding
    const std::string told(packet.substr(kAuthenticatorAt, kDigestSize));
    std::string bytes(packet);
    bytes.replace(kAuthenticatorAt, kDigestSize, login.authenticator);
    if (!same(md5(bytes + login.secret), told)) {
        return std::nullopt;
    }
    const auto at = message_authenticator(packet);
    if (!at) {
        return std::nullopt;
    }
    bytes.replace(*at, kDigestSize, std::string(kDigestSize, '\0'));
    if (!same(hmac_md5(login.secret, bytes), packet.substr(*at, kDigestSize))) {
        return std::nullopt;
    }
    switch (packet.front()) {
        case kAccessAccept:
            return RadiusAnswer::Accept;
        case kAccessReject:
            return RadiusAnswer::Reject;
        case kAccessChallenge:
            return RadiusAnswer::Challenge;
        default:
            return std::nullopt;
    }
}

}  // namespace sekisho::source

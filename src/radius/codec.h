// The pieces that all RADIUS packets are made of (RFC 2865 §3): head, attributes, digests. Pure.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sekisho::radius {

inline constexpr std::size_t kPacketMax = 4096;  // RFC 2865 §3
inline constexpr char kAccessRequest = 1;
inline constexpr char kAccessAccept = 2;
inline constexpr char kAccessReject = 3;
inline constexpr char kAccountingRequest = 4;
inline constexpr char kAccountingResponse = 5;
inline constexpr char kAccessChallenge = 11;
inline constexpr std::size_t kHeaderSize = 20;
inline constexpr std::size_t kAuthenticatorAt = 4;
inline constexpr std::size_t kDigestSize = 16;
inline constexpr std::size_t kAttributesMax = 256;
inline constexpr std::size_t kAttributeMax = 253;  // octets of a value

enum Attribute : std::uint8_t {
    UserName = 1,
    UserPassword = 2,
    NasIpAddress = 4,
    ServiceType = 6,
    FramedIpAddress = 8,
    NasIdentifier = 32,
    ProxyState = 33,
    AcctStatusType = 40,
    AcctDelayTime = 41,
    AcctSessionId = 44,
    AcctSessionTime = 46,
    EventTimestamp = 55,
    NasPortType = 61,
    MessageAuthenticator = 80,
    NasIpv6Address = 95,
    FramedIpv6Prefix = 97,
    DelegatedIpv6Prefix = 123,
    FramedIpv6Address = 168,
};

[[nodiscard]] inline std::unexpected<Error> bad(const std::string& what) {
    return fail(Errc::Invalid, what);
}
[[nodiscard]] inline std::uint32_t octet(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}
[[nodiscard]] inline std::uint32_t number32(std::string_view bytes) {
    return (octet(bytes, 0) << 24U) | (octet(bytes, 1) << 16U) | (octet(bytes, 2) << 8U) |
           octet(bytes, 3);
}
[[nodiscard]] inline std::size_t length_field(std::string_view packet) {
    return (octet(packet, 2) << 8U) | octet(packet, 3);
}
[[nodiscard]] inline std::string_view without_padding(std::string_view packet) {
    return packet.substr(0, length_field(packet));
}

[[nodiscard]] std::string md5(std::string_view bytes);
[[nodiscard]] std::string hmac_md5(std::string_view key, std::string_view bytes);
[[nodiscard]] bool same(std::string_view a, std::string_view b);  // in constant time
void append_attribute(std::string& out, std::uint8_t type, std::string_view value);
void set_length(std::string& packet);
// An empty packet of the kind: its length and authenticator are still to come.
[[nodiscard]] std::string packet_head(char code, std::uint8_t id);

// Calls `take(type, value, offset of the value)` for each attribute until it returns an error.
template <class Take>
[[nodiscard]] Status each_attribute(std::string_view packet, Take take) {
    std::size_t at = kHeaderSize;
    std::size_t count = 0;
    while (at < packet.size()) {
        const std::size_t size = at + 1 < packet.size() ? octet(packet, at + 1) : 0;
        if (size < 2 || at + size > packet.size() || ++count > kAttributesMax) {
            return bad("an attribute's length is wrong");
        }
        const auto type = static_cast<std::uint8_t>(octet(packet, at));
        if (const Status taken = take(type, packet.substr(at + 2, size - 2), at + 2); !taken) {
            return taken;
        }
        at += size;
    }
    return {};
}

}  // namespace sekisho::radius

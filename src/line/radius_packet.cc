#include "line/radius_packet.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "radius/codec.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::line {
namespace {

using namespace radius;

IpAddress address6(std::string_view bytes) {
    std::array<std::uint8_t, 16> out{};
    std::ranges::transform(bytes.substr(0, out.size()), out.begin(), [](char c) {
        return static_cast<std::uint8_t>(c);
    });
    return IpAddress::v6(out);
}

// RFC 3162 §2.3 and RFC 4818 §3: a reserved octet, the length, then as many octets of the prefix as
// the sender likes. Bits beyond the length have to be zero, but boxes are known that leave them
// set; they carry nothing, so they are cut off.
Result<Prefix> prefix6(std::string_view value) {
    if (value.size() < 2 || value.size() > 18 || octet(value, 1) > 128) {
        return bad("an IPv6 prefix has a wrong length");
    }
    const auto length = static_cast<int>(octet(value, 1));
    const std::string_view bytes = value.substr(2);
    if (bytes.size() * 8 < static_cast<std::size_t>(length)) {
        return bad("an IPv6 prefix is shorter than it says");
    }
    // The bits beyond go first: only then can it be told whether the rest is an IPv4-mapped
    // address.
    std::string padded{bytes};
    padded.resize(16, '\0');
    for (std::size_t bit = static_cast<std::size_t>(length); bit < 128; ++bit) {
        const auto kept = static_cast<unsigned>(~(0x80U >> (bit % 8)));
        padded[bit / 8] = static_cast<char>(octet(padded, bit / 8) & kept);
    }
    const IpAddress address = address6(padded);
    if (address.is_v4()) {
        return bad("an IPv6 prefix is IPv4-mapped");
    }
    return Prefix{address, length};
}

// The addresses that stand for "none" or "to be chosen" (RFC 2865 §5.8).
bool is_real_address4(std::uint32_t address) {
    return address != 0 && address < 0xfffffffeU;
}

Status take_address(AccountingRequest& out, std::uint8_t type, std::string_view value) {
    switch (type) {
        case NasIpAddress:
        case FramedIpAddress:
            if (value.size() != 4) {
                return bad("an IPv4 address doesn't have 4 octets");
            }
            if (type == NasIpAddress) {
                out.nas_address = IpAddress::v4(number32(value));
            } else if (is_real_address4(number32(value))) {
                out.prefixes.emplace_back(IpAddress::v4(number32(value)), 32);
            }
            return {};
        case NasIpv6Address:
        case FramedIpv6Address:
            if (value.size() != 16) {
                return bad("an IPv6 address doesn't have 16 octets");
            }
            if (type == FramedIpv6Address) {
                const IpAddress address = address6(value);
                if (address.is_v4()) {
                    return bad("an IPv6 address is IPv4-mapped");
                }
                out.prefixes.emplace_back(address, address.bits());
            } else if (!out.nas_address) {
                out.nas_address = address6(value);
            }
            return {};
        default: {
            const auto prefix = prefix6(value);
            if (!prefix) {
                return fail(prefix.error());
            }
            // A prefix of length 0 would hold everybody: nobody is accused by it.
            if (prefix->length() > 0) {
                out.prefixes.push_back(*prefix);
            }
            return {};
        }
    }
}

Status take_number(AccountingRequest& out, std::uint8_t type, std::string_view value) {
    if (value.size() != 4) {
        return bad("a number doesn't have 4 octets");
    }
    const std::uint32_t number = number32(value);
    switch (type) {
        case AcctStatusType:
            out.status = number;
            break;
        case AcctDelayTime:
            out.delay = std::chrono::seconds{number};
            break;
        case AcctSessionTime:
            out.session_time = std::chrono::seconds{number};
            break;
        default:
            out.event_time = Time{std::chrono::seconds{number}};
            break;
    }
    return {};
}

Status take_attribute(AccountingRequest& out, std::uint8_t type, std::string_view value) {
    switch (type) {
        case UserName:
            out.user_name = value;
            return {};
        case NasIdentifier:
            out.nas_identifier = value;
            return {};
        case AcctSessionId:
            out.session_id = value;
            return {};
        case ProxyState:
            out.proxy_states.emplace_back(value);
            return {};
        case AcctStatusType:
        case AcctDelayTime:
        case AcctSessionTime:
        case EventTimestamp:
            return take_number(out, type, value);
        case NasIpAddress:
        case FramedIpAddress:
        case NasIpv6Address:
        case FramedIpv6Address:
        case FramedIpv6Prefix:
        case DelegatedIpv6Prefix:
            return take_address(out, type, value);
        case MessageAuthenticator:
            if (value.size() != kDigestSize || out.has_message_authenticator) {
                return bad("Message-Authenticator has a wrong length or is there twice");
            }
            out.has_message_authenticator = true;
            return {};
        default:
            return {};  // RFC 2866 §5: what isn't known may be left aside
    }
}

}  // namespace

Result<AccountingRequest> parse_accounting(std::string_view packet) {
    if (packet.size() < kHeaderSize || packet.size() > kRadiusPacketMax) {
        return bad("a packet has 20 to 4096 octets");
    }
    if (packet[0] != kAccountingRequest) {
        return bad("the packet is not an Accounting-Request");
    }
    if (length_field(packet) < kHeaderSize || length_field(packet) > packet.size()) {
        return bad("the packet is not as long as it says");
    }
    packet = without_padding(packet);
    AccountingRequest out;
    out.id = static_cast<std::uint8_t>(octet(packet, 1));
    packet.copy(out.authenticator.data(), out.authenticator.size(), kAuthenticatorAt);
    const Status read =
        each_attribute(packet, [&](std::uint8_t type, std::string_view value, std::size_t /*at*/) {
            return take_attribute(out, type, value);
        });
    if (!read) {
        return fail(read.error());
    }
    if (out.status == 0) {
        return bad("Acct-Status-Type is missing");
    }
    return out;
}

void sign_response(std::string& packet, const AccountingRequest& request, std::string_view secret) {
    set_length(packet);
    packet.replace(
        kAuthenticatorAt, kDigestSize, request.authenticator.data(), request.authenticator.size()
    );
    packet.replace(kAuthenticatorAt, kDigestSize, md5(packet + std::string{secret}));
}

bool is_authentic(std::string_view packet, std::string_view secret) {
    packet = without_padding(packet);
    std::string bytes{packet};
    bytes.replace(kAuthenticatorAt, kDigestSize, kDigestSize, '\0');
    if (!same(md5(bytes + std::string{secret}), packet.substr(kAuthenticatorAt, kDigestSize))) {
        return false;
    }
    std::size_t tag_at = 0;
    const Status read = each_attribute(
        packet,
        [&](std::uint8_t type, std::string_view /*value*/, std::size_t at) -> Status {
            tag_at = type == MessageAuthenticator ? at : tag_at;
            return {};
        }
    );
    if (!read || tag_at == 0) {
        return read.has_value();
    }
    bytes.replace(tag_at, kDigestSize, kDigestSize, '\0');
    return same(hmac_md5(secret, bytes), packet.substr(tag_at, kDigestSize));
}

std::string accounting_response(const AccountingRequest& request, std::string_view secret) {
    std::string out = packet_head(kAccountingResponse, request.id);
    // They fit: the request that carried them did.
    for (const std::string& state : request.proxy_states) {
        append_attribute(out, ProxyState, state);
    }
    sign_response(out, request, secret);
    return out;
}

std::pair<std::string, std::string> split_realm(std::string_view user_name) {
    // RFC 7542 §2.2: the realm stands after the last '@'.
    const std::size_t at = user_name.rfind('@');
    if (at != std::string_view::npos) {
        return {std::string{user_name.substr(0, at)}, to_lower(user_name.substr(at + 1))};
    }
    const std::size_t back = user_name.find('\\');
    if (back != std::string_view::npos) {
        return {std::string{user_name.substr(back + 1)}, to_lower(user_name.substr(0, back))};
    }
    return {std::string{user_name}, std::string{}};
}

}  // namespace sekisho::line

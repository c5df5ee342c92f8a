#include "staff/totp.h"

#include "account/digest.h"
#include "base/assert.h"
#include "base/time.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::staff {
namespace {

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr unsigned kBitsASign = 5;

const EVP_MD* digest_of(TotpHash hash) {
    switch (hash) {
        case TotpHash::Sha1:
            return EVP_sha1();
        case TotpHash::Sha256:
            return EVP_sha256();
        case TotpHash::Sha512:
            break;
    }
    return EVP_sha512();
}

std::string escaped(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 0xfU];
        }
    }
    return out;
}

}  // namespace

std::string hotp(std::string_view key, std::uint64_t counter, int digits, TotpHash hash) {
    SEKISHO_ASSERT(digits >= 6 && digits <= 8);
    std::array<unsigned char, 8> message{};
    for (std::size_t i = message.size(); i-- > 0;) {
        message[i] = static_cast<unsigned char>(counter & 0xffU);
        counter >>= 8U;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    SEKISHO_ASSERT(
        HMAC(
            digest_of(hash),
            key.data(),
            static_cast<int>(key.size()),
            message.data(),
            message.size(),
            mac.data(),
            &size
        ) != nullptr
    );
    const std::size_t offset = mac[size - 1] & 0xfU;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8U | mac[offset + i];
    }
    value &= 0x7fffffffU;
    std::string out(static_cast<std::size_t>(digits), '0');
    for (std::size_t i = out.size(); i-- > 0;) {
        out[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
    return out;
}

std::int64_t totp_step(Time at) {
    return to_ms(at) / 1000 / kTotpStepSeconds;
}

std::optional<std::int64_t> check_totp(
    std::string_view key, std::string_view code, Time now, std::int64_t last_step
) {
    std::string digits;
    for (const char c : code) {
        if (c != ' ') {
            digits += c;
        }
    }
    const std::int64_t current = totp_step(now);
    std::optional<std::int64_t> found;
    for (std::int64_t step = current - 1; step <= current + 1; ++step) {
        const bool same =
            account::equal_in_constant_time(hotp(key, static_cast<std::uint64_t>(step)), digits);
        if (same && step > last_step && !found) {
            found = step;
        }
    }
    return key.empty() ? std::nullopt : found;
}

std::string base32(std::string_view bytes) {
    std::string out;
    unsigned held = 0;
    unsigned bits = 0;
    for (const char c : bytes) {
        held = (held << 8U | static_cast<unsigned char>(c)) & 0xfffU;
        bits += 8;
        while (bits >= kBitsASign) {
            bits -= kBitsASign;
            out += kBase32[held >> bits & 0x1fU];
        }
    }
    if (bits > 0) {
        out += kBase32[held << (kBitsASign - bits) & 0x1fU];
    }
    return out;
}

std::optional<std::string> unbase32(std::string_view text) {
    std::string out;
    unsigned held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        const std::size_t value = kBase32.find(upper);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        held = (held << kBitsASign | static_cast<unsigned>(value)) & 0xfffU;
        bits += kBitsASign;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>(held >> bits & 0xffU);
        }
    }
    // What is left over is less than a sign, and zero.
    if (bits >= kBitsASign || (held & ((1U << bits) - 1U)) != 0) {
        return std::nullopt;
    }
    return out;
}

std::string otpauth_uri(std::string_view issuer, std::string_view name, std::string_view key) {
    return "otpauth://totp/" + escaped(issuer) + ":" + escaped(name) + "?secret=" + base32(key) +
           "&issuer=" + escaped(issuer) + "&algorithm=SHA1&digits=6&period=30";
}

}  // namespace sekisho::staff

#include "base/bytes.h"

#include "base/assert.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <sys/random.h>
#include <vector>

namespace sekisho {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint8_t byte(char c) {
    return static_cast<std::uint8_t>(c);
}

int hex_value(char c) {
    const std::size_t at = kHexDigits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
        }
        table.at(i) = crc;
    }
    return table;
}

std::uint32_t crc32c_table(std::string_view bytes, std::uint32_t crc) {
    static constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
    for (const char c : bytes) {
        crc = kTable[(crc ^ byte(c)) & 0xffU] ^ (crc >> 8U);
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse(
    std::string_view bytes, std::uint32_t crc
) {
    std::uint64_t wide = crc;
    while (bytes.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), 8);
        wide = __builtin_ia32_crc32di(wide, word);
        bytes.remove_prefix(8);
    }
    crc = static_cast<std::uint32_t>(wide);
    for (const char c : bytes) {
        crc = __builtin_ia32_crc32qi(crc, byte(c));
    }
    return crc;
}
#endif

// The length of the UTF-8 sequence at `at`, or 0 when it is not well-formed (RFC 3629 §4).
std::size_t utf8_sequence(std::string_view bytes, std::size_t at) {
    const std::uint8_t first = byte(bytes[at]);
    if (first < 0x80) {
        return 1;
    }
    std::size_t length = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        low = first == 0xe0 ? 0xa0 : 0x80;
        high = first == 0xed ? 0x9f : 0xbf;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        low = first == 0xf0 ? 0x90 : 0x80;
        high = first == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (at + length > bytes.size() || byte(bytes[at + 1]) < low || byte(bytes[at + 1]) > high) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte(bytes[at + i]) & 0xc0U) != 0x80U) {
            return 0;
        }
    }
    return length;
}

}  // namespace

std::string hex(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        out.push_back(kHexDigits[byte(c) >> 4U]);
        out.push_back(kHexDigits[byte(c) & 0xfU]);
    }
    return out;
}

std::optional<std::string> unhex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(high * 16 + low));
    }
    return out;
}

std::string base64(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = static_cast<std::uint32_t>(byte(bytes[i])) << 16U;
        group |= have > 1 ? static_cast<std::uint32_t>(byte(bytes[i + 1])) << 8U : 0U;
        group |= have > 2 ? static_cast<std::uint32_t>(byte(bytes[i + 2])) : 0U;
        out.push_back(kBase64Alphabet[group >> 18U]);
        out.push_back(kBase64Alphabet[(group >> 12U) & 63U]);
        out.push_back(have > 1 ? kBase64Alphabet[(group >> 6U) & 63U] : '=');
        out.push_back(have > 2 ? kBase64Alphabet[group & 63U] : '=');
    }
    return out;
}

std::optional<std::string> unbase64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        std::size_t pad = 0;
        if (last && text[i + 3] == '=') {
            pad = text[i + 2] == '=' ? 2 : 1;
        }
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4 - pad; ++k) {
            const std::size_t value = kBase64Alphabet.find(text[i + k]);
            if (value == std::string_view::npos) {
                return std::nullopt;
            }
            group |= static_cast<std::uint32_t>(value) << (18U - 6U * k);
        }
        if ((pad == 1 && (group & 0xffU) != 0) || (pad == 2 && (group & 0xffffU) != 0)) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(group >> 16U));
        if (pad < 2) {
            out.push_back(static_cast<char>((group >> 8U) & 0xffU));
        }
        if (pad < 1) {
            out.push_back(static_cast<char>(group & 0xffU));
        }
    }
    return out;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2") != 0) {
        return ~crc32c_sse(bytes, ~seed);
    }
#endif
    return ~crc32c_table(bytes, ~seed);
}

std::string sha256(std::string_view bytes) {
    std::string digest(32, '\0');
    unsigned length = 0;
    SEKISHO_ASSERT(
        EVP_Digest(
            bytes.data(),
            bytes.size(),
            reinterpret_cast<unsigned char*>(digest.data()),
            &length,
            EVP_sha256(),
            nullptr
        ) == 1
    );
    return digest;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return out;
}

std::string to_upper(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    return out;
}

bool iequals(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               const auto fold = [](char c) {
                   return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
               };
               return fold(x) == fold(y);
           });
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    std::size_t from = 0;
    while (true) {
        const std::size_t at = text.find(separator, from);
        parts.push_back(text.substr(from, at - from));
        if (at == std::string_view::npos) {
            return parts;
        }
        from = at + 1;
    }
}

bool is_utf8(std::string_view bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t length = utf8_sequence(bytes, at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

std::string printable(std::string_view bytes, std::size_t max) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size() && out.size() < max;) {
        const std::size_t length = utf8_sequence(bytes, at);
        const std::uint8_t first = byte(bytes[at]);
        if (length == 0 || first < 0x20 || first == 0x7f || first == '\\') {
            out += first == '\\' ? std::string("\\\\") : "\\x" + hex(bytes.substr(at, 1));
            ++at;
            continue;
        }
        out += bytes.substr(at, length);
        at += length;
    }
    return out;
}

std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const ssize_t got = getrandom(out.data() + have, count - have, 0);
        SEKISHO_ASSERT(got > 0);
        have += static_cast<std::size_t>(got);
    }
    return out;
}

std::string random_token(int bits) {
    // 32 letters and digits that are not taken for one another when read aloud or typed.
    constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
    const std::string bytes = random_bytes(static_cast<std::size_t>((bits + 4) / 5));
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        out.push_back(kAlphabet[byte(c) % kAlphabet.size()]);
    }
    return out;
}

}  // namespace sekisho

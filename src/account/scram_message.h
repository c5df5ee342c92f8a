// The messages of SCRAM (RFC 5802 §7) as values. Parsing only: who may log in is decided in
// sasl_scram.cc.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::account {

inline constexpr std::size_t kScramNonceMax = 256;

enum class ScramBinding : std::uint8_t {
    None,       // "n": the client has no channel binding
    Untrusted,  // "y": it has, but thinks that the server has none
    Used,       // "p=name"
};

struct ScramFirst {
    ScramBinding binding = ScramBinding::None;
    std::string binding_name;  // only when Used
    std::string identity;      // authorization identity, decoded; may be empty
    std::string gs2_header;    // as sent, with both commas
    std::string bare;          // as sent, what follows the header
    std::string login;         // decoded
    std::string nonce;
};

struct ScramFinal {
    std::string binding;  // "c=", base64 decoded
    std::string nonce;
    std::string proof;          // base64 decoded
    std::string without_proof;  // as sent
};

struct ScramServerFirst {
    std::string nonce;
    std::string salt;  // base64 decoded
    std::uint32_t iterations = 0;
};

[[nodiscard]] Result<ScramFirst> parse_scram_first(std::string_view text);
[[nodiscard]] Result<ScramFinal> parse_scram_final(std::string_view text);
[[nodiscard]] Result<ScramServerFirst> parse_scram_server_first(std::string_view text);

// saslname: "=2C" and "=3D" stand for ',' and '='; nothing else may follow '=' (RFC 5802 §5.1).
[[nodiscard]] std::optional<std::string> decode_saslname(std::string_view text);

}  // namespace sekisho::account

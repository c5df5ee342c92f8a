// Bearer tokens as JSON Web Tokens (RFC 7519): signed (RFC 7515) with RS256, ES256 or EdDSA by a
// key of a set (RFC 7517, RFC 8037), for us, now. Pure: keys, rules and time are given.
//
// What the token says of its own algorithm counts only as far as the key agrees: "none", shared
// secrets and a key of another kind are refused (RFC 8725 §3.1).
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace sekisho::account {

inline constexpr std::size_t kTokenMax = 8192;
inline constexpr std::size_t kKeySetKeysMax = 64;

class KeySet {
  public:
    struct Key {
        std::string id;         // "kid", may be empty
        std::string algorithm;  // "RS256", "ES256", "EdDSA": by the kind of the key
        std::shared_ptr<evp_pkey_st> key;
    };
    // A JWK Set. Keys of other kinds and uses are passed over (RFC 7517 §5); Invalid when it is no
    // key set or nothing in it is of use here.
    [[nodiscard]] static Result<KeySet> parse(std::string_view json);

    [[nodiscard]] const std::vector<Key>& keys() const { return keys_; }
    [[nodiscard]] bool has(std::string_view id) const;

  private:
    std::vector<Key> keys_;
};

struct TokenRules {
    std::string issuer;                  // "iss" must be it
    std::vector<std::string> audiences;  // "aud" must name one of them
    std::string scope;                   // must be among "scope"; empty: any
    std::string claim = "email";         // names the account
    Duration skew{60'000};               // between the clocks
};

enum class TokenFault : std::uint8_t {
    Malformed,
    UnknownKey,  // by its "kid": the set may be out of date
    Signature,
    Issuer,
    Audience,
    Scope,
    Expired,
    NotYet,
    Account,  // the claim that names the account isn't there
};
[[nodiscard]] std::string_view name(TokenFault fault);  // "unknown-key", for logs

// Whose token it is.
struct TokenOwner {
    std::string account;  // as the claim has it
    Time expires{};
};
struct TokenRefusal {
    TokenFault fault = TokenFault::Malformed;
    std::string detail;  // for the log; nothing of the token's secret
};
[[nodiscard]] std::expected<TokenOwner, TokenRefusal> verify_token(
    std::string_view token, const KeySet& keys, const TokenRules& rules, Time now
);
// The "kid" of a token; empty: none, or no token.
[[nodiscard]] std::string token_key_id(std::string_view token);

// What an introspection endpoint answers (RFC 7662 §2.2), judged by the same rules. Issuer and
// audience are looked at when they are there: the endpoint is the issuer's own.
[[nodiscard]] std::expected<TokenOwner, TokenRefusal> judge_introspection(
    std::string_view json, const TokenRules& rules, Time now
);

}  // namespace sekisho::account

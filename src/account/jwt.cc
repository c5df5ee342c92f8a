#include "account/jwt.h"

#include "base/bytes.h"
#include "base/free_by.h"
#include "base/result.h"
#include "base/time.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

using Json = nlohmann::json;

constexpr int kRsaBitsMin = 2048;  // RFC 7518 §3.3
constexpr std::size_t kRsaBytesMax = 1024;
constexpr std::size_t kP256Bytes = 32;
constexpr std::size_t kEd25519Bytes = 32;
constexpr std::size_t kKeySetMax = 256UL * 1024;
// Beyond it a date is not one, and sums would overflow.
constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

using BigNumber = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;
using KeyPtr = std::shared_ptr<EVP_PKEY>;

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// RFC 7515 §2: base64url without padding.
std::optional<std::string> unbase64url(std::string_view text) {
    std::string plain(text);
    for (char& c : plain) {
        if (c == '+' || c == '/' || c == '=') {
            return std::nullopt;
        }
        c = c == '-' ? '+' : c;
        c = c == '_' ? '/' : c;
    }
    plain.append((4 - plain.size() % 4) % 4, '=');
    return unbase64(plain);
}

std::string text_of(const Json& object, const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string{};
}

std::optional<Json> object_of(std::string_view text) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded() || !json.is_object()) {
        return std::nullopt;
    }
    return json;
}

KeyPtr make_key(const char* type, OSSL_PARAM_BLD* builder) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* made = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
        ERR_clear_error();
        return nullptr;
    }
    return {made, EVP_PKEY_free};
}

// RFC 7518 §6.3
KeyPtr rsa_key(const Json& jwk) {
    const auto n = unbase64url(text_of(jwk, "n"));
    const auto e = unbase64url(text_of(jwk, "e"));
    if (!n || !e || n->size() > kRsaBytesMax || e->empty() || e->size() > sizeof(std::uint64_t)) {
        return nullptr;
    }
    const BigNumber modulus(BN_bin2bn(octets(*n), static_cast<int>(n->size()), nullptr));
    const BigNumber exponent(BN_bin2bn(octets(*e), static_cast<int>(e->size()), nullptr));
    if (!modulus || !exponent || BN_num_bits(modulus.get()) < kRsaBitsMin ||
        BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) == 1) {
        return nullptr;
    }
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        return nullptr;
    }
    return make_key("RSA", builder.get());
}

// RFC 7518 §6.2. A point that isn't on the curve makes no key.
KeyPtr p256_key(const Json& jwk) {
    const auto x = unbase64url(text_of(jwk, "x"));
    const auto y = unbase64url(text_of(jwk, "y"));
    if (!x || !y || x->size() != kP256Bytes || y->size() != kP256Bytes) {
        return nullptr;
    }
    const std::string point = "\x04" + *x + *y;
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(
            builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0
        ) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(
            builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()
        ) != 1) {
        return nullptr;
    }
    return make_key("EC", builder.get());
}

// RFC 8037 §2
KeyPtr ed25519_key(const Json& jwk) {
    const auto x = unbase64url(text_of(jwk, "x"));
    if (!x || x->size() != kEd25519Bytes) {
        return nullptr;
    }
    EVP_PKEY* key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(*x), x->size());
    ERR_clear_error();
    return key == nullptr ? nullptr : KeyPtr(key, EVP_PKEY_free);
}

// What the key is used with; empty: it is of no use here.
KeySet::Key key_of(const Json& jwk) {
    KeySet::Key out;
    const std::string type = text_of(jwk, "kty");
    const std::string curve = text_of(jwk, "crv");
    const std::string use = text_of(jwk, "use");
    if (!use.empty() && use != "sig") {
        return out;
    }
    if (type == "RSA") {
        out.algorithm = "RS256";
        out.key = rsa_key(jwk);
    } else if (type == "EC" && curve == "P-256") {
        out.algorithm = "ES256";
        out.key = p256_key(jwk);
    } else if (type == "OKP" && curve == "Ed25519") {
        out.algorithm = "EdDSA";
        out.key = ed25519_key(jwk);
    }
    const std::string algorithm = text_of(jwk, "alg");
    if (!algorithm.empty() && algorithm != out.algorithm) {
        out.key = nullptr;
    }
    out.id = text_of(jwk, "kid");
    return out;
}

// RFC 7518 §3.4: r and s, 32 octets each; OpenSSL wants them in DER.
std::optional<std::string> der_of(std::string_view raw) {
    if (raw.size() != 2 * kP256Bytes) {
        return std::nullopt;
    }
    const Signature signature(ECDSA_SIG_new());
    BigNumber r(BN_bin2bn(octets(raw), kP256Bytes, nullptr));
    BigNumber s(BN_bin2bn(octets(raw.substr(kP256Bytes)), kP256Bytes, nullptr));
    if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
        return std::nullopt;
    }
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &der);
    if (size <= 0) {
        return std::nullopt;
    }
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

bool signed_by(const KeySet::Key& key, std::string_view text, const std::string& raw) {
    std::string signature = raw;
    if (key.algorithm == "ES256") {
        auto der = der_of(raw);
        if (!der) {
            return false;
        }
        signature = std::move(*der);
    }
    const EVP_MD* digest = key.algorithm == "EdDSA" ? nullptr : EVP_sha256();
    const DigestContext context(EVP_MD_CTX_new());
    const bool good =
        context &&
        EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.key.get()) == 1 &&
        EVP_DigestVerify(
            context.get(), octets(signature), signature.size(), octets(text), text.size()
        ) == 1;
    ERR_clear_error();
    return good;
}

std::unexpected<TokenRefusal> refuse(TokenFault fault, std::string detail) {
    return std::unexpected(TokenRefusal{fault, std::move(detail)});
}

// A NumericDate (RFC 7519 §2): seconds, maybe with a fraction. nullopt: not there.
std::expected<std::optional<Time>, TokenRefusal> date_of(const Json& claims, const char* name) {
    const auto at = claims.find(name);
    if (at == claims.end()) {
        return std::optional<Time>{};
    }
    const bool plain = at->is_number() && at->get<double>() >= 0 &&
                       at->get<double>() <= static_cast<double>(kSecondsMax);
    if (!plain) {
        return refuse(TokenFault::Malformed, std::string("the claim ") + name + " is no date");
    }
    return std::optional(from_ms(static_cast<std::int64_t>(at->get<double>()) * 1000));
}

bool named(const Json& value, const std::vector<std::string>& wanted) {
    const auto is_wanted = [&wanted](const Json& one) {
        return one.is_string() && std::ranges::find(wanted, one.get<std::string>()) != wanted.end();
    };
    return value.is_array() ? std::ranges::any_of(value, is_wanted) : is_wanted(value);
}

bool has_scope(const Json& claims, const std::string& wanted) {
    // RFC 8693 §4.2: words with spaces between; some issuers give a list under "scp".
    for (const char* name : {"scope", "scp"}) {
        const auto at = claims.find(name);
        if (at == claims.end()) {
            continue;
        }
        if (named(*at, {wanted})) {
            return true;
        }
        const std::string text = at->is_string() ? at->get<std::string>() : std::string{};
        const auto words = split(text, ' ');
        if (std::ranges::find(words, wanted) != words.end()) {
            return true;
        }
    }
    return false;
}

std::expected<TokenOwner, TokenRefusal> judge_dates(
    const Json& claims, const TokenRules& rules, Time now, bool expiry_needed
) {
    const auto expires = date_of(claims, "exp");
    const auto begins = date_of(claims, "nbf");
    if (!expires || !begins) {
        return std::unexpected(expires ? begins.error() : expires.error());
    }
    if (!*expires && expiry_needed) {
        return refuse(TokenFault::Malformed, "the token has no end (exp)");
    }
    if (*expires && now >= **expires + rules.skew) {
        return refuse(TokenFault::Expired, "it ended at " + rfc3339(**expires));
    }
    if (*begins && now + rules.skew < **begins) {
        return refuse(TokenFault::NotYet, "it begins at " + rfc3339(**begins));
    }
    return TokenOwner{.account = {}, .expires = expires->value_or(Time{})};
}

std::expected<TokenOwner, TokenRefusal> owner_of(
    const Json& claims, const TokenRules& rules, TokenOwner owner
) {
    if (!rules.scope.empty() && !has_scope(claims, rules.scope)) {
        return refuse(TokenFault::Scope, "it is not for the scope " + rules.scope);
    }
    owner.account = text_of(claims, rules.claim.c_str());
    if (owner.account.empty()) {
        return refuse(TokenFault::Account, "it has no claim " + rules.claim);
    }
    return owner;
}

struct Parts {
    std::string_view signed_text;
    Json header;
    std::string payload, signature;
};

// RFC 7515 §7.1: header "." payload "." signature
std::optional<Parts> parts_of(std::string_view token) {
    const auto words = split(token, '.');
    if (token.size() > kTokenMax || words.size() != 3) {
        return std::nullopt;
    }
    const auto header = unbase64url(words[0]);
    auto payload = unbase64url(words[1]);
    auto signature = unbase64url(words[2]);
    auto read = header ? object_of(*header) : std::nullopt;
    if (!read || !payload || !signature) {
        return std::nullopt;
    }
    return Parts{
        token.substr(0, words[0].size() + 1 + words[1].size()),
        std::move(*read),
        std::move(*payload),
        std::move(*signature)
    };
}

std::optional<TokenRefusal> check_signature(const Parts& parts, const KeySet& keys) {
    const std::string algorithm = text_of(parts.header, "alg");
    const std::string id = text_of(parts.header, "kid");
    if (parts.header.contains("crit")) {
        // RFC 7515 §4.1.11: we understand no extension.
        return TokenRefusal{TokenFault::Malformed, "it has critical extensions"};
    }
    bool tried = false;
    for (const KeySet::Key& key : keys.keys()) {
        if (key.algorithm != algorithm || (!id.empty() && key.id != id)) {
            continue;
        }
        tried = true;
        if (signed_by(key, parts.signed_text, parts.signature)) {
            return std::nullopt;
        }
    }
    if (tried) {
        return TokenRefusal{TokenFault::Signature, "its signature is wrong"};
    }
    return TokenRefusal{
        TokenFault::UnknownKey,
        "no key for algorithm " + printable(algorithm, 20) + ", key id " + printable(id, 60)
    };
}

}  // namespace

std::string_view name(TokenFault fault) {
    switch (fault) {
        case TokenFault::Malformed:
            return "malformed";
        case TokenFault::UnknownKey:
            return "unknown-key";
        case TokenFault::Signature:
            return "signature";
        case TokenFault::Issuer:
            return "issuer";
        case TokenFault::Audience:
            return "audience";
        case TokenFault::Scope:
            return "scope";
        case TokenFault::Expired:
            return "expired";
        case TokenFault::NotYet:
            return "not-yet";
        case TokenFault::Account:
            return "account";
    }
    return "unknown";
}

Result<KeySet> KeySet::parse(std::string_view json) {
    const auto read = json.size() <= kKeySetMax ? object_of(json) : std::nullopt;
    const auto list = read ? read->find("keys") : Json::const_iterator{};
    if (!read || list == read->end() || !list->is_array()) {
        return fail(Errc::Invalid, "not a JSON Web Key Set (RFC 7517 §5)");
    }
    KeySet out;
    for (const Json& jwk : *list) {
        if (jwk.is_object() && out.keys_.size() < kKeySetKeysMax) {
            if (Key key = key_of(jwk); key.key) {
                out.keys_.push_back(std::move(key));
            }
        }
    }
    if (out.keys_.empty()) {
        return fail(Errc::Invalid, "the key set has no key for RS256, ES256 or EdDSA");
    }
    return out;
}

bool KeySet::has(std::string_view id) const {
    return std::ranges::any_of(keys_, [id](const Key& key) { return key.id == id; });
}

std::string token_key_id(std::string_view token) {
    const auto parts = parts_of(token);
    return parts ? text_of(parts->header, "kid") : std::string{};
}

std::expected<TokenOwner, TokenRefusal> verify_token(
    std::string_view token, const KeySet& keys, const TokenRules& rules, Time now
) {
    const auto parts = parts_of(token);
    if (!parts) {
        return refuse(TokenFault::Malformed, "not a signed JSON Web Token");
    }
    if (auto wrong = check_signature(*parts, keys)) {
        return std::unexpected(std::move(*wrong));
    }
    const auto claims = object_of(parts->payload);
    if (!claims) {
        return refuse(TokenFault::Malformed, "its claims are not a JSON object");
    }
    if (text_of(*claims, "iss") != rules.issuer) {
        return refuse(TokenFault::Issuer, "it is of " + printable(text_of(*claims, "iss"), 100));
    }
    const auto audience = claims->find("aud");
    if (audience == claims->end() || !named(*audience, rules.audiences)) {
        return refuse(TokenFault::Audience, "it is for others (aud)");
    }
    auto owner = judge_dates(*claims, rules, now, true);
    return owner ? owner_of(*claims, rules, std::move(*owner)) : owner;
}

std::expected<TokenOwner, TokenRefusal> judge_introspection(
    std::string_view json, const TokenRules& rules, Time now
) {
    const auto claims = object_of(json);
    if (!claims) {
        return refuse(TokenFault::Malformed, "the introspection's answer is not a JSON object");
    }
    const auto active = claims->find("active");
    if (active == claims->end() || !active->is_boolean() || !active->get<bool>()) {
        return refuse(TokenFault::Expired, "it is not active");
    }
    const auto issuer = claims->find("iss");
    if (issuer != claims->end() && !rules.issuer.empty() && *issuer != rules.issuer) {
        return refuse(TokenFault::Issuer, "it is of another issuer");
    }
    const auto audience = claims->find("aud");
    if (audience != claims->end() && !rules.audiences.empty() &&
        !named(*audience, rules.audiences)) {
        return refuse(TokenFault::Audience, "it is for others (aud)");
    }
    auto owner = judge_dates(*claims, rules, now, false);
    return owner ? owner_of(*claims, rules, std::move(*owner)) : owner;
}

}  // namespace sekisho::account

// An issuer of tokens, for tests: signs as one does, and publishes its key as one does.
#pragma once

#include "base/bytes.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <cstddef>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::account::test {

using Json = nlohmann::json;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

inline std::string base64url(std::string_view bytes) {
    std::string out = base64(bytes);
    for (char& c : out) {
        c = c == '+' ? '-' : c;
        c = c == '/' ? '_' : c;
    }
    return out.substr(0, out.find('='));
}

inline std::string number(EVP_PKEY* key, const char* name, std::size_t size = 0) {
    BIGNUM* value = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key, name, &value), 1);
    std::string out(size == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : size, '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(value);
    return base64url(out);
}

// A key of an issuer's, as it signs and as it is published.
struct Issuer {
    std::string algorithm;
    KeyPtr key{nullptr, EVP_PKEY_free};

    explicit Issuer(std::string name) : algorithm(std::move(name)) {
        if (algorithm == "RS256") {
            key.reset(EVP_RSA_gen(2048));
        } else if (algorithm == "ES256") {
            key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
        } else {
            key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
        }
    }
    [[nodiscard]] Json jwk(const std::string& id) const {
        Json out{{"kid", id}, {"use", "sig"}};
        if (algorithm == "RS256") {
            out.update(
                {{"kty", "RSA"}, {"n", number(key.get(), OSSL_PKEY_PARAM_RSA_N)}, {"e", "AQAB"}}
            );
        } else if (algorithm == "ES256") {
            out.update(
                {{"kty", "EC"},
                 {"crv", "P-256"},
                 {"x", number(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)},
                 {"y", number(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)}}
            );
        } else {
            std::array<unsigned char, 32> raw{};
            std::size_t size = raw.size();
            EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size);
            out.update(
                {{"kty", "OKP"},
                 {"crv", "Ed25519"},
                 {"x", base64url({reinterpret_cast<const char*>(raw.data()), size})}}
            );
        }
        return out;
    }
    [[nodiscard]] std::string sign(const Json& header, const Json& claims) const {
        const std::string text = base64url(header.dump()) + "." + base64url(claims.dump());
        const EVP_MD* digest = algorithm == "EdDSA" ? nullptr : EVP_sha256();
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        std::string signature(1024, '\0');
        std::size_t size = signature.size();
        EXPECT_EQ(EVP_DigestSignInit(context, nullptr, digest, nullptr, key.get()), 1);
        EXPECT_EQ(
            EVP_DigestSign(
                context,
                reinterpret_cast<unsigned char*>(signature.data()),
                &size,
                reinterpret_cast<const unsigned char*>(text.data()),
                text.size()
            ),
            1
        );
        EVP_MD_CTX_free(context);
        signature.resize(size);
        return text + "." + base64url(algorithm == "ES256" ? raw_of(signature) : signature);
    }
    static std::string raw_of(const std::string& der) {
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
        std::array<unsigned char, 64> raw{};
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw.data(), 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw.data() + 32, 32);
        ECDSA_SIG_free(signature);
        return {reinterpret_cast<const char*>(raw.data()), raw.size()};
    }
    [[nodiscard]] std::string token(const Json& claims) const {
        return sign({{"alg", algorithm}, {"kid", "k"}, {"typ", "JWT"}}, claims);
    }
};

}  // namespace sekisho::account::test

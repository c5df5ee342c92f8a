#include "dkim/key.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/free_by.h"
#include "base/result.h"
#include "dkim/signature.h"
#include "dkim/tags.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::dkim {
namespace {

constexpr std::size_t kEd25519Size = 32;
constexpr int kRsaBitsMin = 1024;  // RFC 8301 §3.2
constexpr int kRsaBitsMax = 8192;  // more costs us without proving more

using BioPtr = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

KeyPtr own(EVP_PKEY* key) {
    return {key, EVP_PKEY_free};
}

// p= of RSA is a SubjectPublicKeyInfo in the world's records and an RSAPublicKey in the RFC's text
// (RFC 6376 §3.6.1, erratum 3017); both are read.
KeyPtr rsa_public(std::string_view der) {
    const unsigned char* at = bytes(der);
    const long size = static_cast<long>(der.size());
    KeyPtr key = own(d2i_PUBKEY(nullptr, &at, size));
    if (!key) {
        at = bytes(der);
        key = own(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
    }
    if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
        key.reset();
    }
    return key;
}

Result<KeyPtr> public_key(Algorithm algorithm, std::string_view octets) {
    ERR_clear_error();
    KeyPtr key;
    if (algorithm == Algorithm::RsaSha256) {
        key = rsa_public(octets);
        if (key) {
            const int bits = EVP_PKEY_get_bits(key.get());
            if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
                return fail(
                    Errc::Invalid, "the key has " + std::to_string(bits) + " bits (RFC 8301)"
                );
            }
        }
    } else if (octets.size() == kEd25519Size) {
        key =
            own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(octets), octets.size())
            );
    }
    ERR_clear_error();
    if (!key) {
        return fail(Errc::Invalid, "the key is malformed");
    }
    return key;
}

std::string content(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string public_octets(Algorithm algorithm, EVP_PKEY* key) {
    if (algorithm == Algorithm::Ed25519Sha256) {
        std::string out(kEd25519Size, '\0');
        std::size_t size = out.size();
        SEKISHO_ASSERT(
            EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(out.data()), &size) ==
            1
        );
        return out;
    }
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    SEKISHO_ASSERT(size > 0);
    std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return out;
}

bool has(const std::vector<std::string>& list, std::string_view one) {
    return std::find(list.begin(), list.end(), one) != list.end();
}

}  // namespace

Result<KeyRecord> parse_key_record(std::string_view txt) {
    const auto tags = TagList::parse(txt);
    if (!tags) {
        return fail(Errc::Invalid, "the key record is no tag list");
    }
    // v= is optional, but must be the first and DKIM1 when it is there.
    if (const Tag* v = tags->find("v")) {
        if (v != tags->tags().data() || v->value != "DKIM1") {
            return fail(Errc::Invalid, "the key record is of another version");
        }
    }
    const Tag* p = tags->find("p");
    if (p == nullptr) {
        return fail(Errc::Invalid, "the key record has no p=");
    }
    const auto key = unbase64(without_spaces(p->value));
    if (!key) {
        return fail(Errc::Invalid, "the key record's p= is no base64");
    }
    KeyRecord out;
    out.key = *key;
    if (const Tag* k = tags->find("k")) {
        out.type = std::string(k->value);
    }
    if (const Tag* h = tags->find("h")) {
        out.hashes = colon_list(h->value);
    }
    if (const Tag* s = tags->find("s")) {
        const auto services = colon_list(s->value);
        out.for_mail = has(services, "*") || has(services, "email");
    }
    if (const Tag* t = tags->find("t")) {
        const auto flags = colon_list(t->value);
        out.testing = has(flags, "y");
        out.strict = has(flags, "s");
    }
    return out;
}

Result<bool> check_signature(
    Algorithm algorithm,
    const KeyRecord& record,
    std::string_view octets,
    std::string_view signature
) {
    if (record.type != key_type(algorithm)) {
        return fail(Errc::Invalid, "the key is of another type than the signature");
    }
    if (!record.hashes.empty() && !has(record.hashes, "sha256")) {
        return fail(Errc::Invalid, "the key isn't for sha256");
    }
    const auto key = public_key(algorithm, record.key);
    if (!key) {
        return fail(key.error());
    }
    const DigestPtr context(EVP_MD_CTX_new());
    // RFC 8463 §3: PureEdDSA over the SHA-256 of what rsa-sha256 would sign.
    const bool rsa = algorithm == Algorithm::RsaSha256;
    const std::string hashed = rsa ? std::string() : sha256(octets);
    const std::string_view input = rsa ? octets : std::string_view(hashed);
    const bool ready =
        context && EVP_DigestVerifyInit(
                       context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr, key->get()
                   ) == 1;
    const bool good =
        ready && EVP_DigestVerify(
                     context.get(), bytes(signature), signature.size(), bytes(input), input.size()
                 ) == 1;
    ERR_clear_error();  // a signature that doesn't fit leaves its reasons there
    return good;
}

Result<PrivateKey> PrivateKey::make(Algorithm algorithm) {
    ERR_clear_error();
    EVP_PKEY* key =
        algorithm == Algorithm::RsaSha256
            ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(kRsaBits))
            : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    if (key == nullptr) {
        return fail(Errc::Unavailable, "OpenSSL can't make a key");
    }
    return PrivateKey(algorithm, own(key));
}

Result<PrivateKey> PrivateKey::parse(std::string_view pem) {
    ERR_clear_error();
    const BioPtr bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), INT_MAX)))
    );
    // The empty password keeps OpenSSL from asking for one on the terminal.
    static char no_password[] = "";
    KeyPtr key =
        own(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_password) : nullptr);
    ERR_clear_error();
    if (!key) {
        return fail(Errc::Invalid, "not a private key in PEM");
    }
    switch (EVP_PKEY_get_base_id(key.get())) {
        case EVP_PKEY_ED25519:
            return PrivateKey(Algorithm::Ed25519Sha256, std::move(key));
        case EVP_PKEY_RSA:
            if (EVP_PKEY_get_bits(key.get()) < kRsaBitsMin) {
                return fail(Errc::Invalid, "an RSA key needs 1024 bits at least (RFC 8301)");
            }
            return PrivateKey(Algorithm::RsaSha256, std::move(key));
        default:
            return fail(Errc::Invalid, "neither an RSA nor an Ed25519 key");
    }
}

std::string PrivateKey::pem() const {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    SEKISHO_ASSERT(
        bio && PEM_write_bio_PKCS8PrivateKey(
                   bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr
               ) == 1
    );
    return content(bio.get());
}

std::string PrivateKey::record() const {
    return "v=DKIM1; k=" + std::string(key_type(algorithm_)) +
           "; p=" + base64(public_octets(algorithm_, key_.get()));
}

Result<std::string> PrivateKey::sign(std::string_view octets) const {
    ERR_clear_error();
    const bool rsa = algorithm_ == Algorithm::RsaSha256;
    const std::string hashed = rsa ? std::string() : sha256(octets);
    const std::string_view input = rsa ? octets : std::string_view(hashed);
    const DigestPtr context(EVP_MD_CTX_new());
    std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    std::size_t size = out.size();
    if (!context ||
        EVP_DigestSignInit(
            context.get(), nullptr, rsa ? EVP_sha256() : nullptr, nullptr, key_.get()
        ) != 1 ||
        EVP_DigestSign(
            context.get(),
            reinterpret_cast<unsigned char*>(out.data()),
            &size,
            bytes(input),
            input.size()
        ) != 1) {
        ERR_clear_error();
        return fail(Errc::Unavailable, "OpenSSL can't sign");
    }
    out.resize(size);
    return out;
}

}  // namespace sekisho::dkim

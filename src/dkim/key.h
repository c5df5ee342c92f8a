// Key records (RFC 6376 §3.6.1, RFC 8463 §4) and the keys themselves. OpenSSL's EVP does the
// arithmetic. Pure but for PrivateKey::make().
#pragma once

#include "base/result.h"
#include "dkim/signature.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

namespace sekisho::dkim {

struct KeyRecord {
    std::string type = "rsa";         // k=
    std::vector<std::string> hashes;  // h=; empty: all
    bool for_mail = true;             // s= has "*" or "email"
    bool testing = false;             // t=y: treat as if it weren't signed, but tell
    bool strict = false;              // t=s: i= has the very domain of d=
    std::string key;                  // p=, octets; empty: revoked
};
// Invalid: not a key record, or one without p=. The text is a reason to tell.
[[nodiscard]] Result<KeyRecord> parse_key_record(std::string_view txt);

using KeyPtr = std::shared_ptr<evp_pkey_st>;

// Whether `signature` is the key's over `octets`. Invalid: the key can't be used (wrong type,
// malformed, RSA below 1024 or above 8192 bits: RFC 8301 §3.2).
[[nodiscard]] Result<bool> check_signature(
    Algorithm algorithm,
    const KeyRecord& record,
    std::string_view octets,
    std::string_view signature
);

class PrivateKey {
  public:
    static constexpr int kRsaBits = 2048;  // what one DNS answer still holds (RFC 8301 §3.2)

    // A new one, from OpenSSL's random device.
    [[nodiscard]] static Result<PrivateKey> make(Algorithm algorithm);
    // PEM (PKCS #8, or PKCS #1 for RSA). RSA of less than 1024 bits is refused.
    [[nodiscard]] static Result<PrivateKey> parse(std::string_view pem);

    [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
    [[nodiscard]] std::string pem() const;  // PKCS #8
    // "v=DKIM1; k=rsa; p=..."
    [[nodiscard]] std::string record() const;
    // May be called by several threads at once.
    [[nodiscard]] Result<std::string> sign(std::string_view octets) const;

  private:
    PrivateKey(Algorithm algorithm, KeyPtr key) : algorithm_(algorithm), key_(std::move(key)) {}
    Algorithm algorithm_;
    KeyPtr key_;
};

}  // namespace sekisho::dkim

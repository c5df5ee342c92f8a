#include "account/password.h"

#include "account/account.h"
#include "account/app_password.h"
#include "account/digest.h"
#include "account/old_hash.h"
#include "account/sasl.h"
#include "account/saslprep.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sodium.h>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::account {
namespace {

constexpr std::size_t kSaltSize = 16;
constexpr std::uint32_t kScramIterationsMin = 4096;  // RFC 7677 §4

void ready() {
    // Thread-safe, and cheap when done already.
    SEKISHO_ASSERT(sodium_init() >= 0);
}

// libsodium reads the encoded hash up to its terminating NUL.
using Encoded = std::array<char, crypto_pwhash_STRBYTES>;

bool encode(std::string_view text, Encoded& out) {
    out.fill('\0');
    if (text.empty() || text.size() >= out.size() || text.find('\0') != std::string_view::npos) {
        return false;
    }
    text.copy(out.data(), text.size());
    return true;
}

Status check_options(const HashOptions& options) {
    if (options.scram_iterations < kScramIterationsMin) {
        return fail(Errc::Invalid, "SCRAM needs at least 4096 iterations");
    }
    if (options.passes < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
        options.memory < crypto_pwhash_argon2id_MEMLIMIT_MIN) {
        return fail(Errc::Invalid, "argon2id needs at least one pass and 8 KiB");
    }
    return {};
}

Result<std::string> prepare(std::string_view password) {
    if (password.size() > kSaslPasswordMax) {
        return fail(
            Errc::Invalid,
            "the password is longer than " + std::to_string(kSaslPasswordMax) + " bytes"
        );
    }
    auto prepared = saslprep(password);
    if (!prepared) {
        return fail(Errc::Invalid, "password: " + prepared.error().message);
    }
    if (prepared->size() < kPasswordMin) {
        wipe(*prepared);
        return fail(
            Errc::Invalid, "the password is shorter than " + std::to_string(kPasswordMin) + " bytes"
        );
    }
    return prepared;
}

std::string generate_groups(std::size_t groups) {
    // 32 signs, so that five random bits choose one without a bias. No 0 o 1 l.
    static constexpr std::string_view kSigns = "abcdefghijkmnpqrstuvwxyz23456789";
    static_assert(kSigns.size() == 32);
    const std::string random = random_bytes(groups * 4);
    std::string out;
    for (std::size_t i = 0; i < random.size(); ++i) {
        if (i != 0 && i % 4 == 0) {
            out.push_back('-');
        }
        out.push_back(kSigns[static_cast<std::uint8_t>(random[i]) % kSigns.size()]);
    }
    return out;
}

}  // namespace

bool has_keys(const ScramKeys& keys) {
    return !keys.salt.empty() && keys.iterations > 0 && keys.stored_key.size() == kSha256Size &&
           keys.server_key.size() == kSha256Size;
}

std::optional<ScramSetting> scram_setting_of(const Account& account) {
    for (const AppPassword& one : account.app_passwords) {
        if (has_keys(one.credential.scram)) {
            return ScramSetting{one.credential.scram.salt, one.credential.scram.iterations};
        }
    }
    return std::nullopt;
}

Result<std::string> hash_password(std::string_view prepared, const HashOptions& options) {
    ready();
    Encoded out{};
    if (crypto_pwhash_str_alg(
            out.data(),
            prepared.data(),
            prepared.size(),
            options.passes,
            options.memory,
            crypto_pwhash_ALG_ARGON2ID13
        ) != 0) {
        return fail(
            Errc::Unavailable,
            "no memory for the password hash (" + std::to_string(options.memory / 1024) + " KiB)"
        );
    }
    return std::string{out.data()};
}

ScramKeys derive_scram_keys(
    std::string_view prepared, std::string_view salt, std::uint32_t iterations
) {
    std::string salted = pbkdf2_sha256(prepared, salt, iterations);
    std::string client_key = hmac_sha256(salted, "Client Key");
    ScramKeys keys;
    keys.salt = salt;
    keys.iterations = iterations;
    keys.stored_key = sha256(client_key);
    keys.server_key = hmac_sha256(salted, "Server Key");
    wipe(salted);
    wipe(client_key);
    return keys;
}

Result<Credential> renew_credential(
    std::string_view prepared, const HashOptions& options, const std::optional<ScramSetting>& scram
) {
    if (const Status sound = check_options(options); !sound) {
        return fail(sound.error());
    }
    auto hash = hash_password(prepared, options);
    if (!hash) {
        return fail(hash.error());
    }
    Credential out;
    out.hash = std::move(*hash);
    out.scram = derive_scram_keys(
        prepared,
        scram ? scram->salt : random_bytes(kSaltSize),
        scram ? scram->iterations : options.scram_iterations
    );
    return out;
}

Status check_password(std::string_view password) {
    auto prepared = prepare(password);
    if (!prepared) {
        return fail(prepared.error());
    }
    wipe(*prepared);
    return {};
}

Result<Credential> make_credential(
    std::string_view password, const HashOptions& options, const std::optional<ScramSetting>& scram
) {
    auto prepared = prepare(password);
    if (!prepared) {
        return fail(prepared.error());
    }
    auto out = renew_credential(*prepared, options, scram);
    wipe(*prepared);
    return out;
}

bool verify_password(std::string_view hash, std::string_view prepared) {
    ready();
    if (is_old_hash(hash)) {
        return verify_old_hash(hash, prepared);
    }
    Encoded encoded{};
    return encode(hash, encoded) &&
           crypto_pwhash_str_verify(encoded.data(), prepared.data(), prepared.size()) == 0;
}

bool is_outdated(const Credential& credential, const HashOptions& options) {
    ready();
    Encoded encoded{};
    return !has_keys(credential.scram) || !encode(credential.hash, encoded) ||
           crypto_pwhash_str_needs_rehash(encoded.data(), options.passes, options.memory) != 0;
}

Result<std::string> make_dummy_hash(const HashOptions& options) {
    std::string nobody = random_bytes(32);
    auto hash = hash_password(nobody, options);
    wipe(nobody);
    return hash;
}

std::string generate_password() {
    return generate_groups(4);
}

std::string generate_app_password() {
    return generate_groups(5);
}

std::string fresh_app_password(const Account& of) {
    while (true) {
        std::string text = generate_app_password();
        const std::string_view selector = selector_of(text);
        if (std::ranges::none_of(of.app_passwords, [&](const AppPassword& one) {
                return one.selector == selector;
            })) {
            return text;
        }
    }
}

std::optional<ScramSetting> app_password_setting(const Account& of) {
    const ScramKeys& own = of.credential.scram;
    return has_keys(own) ? ScramSetting{own.salt, own.iterations} : scram_setting_of(of);
}

}  // namespace sekisho::account

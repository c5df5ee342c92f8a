// Password hashes that other systems made, as operators bring them along: Dovecot's {SCHEME} forms,
// passlib's, crypt(3)'s. They are kept as they are and checked until their owner has logged in
// once; then the password is known and Credential's own forms take their place.
//
// Sources: Dovecot's "password schemes", passlib's ldap_* and pbkdf2_* hashes, crypt(5).
#pragma once

#include "account/account.h"
#include "base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::account {

inline constexpr std::size_t kOldHashMax = 1024;  // bytes of one written hash

// What a password field of another system holds.
struct WrittenPassword {
    // Either a hash in the form that is kept: "$argon2id$...", or "{SCHEME}" and its value.
    std::string hash;
    // or the password itself ({PLAIN}): hash it before it is kept, and wipe it.
    std::string plaintext;
};

// Reads such a field. `default_scheme` ("PLAIN", "SHA256-CRYPT", ...) is for values that name none;
// empty: they are refused, for a hash that is taken for a password locks its owner out. Invalid
// with the reason: a scheme that isn't known or too weak to bring along, a value of the wrong
// length, more rounds than a login may cost. The message never holds the value.
[[nodiscard]] Result<WrittenPassword> parse_written_password(
    std::string_view text, std::string_view default_scheme
);

// Whether `hash` is one of the forms above other than argon2id's.
[[nodiscard]] bool is_old_hash(std::string_view hash);

// False too for what parse_written_password() refuses. Takes as long as its maker chose: on a
// worker.
[[nodiscard]] bool verify_old_hash(std::string_view hash, std::string_view password);

// {SCRAM-SHA-256} holds what ScramKeys do; nullopt for every other scheme.
[[nodiscard]] std::optional<ScramKeys> scram_keys_of(std::string_view hash);

}  // namespace sekisho::account

// Passwords: the slow hash (argon2id, RFC 9106, by libsodium) and the keys of SCRAM-SHA-256, made
// and checked. All of it takes tens of milliseconds on purpose: run it on a worker, never on an
// event loop. Draws its salts from the system, so it belongs to shells.
#pragma once

#include "account/account.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::account {

// The defaults are those of RFC 9106's smaller neighbours in practice: 19 MiB, two passes, one
// lane; about 20 ms. A login storm is held off by CredentialCache, not by a weaker hash.
struct HashOptions {
    std::uint32_t passes = 2;
    std::size_t memory = std::size_t{19} * 1024 * 1024;  // bytes; 8 KiB at least
    std::uint32_t scram_iterations = 15000;              // RFC 7677 §4: 4096 at least
};
// As little work as libsodium allows, for tests.
inline constexpr HashOptions kTestHash{
    .passes = 1, .memory = std::size_t{8} * 1024, .scram_iterations = 4096
};

inline constexpr std::size_t kPasswordMin = 8;

// Prepares the password (saslprep.h), then makes both forms. Invalid when it is shorter than
// kPasswordMin, longer than sasl.h takes, or holds what must not be in a password.
[[nodiscard]] Result<Credential> make_credential(
    std::string_view password, const HashOptions& options
);
[[nodiscard]] Result<std::string> hash_password(
    std::string_view prepared, const HashOptions& options
);
// SCRAM's keys for a prepared password (RFC 5802 §3). Pure.
[[nodiscard]] ScramKeys derive_scram_keys(
    std::string_view prepared, std::string_view salt, std::uint32_t iterations
);
// False too when `argon2id` is not a hash of that form. `prepared` as SaslNeedVerify has it.
[[nodiscard]] bool verify_password(std::string_view argon2id, std::string_view prepared);
// Whether the hash was made with other options than these, so that it may be made anew after a
// login.
[[nodiscard]] bool is_outdated(std::string_view argon2id, const HashOptions& options);

// A hash that costs as much as any other and that no password opens: for SaslSettings.
[[nodiscard]] Result<std::string> make_dummy_hash(const HashOptions& options);

// 80 bits in four groups of letters and digits that are not mistaken for another: "k7mf-2wqp-...".
[[nodiscard]] std::string generate_password();

}  // namespace sekisho::account

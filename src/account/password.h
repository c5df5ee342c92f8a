// Passwords: the slow hash (argon2id, RFC 9106, by libsodium) and the keys of SCRAM-SHA-256, made
// and checked. All of it takes tens of milliseconds on purpose: run it on a worker, never on an
// event loop. Draws its salts from the system, so it belongs to shells.
#pragma once

#include "account/account.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
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

struct ScramSetting {
    std::string salt;
    std::uint32_t iterations = 0;
};
[[nodiscard]] bool has_keys(const ScramKeys& keys);
// What all keys of this account must be made with, because its app passwords are; nullopt: any.
[[nodiscard]] std::optional<ScramSetting> scram_setting_of(const Account& account);

// Whether make_credential() takes the password.
[[nodiscard]] Status check_password(std::string_view password);

// Prepares the password (saslprep.h), then makes both forms. Invalid when it is shorter than
// kPasswordMin, longer than sasl.h takes, or holds what must not be in a password.
// `scram`: salt and iterations to take for SCRAM's keys (those of the account's app passwords);
// none: a new salt.
[[nodiscard]] Result<Credential> make_credential(
    std::string_view password,
    const HashOptions& options,
    const std::optional<ScramSetting>& scram = std::nullopt
);
// The same for a prepared password that has just opened the account: however short it is, its owner
// has it.
[[nodiscard]] Result<Credential> renew_credential(
    std::string_view prepared,
    const HashOptions& options,
    const std::optional<ScramSetting>& scram = std::nullopt
);
[[nodiscard]] Result<std::string> hash_password(
    std::string_view prepared, const HashOptions& options
);
// SCRAM's keys for a prepared password (RFC 5802 §3). Pure.
[[nodiscard]] ScramKeys derive_scram_keys(
    std::string_view prepared, std::string_view salt, std::uint32_t iterations
);
// Argon2's form, or one of old_hash.h; false too when it is neither. `prepared` as SaslNeedVerify
// has it.
[[nodiscard]] bool verify_password(std::string_view hash, std::string_view prepared);
// Whether the credential is of another form or made with other options than these, or lacks
// SCRAM's keys, so that it is made anew after a login.
[[nodiscard]] bool is_outdated(const Credential& credential, const HashOptions& options);

// A hash that costs as much as any other and that no password opens: for SaslSettings.
[[nodiscard]] Result<std::string> make_dummy_hash(const HashOptions& options);

// 80 bits in four groups of letters and digits that are not mistaken for another: "k7mf-2wqp-...".
[[nodiscard]] std::string generate_password();
// The same with a group in front, the selector: five groups, 80 bits beside the selector.
[[nodiscard]] std::string generate_app_password();
// One with a selector that no other of the account has.
[[nodiscard]] std::string fresh_app_password(const Account& of);
// What its SCRAM keys are made with: SCRAM shows one salt for all passwords of an account.
[[nodiscard]] std::optional<ScramSetting> app_password_setting(const Account& of);

}  // namespace sekisho::account

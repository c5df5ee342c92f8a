// The server's side of SASL (RFC 4422) as a state machine: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256
// and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), OAUTHBEARER (RFC 7628), XOAUTH2, EXTERNAL. It never
// reads an account, hashes a password or draws a random number: it says what it needs and is given
// it.
//
//   start(initial response) --+--> SaslChallenge    send it; step(the client's answer)
//   step(answer) -------------+--> SaslNeedAccount  look the login up; give_account(account or
//   none) give_account(...) --------+--> SaslNeedVerify   hash on a worker; give_verified(right or
//   wrong); or before that SaslNeedToken: whose it is, give_token()
//   give_verified(...) --------+--> SaslSuccess, SaslFailure   the end; nothing may be called
//   after
//
// Messages are raw bytes: the protocol around it (RFC 4954 for SMTP) does base64, the cancelling
// "*" and the limit on line length. When the account can't be looked up for a reason of ours, drop
// the machine and answer 454 4.7.0 (RFC 4954 §6).
//
// Invariants: an unknown login and a wrong password take the same steps, ask for the same work and
// give the same answers; an account that is disabled is told so only to who knows its password.
#pragma once

#include "account/account.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::account {

enum class Mechanism : std::uint8_t {
    Plain,
    Login,
    ScramSha256,
    ScramSha256Plus,
    OAuthBearer,
    XOAuth2,
    External
};
[[nodiscard]] std::string_view name(Mechanism mechanism);  // "PLAIN", as EHLO lists it
[[nodiscard]] std::optional<Mechanism> parse_mechanism(std::string_view text);
// Whether the password itself crosses the wire: never to be offered before TLS (RFC 4954 §4).
[[nodiscard]] bool sends_password(Mechanism mechanism);

// Longer messages are refused unread. RFC 4954 §4 lets a base64 line have 12288 octets.
inline constexpr std::size_t kSaslMessageMax = 9216;
inline constexpr std::size_t kSaslLoginMax = 320;
inline constexpr std::size_t kSaslPasswordMax = 1024;

// What all logins of one installation share; make it once. `fake_key` must outlive restarts and be
// the same on every node, or an unknown login could be told by its changing salt.
struct SaslSettings {
    std::string fake_key;                    // 32 random bytes, kept with the installation
    std::string dummy_argon2id;              // make_dummy_hash() of password.h
    std::uint32_t scram_iterations = 15000;  // what make_credential() uses
    // Told to who shows a token that is refused (RFC 7628 §3.2.2); may be empty.
    std::string oauth_scope, openid_configuration;
};

// What a client may bind an exchange to (RFC 5056), as the transport has it: "tls-exporter" and its
// bytes. Empty: nothing, and -PLUS is not offered.
using ChannelBindings = std::map<std::string, std::string, std::less<>>;

enum class SaslRefusal : std::uint8_t {
    UnknownUser,
    WrongPassword,
    NoKeys,  // SCRAM, and the account has no keys for it yet (old_hash.h)
    Disabled,
    AppPassword,  // the right one, in the wrong place or at the wrong time
    Token,        // it doesn't hold, or is somebody else's
    Certificate,  // there is none, or it is nobody's
    Malformed,
};
[[nodiscard]] std::string_view name(SaslRefusal refusal);  // "unknown-user", ... for logs

struct SaslChallenge {
    std::string bytes;  // may be empty: "334 " alone
};
struct SaslNeedAccount {
    std::string login;  // lower case, prepared
};
struct SaslNeedVerify {
    std::string login;
    std::string password;  // prepared; wipe() it when done
    std::string hash;      // to verify against; of nobody when the login is unknown
};
struct SaslNeedToken {
    std::string login;  // whose the client says it is; empty: it doesn't say
    std::string token;
};
struct SaslTokenVerdict {
    std::string account;  // whose it is
    std::string refusal;  // or why it doesn't hold, for the log
};
struct SaslSuccess {
    std::string login;
    std::string app_password = {};  // its name; empty: the account's own password
};
// The client is told 535 5.7.8 for UnknownUser, WrongPassword and NoKeys alike, 535 5.7.8 or 525
// 5.7.13 for Disabled and AppPassword, 501 5.5.2 for Malformed. `detail` is for the log and never
// holds a secret.
struct SaslFailure {
    SaslRefusal why = SaslRefusal::Malformed;
    std::string login;  // as far as it was read
    std::string detail;
};
using SaslStep = std::variant<
    SaslChallenge,
    SaslNeedAccount,
    SaslNeedVerify,
    SaslNeedToken,
    SaslSuccess,
    SaslFailure>;

class SaslServer {
  public:
    // `nonce`: at least 18 fresh random bytes in printable ASCII without ',', as random_token(144)
    // gives; used by SCRAM only, as the bindings are. With bindings, a client that says it could
    // bind but saw no -PLUS on offer is refused: somebody has taken it out of the list (RFC 5802
    // §6). `identities`: whom the client's certificate names, for EXTERNAL. `settings` must outlive
    // the machine.
    [[nodiscard]] static std::unique_ptr<SaslServer> make(
        Mechanism mechanism,
        const SaslSettings& settings,
        std::string nonce,
        ChannelBindings bindings = {},
        std::vector<std::string> identities = {}
    );
    virtual ~SaslServer() = default;

    // `initial_response`: what followed the mechanism's name; "=" there means an empty one
    // (RFC 4954 §4), nothing there means none.
    [[nodiscard]] virtual SaslStep start(std::optional<std::string_view> initial_response) = 0;
    [[nodiscard]] virtual SaslStep step(std::string_view response) = 0;
    [[nodiscard]] virtual SaslStep give_account(const std::optional<Account>& account) = 0;
    [[nodiscard]] virtual SaslStep give_verified(bool right) = 0;
    [[nodiscard]] virtual SaslStep give_token(const SaslTokenVerdict& verdict) = 0;
};

}  // namespace sekisho::account

// SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding.
#include "account/account.h"
#include "account/digest.h"
#include "account/sasl.h"
#include "account/sasl_state.h"
#include "account/saslprep.h"
#include "account/scram_message.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::account {
namespace {

constexpr std::size_t kFakeSaltSize = 16;  // what make_credential() draws

// Keys for a login that has none: always the same for the same login, so that asking twice tells
// nothing, and equal in shape to real ones (RFC 5802 §9 on user enumeration is answered this way).
ScramKeys fake_keys(const SaslSettings& settings, std::string_view login) {
    const auto derived = [&](std::string_view what) {
        return hmac_sha256(settings.fake_key, std::string{what} + '\0' + std::string{login});
    };
    ScramKeys keys;
    keys.salt = derived("salt").substr(0, kFakeSaltSize);
    keys.iterations = settings.scram_iterations;
    keys.stored_key = derived("stored");
    keys.server_key = derived("server");
    return keys;
}

bool has_keys(const ScramKeys& keys) {
    return !keys.salt.empty() && keys.iterations > 0 && keys.stored_key.size() == kSha256Size &&
           keys.server_key.size() == kSha256Size;
}

class ScramSha256 final : public SaslBase {
  public:
    ScramSha256(const SaslSettings& settings, std::string nonce)
        : SaslBase(settings), nonce_(std::move(nonce)) {
        SEKISHO_ASSERT(nonce_.size() >= 18 && nonce_.size() <= kScramNonceMax);
        SEKISHO_ASSERT(std::ranges::all_of(nonce_, [](char c) {
            return c > ' ' && c < 0x7f && c != ',';
        }));
    }

  private:
    enum class Wants : std::uint8_t { First, Final, Acknowledgement };

    SaslStep on_start(std::optional<std::string_view> initial_response) override {
        return initial_response ? on_response(*initial_response) : SaslStep{SaslChallenge{}};
    }

    SaslStep on_response(std::string_view response) override {
        switch (wants_) {
            case Wants::First:
                return on_first(response);
            case Wants::Final:
                return on_final(response);
            case Wants::Acknowledgement:
                break;
        }
        // RFC 4954 §4: SMTP has no place for data in the success reply, so the server's last
        // message goes as a challenge that is answered by an empty line.
        if (!response.empty()) {
            return refuse(SaslRefusal::Malformed, "an empty response was due after the last one");
        }
        return SaslSuccess{.login = login_};
    }

    SaslStep on_first(std::string_view response) {
        auto first = parse_scram_first(response);
        if (!first) {
            return refuse(SaslRefusal::Malformed, first.error().message);
        }
        if (auto failure = take_login(first->login)) {
            return *failure;
        }
        if (first->binding == ScramBinding::Used) {
            return refuse(
                SaslRefusal::Malformed,
                "channel binding " + first->binding_name + " is asked for, which is not offered"
            );
        }
        // "y" (the client could, but thinks that we can't) is true: we offer no -PLUS mechanism, so
        // nobody has removed one from the list (RFC 5802 §6).
        if (!first->identity.empty()) {
            const auto identity = saslprep(first->identity);
            if (!identity || to_lower(*identity) != login_) {
                return refuse(
                    SaslRefusal::Malformed, "the authorization identity is not the login"
                );
            }
        }
        first_ = std::move(*first);
        return SaslNeedAccount{login_};
    }

    SaslStep on_account(const std::optional<Account>& account) override {
        known_ = account.has_value();
        enabled_ = known_ && account->enabled;
        disabled_reason_ = known_ ? account->disabled_reason : std::string{};
        // Made for known logins too: the same work for both.
        keys_ = fake_keys(settings_, login_);
        has_keys_ = known_ && has_keys(account->credential.scram);
        if (has_keys_) {
            keys_ = account->credential.scram;
        }
        server_first_ = "r=" + first_.nonce + nonce_ + ",s=" + base64(keys_.salt) +
                        ",i=" + std::to_string(keys_.iterations);
        wants_ = Wants::Final;
        return SaslChallenge{server_first_};
    }

    // The password itself never comes here, so there is nothing to hash slowly.
    SaslStep on_verified(bool /*right*/) override { SEKISHO_ASSERT(false); }

    SaslStep on_final(std::string_view response) {
        const auto final = parse_scram_final(response);
        if (!final) {
            return refuse(SaslRefusal::Malformed, final.error().message);
        }
        // Without channel binding data, "c=" is the GS2 header of the first message again: a
        // changed flag or identity shows here (RFC 5802 §5.1, §6).
        if (final->binding != first_.gs2_header) {
            return refuse(SaslRefusal::Malformed, "the channel binding is not the GS2 header sent");
        }
        if (final->nonce != first_.nonce + nonce_) {
            return refuse(SaslRefusal::Malformed, "the nonce is not the one of this exchange");
        }
        const std::string message = first_.bare + "," + server_first_ + "," + final->without_proof;
        const bool right = proves(final->proof, message);
        const std::string signature = hmac_sha256(keys_.server_key, message);
        if (!known_) {
            return refuse(SaslRefusal::UnknownUser, "no account has this login");
        }
        if (!has_keys_) {
            return refuse(SaslRefusal::WrongPassword, "the account has no SCRAM keys");
        }
        if (!right) {
            return refuse(SaslRefusal::WrongPassword, "the proof is wrong");
        }
        if (!enabled_) {
            return refuse(SaslRefusal::Disabled, "the account is disabled: " + disabled_reason_);
        }
        wants_ = Wants::Acknowledgement;
        return SaslChallenge{"v=" + base64(signature)};
    }

    // RFC 5802 §3: ClientKey is the proof XOR the signature, and its hash is what is kept.
    [[nodiscard]] bool proves(std::string_view proof, std::string_view message) const {
        std::string client_key = hmac_sha256(keys_.stored_key, message);
        if (proof.size() != client_key.size()) {
            return false;
        }
        for (std::size_t i = 0; i < client_key.size(); ++i) {
            client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
        }
        const bool right = equal_in_constant_time(sha256(client_key), keys_.stored_key);
        wipe(client_key);
        return right;
    }

    std::string nonce_;
    Wants wants_ = Wants::First;
    ScramFirst first_;
    std::string server_first_;
    ScramKeys keys_;
    bool known_ = false;
    bool has_keys_ = false;
    bool enabled_ = false;
    std::string disabled_reason_;
};

}  // namespace

std::unique_ptr<SaslServer> make_scram_sha256(const SaslSettings& settings, std::string nonce) {
    return std::make_unique<ScramSha256>(settings, std::move(nonce));
}

}  // namespace sekisho::account

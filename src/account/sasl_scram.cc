// SCRAM-SHA-256 (RFC 5802, RFC 7677) with channel binding (-PLUS) and without.
#include "account/account.h"
#include "account/digest.h"
#include "account/password.h"
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
#include <vector>

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

// One of the account's passwords, by its keys.
struct Candidate {
    ScramKeys keys;
    const AppPassword* app = nullptr;  // into account_; null: the account's own
};

class ScramSha256 final : public SaslBase {
  public:
    ScramSha256(
        const SaslSettings& settings, std::string nonce, ChannelBindings bindings, bool plus
    )
        : SaslBase(settings),
          nonce_(std::move(nonce)),
          bindings_(std::move(bindings)),
          plus_(plus) {
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
        return SaslSuccess{.login = login_, .app_password = holder_.app_password};
    }

    SaslStep on_first(std::string_view response) {
        auto first = parse_scram_first(response);
        if (!first) {
            return refuse(SaslRefusal::Malformed, first.error().message);
        }
        if (auto failure = take_login(first->login)) {
            return *failure;
        }
        if (auto failure = take_binding(*first)) {
            return *failure;
        }
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

    // RFC 5802 §6.
    std::optional<SaslFailure> take_binding(const ScramFirst& first) {
        if (plus_ != (first.binding == ScramBinding::Used)) {
            return refuse(
                SaslRefusal::Malformed,
                plus_ ? "the mechanism is -PLUS, but no channel binding is used"
                      : "channel binding is used, but the mechanism is not -PLUS"
            );
        }
        // "y": the client could, but thinks that we can't.
        if (first.binding == ScramBinding::Untrusted && !bindings_.empty()) {
            return refuse(
                SaslRefusal::Malformed,
                "the client saw no -PLUS among the mechanisms: the offer was changed on its way"
            );
        }
        if (plus_) {
            const auto found = bindings_.find(first.binding_name);
            if (found == bindings_.end()) {
                return refuse(
                    SaslRefusal::Malformed,
                    "channel binding " + first.binding_name + " is asked for, which is not offered"
                );
            }
            binding_ = found->second;
        }
        return std::nullopt;
    }

    SaslStep on_account(const std::optional<Account>& account) override {
        account_ = account;
        // Made for known logins too: the same work for both.
        ScramKeys shown = fake_keys(settings_, login_);
        if (account_) {
            add(account_->credential.scram, nullptr);
            for (const AppPassword& one : account_->app_passwords) {
                add(one.credential.scram, &one);
            }
        }
        if (candidates_.empty()) {
            candidates_.push_back({shown, nullptr});
            has_keys_ = false;
        }
        shown = candidates_.front().keys;
        server_first_ = "r=" + first_.nonce + nonce_ + ",s=" + base64(shown.salt) +
                        ",i=" + std::to_string(shown.iterations);
        wants_ = Wants::Final;
        return SaslChallenge{server_first_};
    }

    // Only keys with the salt that is shown can be proved.
    void add(const ScramKeys& keys, const AppPassword* app) {
        if (has_keys(keys) &&
            (candidates_.empty() || (keys.salt == candidates_.front().keys.salt &&
                                     keys.iterations == candidates_.front().keys.iterations))) {
            candidates_.push_back({keys, app});
        }
    }

    // The password itself never comes here, so there is nothing to hash slowly.
    SaslStep on_verified(bool /*right*/) override { SEKISHO_ASSERT(false); }

    SaslStep on_final(std::string_view response) {
        const auto final = parse_scram_final(response);
        if (!final) {
            return refuse(SaslRefusal::Malformed, final.error().message);
        }
        // "c=" is the GS2 header of the first message again, and behind it what both ends see of
        // the channel: a changed flag or identity shows here, and somebody in the middle (RFC 5802
        // §5.1, §6).
        if (!equal_in_constant_time(final->binding, first_.gs2_header + binding_)) {
            return refuse(
                SaslRefusal::Malformed,
                "the channel binding is not the one of this connection, or not the header sent"
            );
        }
        if (final->nonce != first_.nonce + nonce_) {
            return refuse(SaslRefusal::Malformed, "the nonce is not the one of this exchange");
        }
        const std::string message = first_.bare + "," + server_first_ + "," + final->without_proof;
        const Candidate* proved = nullptr;
        for (const Candidate& one : candidates_) {
            if (proves(one.keys, final->proof, message) && proved == nullptr) {
                proved = &one;
            }
        }
        holder_ = Holder::of(account_);
        if (holder_.known && !has_keys_) {
            return refuse(
                SaslRefusal::NoKeys,
                "the account has no SCRAM keys: its password was imported and comes with the first "
                "login by PLAIN or LOGIN"
            );
        }
        if (proved != nullptr && proved->app != nullptr) {
            holder_.take(*proved->app);
        }
        if (auto failure = judge(holder_, proved != nullptr, "the proof is wrong")) {
            return *failure;
        }
        SEKISHO_ASSERT(proved != nullptr);
        wants_ = Wants::Acknowledgement;
        return SaslChallenge{"v=" + base64(hmac_sha256(proved->keys.server_key, message))};
    }

    // RFC 5802 §3: ClientKey is the proof XOR the signature, and its hash is what is kept.
    [[nodiscard]] static bool proves(
        const ScramKeys& keys, std::string_view proof, std::string_view message
    ) {
        std::string client_key = hmac_sha256(keys.stored_key, message);
        if (proof.size() != client_key.size()) {
            return false;
        }
        for (std::size_t i = 0; i < client_key.size(); ++i) {
            client_key[i] = static_cast<char>(client_key[i] ^ proof[i]);
        }
        const bool right = equal_in_constant_time(sha256(client_key), keys.stored_key);
        wipe(client_key);
        return right;
    }

    std::string nonce_;
    ChannelBindings bindings_;
    const bool plus_;
    std::string binding_;  // of the connection, when it is used
    Wants wants_ = Wants::First;
    ScramFirst first_;
    std::string server_first_;
    std::optional<Account> account_;
    std::vector<Candidate> candidates_;  // with the salt that was shown; one at least
    bool has_keys_ = true;
    Holder holder_;
};

}  // namespace

std::unique_ptr<SaslServer> make_scram_sha256(
    const SaslSettings& settings, std::string nonce, ChannelBindings bindings, bool plus
) {
    return std::make_unique<ScramSha256>(settings, std::move(nonce), std::move(bindings), plus);
}

}  // namespace sekisho::account

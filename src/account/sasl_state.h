// What the mechanisms share: the order of calls, and the ends. Not for other rooms.
#pragma once

#include "account/account.h"
#include "account/sasl.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

// Whose credential the exchange is about, once the account is known.
struct Holder {
    bool known = false;
    bool enabled = false;
    std::string disabled_reason;
    std::string app_password;  // its name, when it is one
    std::string unusable;      // AppPassword::unusable

    [[nodiscard]] static Holder of(const std::optional<Account>& account);
    void take(const AppPassword& password);
};

// Checks that the shell calls in the order of sasl.h (a bug of ours if not) and bounds what the
// client sends.
class SaslBase : public SaslServer {
  public:
    explicit SaslBase(const SaslSettings& settings) : settings_(settings) {}
    [[nodiscard]] SaslStep start(std::optional<std::string_view> initial_response) final;
    [[nodiscard]] SaslStep step(std::string_view response) final;
    [[nodiscard]] SaslStep give_account(const std::optional<Account>& account) final;
    [[nodiscard]] SaslStep give_verified(bool right) final;
    [[nodiscard]] SaslStep give_token(const SaslTokenVerdict& verdict) final;

  protected:
    [[nodiscard]] virtual SaslStep on_start(std::optional<std::string_view> initial_response) = 0;
    [[nodiscard]] virtual SaslStep on_response(std::string_view response) = 0;
    [[nodiscard]] virtual SaslStep on_account(const std::optional<Account>& account) = 0;
    [[nodiscard]] virtual SaslStep on_verified(bool right) = 0;
    [[nodiscard]] virtual SaslStep on_token(const SaslTokenVerdict& verdict);  // never asked for

    // Takes the login as sent; empty step: it is sound and login_ holds it.
    [[nodiscard]] std::optional<SaslFailure> take_login(std::string_view text);
    [[nodiscard]] SaslFailure refuse(SaslRefusal why, std::string detail) const;
    // nullopt: let in. Who doesn't know the password learns nothing of the account.
    [[nodiscard]] std::optional<SaslFailure> judge(
        const Holder& holder, bool right, const char* wrong
    ) const;

    const SaslSettings& settings_;  // NOLINT(*-avoid-const-or-ref-data-members)
    std::string login_;

  private:
    enum class Awaits : std::uint8_t { Start, Response, Account, Verdict, Token, Nothing };
    SaslStep went(SaslStep step);
    Awaits awaits_ = Awaits::Start;
};

// The common end of PLAIN and LOGIN: account, then the hash, then the verdict.
class PasswordBase : public SaslBase {
  public:
    using SaslBase::SaslBase;
    ~PasswordBase() override;
    PasswordBase(const PasswordBase&) = delete;
    PasswordBase& operator=(const PasswordBase&) = delete;

  protected:
    [[nodiscard]] std::optional<SaslFailure> take_password(std::string_view text);
    [[nodiscard]] SaslStep on_account(const std::optional<Account>& account) final;
    [[nodiscard]] SaslStep on_verified(bool right) final;

  private:
    std::string password_;
    Holder holder_;
    bool has_hash_ = false;
};

[[nodiscard]] std::unique_ptr<SaslServer> make_plain(const SaslSettings& settings);
[[nodiscard]] std::unique_ptr<SaslServer> make_login(const SaslSettings& settings);
// `standard`: OAUTHBEARER; else XOAUTH2.
[[nodiscard]] std::unique_ptr<SaslServer> make_bearer(const SaslSettings& settings, bool standard);
[[nodiscard]] std::unique_ptr<SaslServer> make_external(
    const SaslSettings& settings, std::vector<std::string> identities
);
[[nodiscard]] std::unique_ptr<SaslServer> make_scram_sha256(
    const SaslSettings& settings, std::string nonce, ChannelBindings bindings, bool plus
);

}  // namespace sekisho::account

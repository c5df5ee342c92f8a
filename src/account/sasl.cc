#include "account/sasl.h"

#include "account/account.h"
#include "account/app_password.h"
#include "account/digest.h"
#include "account/sasl_state.h"
#include "account/saslprep.h"
#include "base/assert.h"
#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::account {
namespace {

constexpr std::array<std::pair<Mechanism, std::string_view>, 7> kMechanisms{{
    {Mechanism::Plain, "PLAIN"},
    {Mechanism::Login, "LOGIN"},
    {Mechanism::ScramSha256, "SCRAM-SHA-256"},
    {Mechanism::ScramSha256Plus, "SCRAM-SHA-256-PLUS"},
    {Mechanism::OAuthBearer, "OAUTHBEARER"},
    {Mechanism::XOAuth2, "XOAUTH2"},
    {Mechanism::External, "EXTERNAL"},
}};

}  // namespace

std::string_view name(Mechanism mechanism) {
    const auto* found =
        std::ranges::find(kMechanisms, mechanism, &std::pair<Mechanism, std::string_view>::first);
    SEKISHO_ASSERT(found != kMechanisms.end());
    return found->second;
}

std::optional<Mechanism> parse_mechanism(std::string_view text) {
    for (const auto& [mechanism, known] : kMechanisms) {
        if (iequals(text, known)) {
            return mechanism;
        }
    }
    return std::nullopt;
}

bool sends_password(Mechanism mechanism) {
    // A bearer token is as good as a password to who sees it (RFC 6750 §5.3).
    return mechanism == Mechanism::Plain || mechanism == Mechanism::Login ||
           mechanism == Mechanism::OAuthBearer || mechanism == Mechanism::XOAuth2;
}

std::string_view name(SaslRefusal refusal) {
    switch (refusal) {
        case SaslRefusal::UnknownUser:
            return "unknown-user";
        case SaslRefusal::WrongPassword:
            return "wrong-password";
        case SaslRefusal::NoKeys:
            return "no-scram-keys";
        case SaslRefusal::Disabled:
            return "disabled";
        case SaslRefusal::AppPassword:
            return "app-password";
        case SaslRefusal::Token:
            return "token";
        case SaslRefusal::Certificate:
            return "certificate";
        case SaslRefusal::Malformed:
            return "malformed";
    }
    return "unknown";
}

std::unique_ptr<SaslServer> SaslServer::make(
    Mechanism mechanism,
    const SaslSettings& settings,
    std::string nonce,
    ChannelBindings bindings,
    std::vector<std::string> identities
) {
    switch (mechanism) {
        case Mechanism::Plain:
            return make_plain(settings);
        case Mechanism::Login:
            return make_login(settings);
        case Mechanism::OAuthBearer:
        case Mechanism::XOAuth2:
            return make_bearer(settings, mechanism == Mechanism::OAuthBearer);
        case Mechanism::External:
            return make_external(settings, std::move(identities));
        case Mechanism::ScramSha256:
        case Mechanism::ScramSha256Plus:
            return make_scram_sha256(
                settings,
                std::move(nonce),
                std::move(bindings),
                mechanism == Mechanism::ScramSha256Plus
            );
    }
    SEKISHO_ASSERT(false);
}

SaslStep SaslBase::went(SaslStep step) {
    struct Next {
        Awaits operator()(const SaslChallenge&) const { return Awaits::Response; }
        Awaits operator()(const SaslNeedAccount&) const { return Awaits::Account; }
        Awaits operator()(const SaslNeedVerify&) const { return Awaits::Verdict; }
        Awaits operator()(const SaslNeedToken&) const { return Awaits::Token; }
        Awaits operator()(const SaslSuccess&) const { return Awaits::Nothing; }
        Awaits operator()(const SaslFailure&) const { return Awaits::Nothing; }
    };
    awaits_ = std::visit(Next{}, step);
    return step;
}

SaslStep SaslBase::start(std::optional<std::string_view> initial_response) {
    SEKISHO_ASSERT(awaits_ == Awaits::Start);
    if (initial_response && initial_response->size() > kSaslMessageMax) {
        return went(refuse(SaslRefusal::Malformed, "the initial response is too long"));
    }
    return went(on_start(initial_response));
}

SaslStep SaslBase::step(std::string_view response) {
    SEKISHO_ASSERT(awaits_ == Awaits::Response);
    if (response.size() > kSaslMessageMax) {
        return went(refuse(SaslRefusal::Malformed, "the response is too long"));
    }
    return went(on_response(response));
}

SaslStep SaslBase::give_account(const std::optional<Account>& account) {
    SEKISHO_ASSERT(awaits_ == Awaits::Account);
    return went(on_account(account));
}

SaslStep SaslBase::give_verified(bool right) {
    SEKISHO_ASSERT(awaits_ == Awaits::Verdict);
    return went(on_verified(right));
}

SaslStep SaslBase::give_token(const SaslTokenVerdict& verdict) {
    SEKISHO_ASSERT(awaits_ == Awaits::Token);
    return went(on_token(verdict));
}

SaslStep SaslBase::on_token(const SaslTokenVerdict& /*verdict*/) {
    SEKISHO_ASSERT(false);
}

std::optional<SaslFailure> SaslBase::take_login(std::string_view text) {
    if (text.empty() || text.size() > kSaslLoginMax) {
        return refuse(
            SaslRefusal::Malformed, text.empty() ? "the login is empty" : "the login is too long"
        );
    }
    const auto prepared = saslprep(text);
    if (!prepared || prepared->empty()) {
        return refuse(SaslRefusal::Malformed, "the login holds bytes that are not allowed");
    }
    login_ = to_lower(*prepared);
    return std::nullopt;
}

SaslFailure SaslBase::refuse(SaslRefusal why, std::string detail) const {
    return SaslFailure{.why = why, .login = login_, .detail = std::move(detail)};
}

PasswordBase::~PasswordBase() {
    wipe(password_);
}

std::optional<SaslFailure> PasswordBase::take_password(std::string_view text) {
    if (text.empty() || text.size() > kSaslPasswordMax) {
        return refuse(
            SaslRefusal::Malformed,
            text.empty() ? "the password is empty" : "the password is too long"
        );
    }
    auto prepared = saslprep(text);
    if (!prepared || prepared->empty()) {
        return refuse(SaslRefusal::Malformed, "the password holds bytes that are not allowed");
    }
    password_ = std::move(*prepared);
    return std::nullopt;
}

SaslStep PasswordBase::on_account(const std::optional<Account>& account) {
    SaslNeedVerify need;
    need.login = login_;
    need.hash = settings_.dummy_argon2id;
    holder_ = Holder::of(account);
    if (account) {
        // The selector says which one it is, so that never more than one hash is computed.
        const std::string_view selector = selector_of(password_);
        const auto app = std::ranges::find_if(account->app_passwords, [&](const AppPassword& one) {
            return !selector.empty() && one.selector == selector;
        });
        if (app != account->app_passwords.end()) {
            holder_.take(*app);
        }
        const std::string& hash =
            app != account->app_passwords.end() ? app->credential.hash : account->credential.hash;
        has_hash_ = !hash.empty();
        need.hash = has_hash_ ? hash : settings_.dummy_argon2id;
    }
    need.password = std::move(password_);
    password_.clear();
    return need;
}

SaslStep PasswordBase::on_verified(bool right) {
    if (holder_.known && !has_hash_) {
        return refuse(SaslRefusal::WrongPassword, "the account has no password set");
    }
    if (auto failure = judge(holder_, right, "the password is wrong")) {
        return *failure;
    }
    return SaslSuccess{.login = login_, .app_password = holder_.app_password};
}

Holder Holder::of(const std::optional<Account>& account) {
    Holder out;
    out.known = account.has_value();
    out.enabled = out.known && account->enabled;
    out.disabled_reason = out.known ? account->disabled_reason : std::string{};
    return out;
}

void Holder::take(const AppPassword& password) {
    app_password = password.name;
    unusable = password.unusable;
}

std::optional<SaslFailure> SaslBase::judge(const Holder& holder, bool right, const char* wrong)
    const {
    if (!holder.known) {
        return refuse(SaslRefusal::UnknownUser, "no account has this login");
    }
    if (!right) {
        return refuse(SaslRefusal::WrongPassword, wrong);
    }
    if (!holder.enabled) {
        return refuse(SaslRefusal::Disabled, "the account is disabled: " + holder.disabled_reason);
    }
    if (!holder.unusable.empty()) {
        return refuse(
            SaslRefusal::AppPassword,
            "the app password \"" + holder.app_password + "\" " + holder.unusable
        );
    }
    return std::nullopt;
}

}  // namespace sekisho::account

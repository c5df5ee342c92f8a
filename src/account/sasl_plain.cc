// PLAIN (RFC 4616) and LOGIN (never standardised; Outlook and many devices know nothing else).
#include "account/sasl.h"
#include "account/sasl_state.h"
#include "account/saslprep.h"
#include "base/bytes.h"

#include <memory>
#include <optional>
#include <string_view>

namespace sekisho::account {
namespace {

class Plain final : public PasswordBase {
  public:
    using PasswordBase::PasswordBase;

  private:
    SaslStep on_start(std::optional<std::string_view> initial_response) override {
        return initial_response ? on_response(*initial_response) : SaslStep{SaslChallenge{}};
    }

    // message = [authzid] NUL authcid NUL passwd (RFC 4616 §2)
    SaslStep on_response(std::string_view response) override {
        const auto parts = split(response, '\0');
        if (parts.size() != 3) {
            return refuse(SaslRefusal::Malformed, "a PLAIN message has two NUL bytes");
        }
        const std::string_view identity = parts[0];
        if (auto failure = take_login(parts[1])) {
            return *failure;
        }
        // Nobody acts for another here. Told before the account is looked at, so it tells nothing.
        if (!identity.empty() && !is_login(identity)) {
            return refuse(SaslRefusal::Malformed, "the authorization identity is not the login");
        }
        if (auto failure = take_password(parts[2])) {
            return *failure;
        }
        return SaslNeedAccount{login_};
    }

    [[nodiscard]] bool is_login(std::string_view identity) const {
        const auto prepared = saslprep(identity);
        return prepared && to_lower(*prepared) == login_;
    }
};

class Login final : public PasswordBase {
  public:
    using PasswordBase::PasswordBase;

  private:
    SaslStep on_start(std::optional<std::string_view> initial_response) override {
        if (initial_response) {
            return on_response(*initial_response);
        }
        // Clients look at neither text, but some want exactly these.
        return SaslChallenge{"Username:"};
    }

    SaslStep on_response(std::string_view response) override {
        if (login_.empty()) {
            if (auto failure = take_login(response)) {
                return *failure;
            }
            return SaslChallenge{"Password:"};
        }
        if (auto failure = take_password(response)) {
            return *failure;
        }
        return SaslNeedAccount{login_};
    }
};

}  // namespace

std::unique_ptr<SaslServer> make_plain(const SaslSettings& settings) {
    return std::make_unique<Plain>(settings);
}

std::unique_ptr<SaslServer> make_login(const SaslSettings& settings) {
    return std::make_unique<Login>(settings);
}

}  // namespace sekisho::account

#include "mail/password_check.h"

#include "account/account.h"
#include "account/digest.h"
#include "account/password.h"
#include "account/sasl.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/time.h"
#include "conduct/login_guard.h"
#include "conduct/login_memory.h"
#include "conduct/machine.h"
#include "event/event.h"
#include "limit/limiter.h"
#include "limit/spec.h"
#include "mail/limiting.h"
#include "mail/rules.h"
#include "mail/shared.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr int kNonceBits = 144;

class Check {
  public:
    Check(Shared& shared, const IpAddress& from)
        : shared_(shared), settings_(shared.settings()), from_(from) {}

    PasswordAnswer answer(const std::string& login, std::string& password) {
        auto machine = account::SaslServer::make(
            account::Mechanism::Plain, shared_.sasl, random_token(kNonceBits)
        );
        // RFC 4616 §2; a NUL in either makes it malformed.
        std::string message = '\0' + login + '\0' + password;
        account::SaslStep step = machine->start(message);
        account::wipe(message);
        const auto* asked = std::get_if<account::SaslNeedAccount>(&step);
        if (asked == nullptr) {
            return refused(std::get<account::SaslFailure>(step));
        }
        const std::string whose = asked->login;
        if (auto over = over_limit(whose)) {
            return *over;
        }
        auto found = shared_.accounts.find(whose);
        if (!found && found.error().code != Errc::NotFound) {
            log::error("MAIL_ACCOUNTS_AWAY", found.error().message, {{"account", whose}});
            return {PasswordVerdict::Unavailable, whose, ""};
        }
        std::optional<account::Account> candidate;
        if (found) {
            candidate = std::move(*found);
            candidate->app_passwords.clear();  // they are for devices and programs
        }
        step = machine->give_account(candidate);
        if (auto* need = std::get_if<account::SaslNeedVerify>(&step)) {
            guess_ = shared_.guard.guess(need->login, need->password);
            const bool right = account::verify_password(need->hash, need->password);
            account::wipe(need->password);
            step = machine->give_verified(right);
        }
        if (std::holds_alternative<account::SaslSuccess>(step) && candidate) {
            return accepted(*candidate);
        }
        return refused(std::get<account::SaslFailure>(step));
    }

  private:
    [[nodiscard]] limit::Facts facts(const std::string& login) const {
        limit::Facts out;
        out.account = login;
        out.address = from_;
        out.network_class = settings_->policy->written(settings_->policy->classify(from_)).name;
        out.where = settings_->whereabouts(from_, false, out.network_class);
        return out;
    }

    [[nodiscard]] event::Event event(event::Kind kind, const std::string& login) const {
        event::Event out;
        out.at = now();
        out.kind = kind;
        out.account = login;
        out.address = from_.text();
        return out;
    }

    std::optional<PasswordAnswer> over_limit(const std::string& login) {
        auto free = shared_.guard.check(login, from_, now());
        if (free) {
            const auto takings =
                limit::takings(settings_->limits, limit::Counts::FailedLogins, facts(login), 1);
            const auto wants = limit::wants(takings);
            free = shared_.limiter->check(wants, now());
        }
        if (free) {
            return std::nullopt;
        }
        const std::string said = login_limit_reply(free.error()).text();
        note_refusal(login, "limit: " + said);
        return PasswordAnswer{PasswordVerdict::TooMany, login, said};
    }

    PasswordAnswer accepted(const account::Account& account) {
        const conduct::LoginMark mark{account.login, from_, now()};
        if (shared_.guard.succeeded(mark) && shared_.logins != nullptr) {
            kept(shared_.logins->keep_success(mark));
        }
        if (shared_.warden != nullptr) {
            const auto& config = settings_->config.conduct;
            const auto width = from_.is_v4() ? config.network_v4 : config.network_v6;
            conduct::Seen seen;
            seen.network = Prefix(from_, static_cast<int>(width)).text();
            seen.country = settings_->country_of(from_);
            shared_.warden->seen(account.login, account.line, seen, now());
        }
        ++shared_.counters.logins_accepted;
        event::Event row = event(event::Kind::LoginAccepted, account.login);
        row.line = account.line;
        row.detail = "my page";
        shared_.journal.append(std::move(row));
        log::info(
            "MAIL_WEB_LOGIN",
            "sign-in to the subscriber's page accepted",
            {{"account", account.login}, {"peer", from_.text()}}
        );
        return {PasswordVerdict::Right, account.login, ""};
    }

    PasswordAnswer refused(const account::SaslFailure& failure) {
        std::string why(account::name(failure.why));
        if (failure.why == account::SaslRefusal::UnknownUser ||
            failure.why == account::SaslRefusal::WrongPassword) {
            count(failure.login, why);
        }
        note_refusal(failure.login, why);
        const bool disabled = failure.why == account::SaslRefusal::Disabled;
        return {disabled ? PasswordVerdict::Disabled : PasswordVerdict::Wrong, failure.login, ""};
    }

    void count(const std::string& login, std::string& why) {
        const conduct::LoginMark mark{login, from_, now()};
        if (!shared_.guard.failed(mark, guess_)) {
            why += " (the guess of a moment ago, counted then)";
            return;
        }
        // Each by itself: one that is used up must not keep the others from counting.
        for (const limit::Taking& one :
             limit::takings(settings_->limits, limit::Counts::FailedLogins, facts(login), 1)) {
            const std::array wants{one.want()};
            static_cast<void>(shared_.limiter->take(wants, now()));
        }
        if (shared_.logins != nullptr) {
            kept(shared_.logins->keep_failure(mark));
        }
    }

    static void kept(const Status& status) {
        if (!status && status.error().code != Errc::NotFound) {
            log::warning("MAIL_LOGINS_NOT_KEPT", status.error().message);
        }
    }

    void note_refusal(const std::string& login, const std::string& why) {
        ++shared_.counters.logins_refused;
        event::Event row = event(event::Kind::LoginRefused, login);
        row.detail = "my page " + why;
        log::info(
            "MAIL_WEB_LOGIN_REFUSED", row.detail, {{"account", login}, {"peer", row.address}}
        );
        shared_.journal.append(std::move(row));
    }

    Shared& shared_;
    std::shared_ptr<const Settings> settings_;
    IpAddress from_;
    std::string guess_;
};

}  // namespace

std::string_view name(PasswordVerdict verdict) {
    switch (verdict) {
        case PasswordVerdict::Right:
            return "right";
        case PasswordVerdict::Disabled:
            return "disabled";
        case PasswordVerdict::TooMany:
            return "too-many";
        case PasswordVerdict::Unavailable:
            return "unavailable";
        case PasswordVerdict::Wrong:
            break;
    }
    return "wrong";
}

PasswordAnswer check_password(
    Shared& shared, const std::string& login, std::string password, const IpAddress& from
) {
    PasswordAnswer answer = Check(shared, from).answer(login, password);
    account::wipe(password);
    return answer;
}

}  // namespace sekisho::mail

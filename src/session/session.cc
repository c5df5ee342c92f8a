#include "session/session.h"

#include "account/digest.h"
#include "base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace sekisho::session {
namespace {

constexpr int kTokenBits = 160;

}  // namespace

std::string new_token() {
    return random_token(kTokenBits);
}

std::string digest(std::string_view token) {
    return hex(sha256(token));
}

std::string form_token(std::string_view token) {
    return hex(account::hmac_sha256(token, "sekisho form"));
}

bool is_form_token(std::string_view token, std::string_view brought) {
    return !token.empty() && account::equal_in_constant_time(form_token(token), brought);
}

std::string password_mark(const account::Account& account) {
    return hex(account::hmac_sha256(account.credential.hash, "sekisho session"));
}

std::optional<End> ended(const Session& session, const account::Account& account, Time now) {
    if (!account.enabled) {
        return End::Disabled;
    }
    if (!account::equal_in_constant_time(session.password_mark, password_mark(account))) {
        return End::Password;
    }
    if (now - session.created >= kLongest) {
        return End::Old;
    }
    if (now - session.seen >= kIdle) {
        return End::Idle;
    }
    return std::nullopt;
}

}  // namespace sekisho::session

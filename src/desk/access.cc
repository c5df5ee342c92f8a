#include "desk/access.h"

#include "account/digest.h"
#include "account/password.h"
#include "account/saslprep.h"
#include "base/bytes.h"
#include "base/log.h"
#include "desk/api.h"
#include "desk/audit_api.h"
#include "staff/totp.h"

#include <chrono>
#include <string>
#include <utility>

namespace sekisho::desk {
namespace {

constexpr std::int64_t kTriesOfName = 10;
constexpr std::int64_t kTriesOfAddress = 30;
constexpr std::int64_t kCallsAMinute = 600;
constexpr std::chrono::minutes kTriesWindow{15};
constexpr int kSessionBits = 256;
constexpr int kCsrfBits = 128;
// A session is written down as seen so often at most.
constexpr std::chrono::seconds kSeenStep{10};

std::string_view bearer_of(const ApiRequest& request) {
    static constexpr std::string_view kScheme = "bearer ";
    const auto found = request.headers.find("authorization");
    if (found == request.headers.end() || found->second.size() <= kScheme.size() ||
        !iequals(std::string_view{found->second}.substr(0, kScheme.size()), kScheme)) {
        return {};
    }
    return trim(std::string_view{found->second}.substr(kScheme.size()));
}

// Digests are compared, so that the time tells neither length nor content.
bool same_secret(std::string_view a, std::string_view b) {
    return account::equal_in_constant_time(sha256(a), sha256(b));
}

std::string_view cookie_of(const ApiRequest& request) {
    const auto found = request.headers.find("cookie");
    if (found == request.headers.end()) {
        return {};
    }
    for (const std::string_view part : split(found->second, ';')) {
        const std::string_view pair = trim(part);
        if (pair.size() > kCookie.size() && pair.starts_with(kCookie) &&
            pair[kCookie.size()] == '=') {
            return pair.substr(kCookie.size() + 1);
        }
    }
    return {};
}

std::string set_cookie(std::string_view value, std::string_view rest) {
    return std::string(kCookie) + "=" + std::string(value) +
           "; Path=/; Secure; HttpOnly; SameSite=Strict" + std::string(rest);
}

std::unexpected<Error> nobody() {
    return fail(Errc::Denied, "sign in, or show an operator's token");
}

}  // namespace

Access::Access(staff::Store& store)
    : store_(store),
      names_(kTriesOfName, kTriesWindow),
      addresses_(kTriesOfAddress, kTriesWindow),
      calls_(kCallsAMinute, std::chrono::minutes{1}) {}

std::optional<Time> Access::too_often(const Identity& who, Time now) {
    if (const auto until = calls_.full(who.name, now)) {
        return until;
    }
    calls_.count(who.name, now);
    return std::nullopt;
}

Result<Identity> Access::identify(const Context& context, const ApiRequest& request) {
    if (const std::string_view token = bearer_of(request); !token.empty()) {
        return by_token(context, token);
    }
    if (const std::string_view cookie = cookie_of(request); !cookie.empty()) {
        return by_session(context, cookie);
    }
    return nobody();
}

Result<Identity> Access::by_token(const Context& context, std::string_view token) {
    const std::string& local = context.snapshot.token;
    if (!local.empty() && same_secret(token, local)) {
        return Identity{"local", "local token", staff::kAllRoles, "", "", std::nullopt};
    }
    const std::string digest = sha256(token);
    const auto found = store_.token(digest);
    if (!found) {
        return fail(found.error());
    }
    if (!*found) {
        return nobody();
    }
    const staff::Token& one = **found;
    if (one.expires != Time{} && one.expires <= context.now) {
        return fail(Errc::Denied, "the token has expired on " + rfc3339(one.expires));
    }
    const auto owner = store_.find(one.name);
    if (!owner) {
        return owner.error().code == Errc::NotFound ? nobody() : fail(owner.error());
    }
    if (!owner->enabled) {
        return nobody();
    }
    if (one.last_used + kSeenStep <= context.now) {
        static_cast<void>(store_.token_used(digest, context.now));
    }
    return Identity{one.name, "token " + one.label, owner->roles, "", "", std::nullopt};
}

Result<Identity> Access::by_session(const Context& context, std::string_view cookie) {
    const std::string digest = sha256(cookie);
    const auto found = store_.session(digest);
    if (!found) {
        return fail(found.error());
    }
    if (!*found) {
        return nobody();
    }
    const staff::Session& session = **found;
    const config::Desk& limits = context.snapshot.config.desk;
    const Time ends =
        std::min(session.created + limits.session_max, session.seen + limits.session_idle);
    if (ends <= context.now) {
        static_cast<void>(store_.close(digest));
        return fail(Errc::Denied, "the session has ended; sign in again");
    }
    const auto owner = store_.find(session.name);
    if (!owner) {
        return owner.error().code == Errc::NotFound ? nobody() : fail(owner.error());
    }
    if (!owner->enabled) {
        return nobody();
    }
    if (session.seen + kSeenStep <= context.now) {
        static_cast<void>(store_.seen(digest, context.now));
    }
    return Identity{
        session.name,
        "session",
        owner->roles,
        session.csrf,
        digest,
        std::min(session.created + limits.session_max, context.now + limits.session_idle)
    };
}

Result<bool> Access::code_opens(const staff::Operator& who, const std::string& code, Time now) {
    if (const auto step = staff::check_totp(who.totp_key, code, now, who.totp_last_step)) {
        return store_.use_step(who.name, *step);
    }
    return store_.use_recovery(who.name, sha256(to_lower(trim(code))));
}

Result<bool> Access::proven(const staff::Operator* who, const Json& body, Time now) {
    std::call_once(hashed_, [this] {
        nobodys_hash_ = account::make_dummy_hash(account::HashOptions{}).value_or("");
    });
    const std::string& hash = who != nullptr ? who->password_hash : nobodys_hash_;
    auto prepared = account::saslprep(body.value("password", ""));
    const bool right = prepared && account::verify_password(hash, *prepared);
    if (prepared) {
        account::wipe(*prepared);
    }
    if (!right || who == nullptr || !who->enabled) {
        return false;
    }
    return code_opens(*who, body.value("code", ""), now);
}

ApiAnswer Access::sign_in(const Context& context, const ApiRequest& request, const Json& body) {
    if (!request.secure) {
        return problem(
            403,
            "Not over this connection",
            "a password is taken over HTTPS only (http.tls), or from the machine itself"
        );
    }
    const std::string name = body.value("name", "");
    for (const auto& until :
         {names_.full(name, context.now), addresses_.full(request.peer, context.now)}) {
        if (until) {
            return too_many(*until, context.now, "too many wrong tries");
        }
    }
    const auto found = store_.find(name);
    if (!found && found.error().code != Errc::NotFound) {
        return problem_of(found.error());
    }
    const auto right = proven(found ? &*found : nullptr, body, context.now);
    if (!right) {
        return problem_of(right.error());
    }
    staff::AuditEntry entry;
    entry.who = found ? name : "";
    entry.how = "sign-in";
    entry.address = request.peer;
    entry.action = "signIn";
    entry.subject = printable(name, 64);
    entry.outcome = *right ? "done" : "401 Unauthorized";
    if (!*right) {
        names_.count(name, context.now);
        addresses_.count(request.peer, context.now);
    }
    if (const Status noted = note(context, std::move(entry)); !noted) {
        return problem_of(noted.error());
    }
    if (!*right) {
        return problem(401, "Unauthorized", "name, password or code is wrong");
    }
    names_.forgive(name);
    // A new one each time, whatever the browser brought: nobody can sit in a session begun before.
    const std::string secret = random_token(kSessionBits);
    const staff::Session session{
        sha256(secret), name, random_token(kCsrfBits), request.peer, context.now, context.now
    };
    if (const Status opened = store_.open(session); !opened) {
        return problem_of(opened.error());
    }
    ApiAnswer answer;
    const config::Desk& limits = context.snapshot.config.desk;
    answer.body = Json{
        {"name", name},
        {"roles", found->roles.names()},
        {"how", "session"},
        {"csrf", session.csrf},
        {"ends",
         rfc3339(std::min(context.now + limits.session_max, context.now + limits.session_idle))}
    };
    answer.headers.emplace_back("Set-Cookie", set_cookie(secret, ""));
    return answer;
}

ApiAnswer Access::sign_out(const Context& context, const Identity& who) {
    if (who.session.empty()) {
        return problem(409, "Conflict", "there is no session: a token was shown");
    }
    if (const Status closed = store_.close(who.session); !closed) {
        return problem_of(closed.error());
    }
    static_cast<void>(store_.forget_sessions(
        context.now - context.snapshot.config.desk.session_idle,
        context.now - context.snapshot.config.desk.session_max
    ));
    ApiAnswer answer;
    answer.body = Json{{"text", "signed out"}};
    answer.headers.emplace_back("Set-Cookie", set_cookie("", "; Max-Age=0"));
    return answer;
}

}  // namespace sekisho::desk

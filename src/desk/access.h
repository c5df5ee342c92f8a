// Who asks: by the token of this machine, a token of an operator, or the session of one who signed
// in with password and one-time code. Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "desk/context.h"
#include "staff/roles.h"
#include "staff/staff.h"
#include "staff/throttle.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::desk {

struct ApiRequest;
struct ApiAnswer;

// Of the cookie: the prefix makes browsers refuse one that isn't Secure, of this host, for all of
// it (RFC 6265bis §4.1.3.2), so that no other host of the domain can plant one.
inline constexpr std::string_view kCookie = "__Host-sekisho-desk";

struct Identity {
    std::string name;
    std::string how;  // as in the audit
    staff::Roles roles;
    std::string csrf;     // of a session; its writes must repeat it
    std::string session;  // its digest; empty: no session
    std::optional<Time> ends;
};

class Access {
  public:
    explicit Access(staff::Store& store);

    // Denied: nobody, or no more. Full: too often. Unavailable: the store is away.
    [[nodiscard]] Result<Identity> identify(const Context& context, const ApiRequest& request);
    // POST /session and DELETE /session.
    [[nodiscard]] ApiAnswer sign_in(
        const Context& context, const ApiRequest& request, const Json& body
    );
    [[nodiscard]] ApiAnswer sign_out(const Context& context, const Identity& who);

    // When this one may ask again; empty: now.
    [[nodiscard]] std::optional<Time> too_often(const Identity& who, Time now);

  private:
    [[nodiscard]] Result<Identity> by_token(const Context& context, std::string_view token);
    [[nodiscard]] Result<Identity> by_session(const Context& context, std::string_view cookie);
    [[nodiscard]] Result<bool> proven(const staff::Operator* who, const Json& body, Time now);
    [[nodiscard]] Result<bool> code_opens(
        const staff::Operator& who, const std::string& code, Time now
    );

    staff::Store& store_;
    std::once_flag hashed_;
    std::string nobodys_hash_;  // what a name that nobody has is checked against
    staff::Throttle names_, addresses_, calls_;
};

}  // namespace sekisho::desk

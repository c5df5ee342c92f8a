// Who is signed in to the subscriber's own page, and the one-time links that let somebody in.
// Tokens are known to the browser alone; here, and in what is kept, are their digests. Reads no
// clock.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::session {

inline constexpr Duration kIdle = std::chrono::minutes(30);
inline constexpr Duration kLongest = std::chrono::hours(12);
inline constexpr Duration kLinkLife = std::chrono::hours(24);
// A row is written anew for each request only when the last one is older.
inline constexpr Duration kSeenNoted = std::chrono::minutes(1);

struct Session {
    std::string login;
    std::string password_mark;  // password_mark() of the account when it began
    std::string address;        // where from it began
    Time created{};
    Time seen{};
    bool by_link = false;  // who began it hasn't shown a password
};

struct Link {
    std::string login;
    std::string made_by;
    Time created{};
    Time expires{};
};

// Where they are kept, by digest(). Thread-safe; may wait for the disk.
class SessionStore {
  public:
    virtual ~SessionStore() = default;
    virtual Status put(std::string_view digest, const Session& session) = 0;
    [[nodiscard]] virtual Result<std::optional<Session>> find(std::string_view digest) = 0;
    virtual Status seen(std::string_view digest, Time at) = 0;
    virtual Status end(std::string_view digest) = 0;  // one that isn't there: done already
    // Every one of the account, and its links; how many sessions there were.
    virtual Result<std::int64_t> end_all(std::string_view login) = 0;

    virtual Status put_link(std::string_view digest, const Link& link) = 0;
    [[nodiscard]] virtual Result<std::optional<Link>> find_link(std::string_view digest) = 0;
    // The same, and it is gone: of several that ask at once one is given it.
    [[nodiscard]] virtual Result<std::optional<Link>> take_link(std::string_view digest) = 0;
};

// 160 bits of letters and digits.
[[nodiscard]] std::string new_token();
[[nodiscard]] std::string digest(std::string_view token);
// What a form must bring to be taken from who holds the token.
[[nodiscard]] std::string form_token(std::string_view token);
[[nodiscard]] bool is_form_token(std::string_view token, std::string_view brought);

// Stands for the password in force without telling it.
[[nodiscard]] std::string password_mark(const account::Account& account);

// Why the session no longer holds; nullopt: it does.
enum class End : std::uint8_t { Idle, Old, Password, Disabled };
[[nodiscard]] std::optional<End> ended(
    const Session& session, const account::Account& account, Time now
);

}  // namespace sekisho::session

// A subscriber's mail account as the rooms see it, and where accounts are kept.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

// What SCRAM-SHA-256 keeps (RFC 5803): never the password.
struct ScramKeys {
    std::string salt;  // raw bytes
    std::uint32_t iterations = 0;
    std::string stored_key;  // 32 raw bytes
    std::string server_key;  // 32 raw bytes
};

struct Credential {
    // libsodium's encoded string ($argon2id$...); or what another system made (old_hash.h), until
    // the first login.
    std::string hash;
    ScramKeys scram;
};

// A second password of an account, for one device: made by us, shown once, revoked alone. Its SCRAM
// keys have the account's salt and iterations, for SCRAM names those before it knows which
// password the client has.
struct AppPassword {
    std::string name;      // "phone"; once an account
    std::string selector;  // the password's first group, by which it is known among the others
    Credential credential;
    std::vector<Prefix> from;  // where it may be used; empty: everywhere
    Time created{};
    Time expires{};    // zero: never
    Time last_used{};  // zero: never yet
    std::string last_address;
    // Not kept: why it may not be used now, set by who knows address and time; empty: it may.
    std::string unusable;
};

struct Account {
    std::string login;  // lower case; usually the mail address
    std::string name;   // for people; may be empty
    std::vector<std::string>
        addresses;  // what it may send as, and receives when the domain is ours; lower case
    // Without '@': it may send as any address of them. Nothing is received by that.
    std::vector<std::string> domains;
    std::string line;      // the subscriber's line, when known
    std::string language;  // of notices to its owner: "ja", "en"; empty: both
    bool enabled = true;
    std::string disabled_reason;
    Credential credential;
    Time created{};
    Time changed{};
    std::vector<AppPassword> app_passwords;  // in order of name; only read here, see AccountStore
    // Not kept: addresses elsewhere that it has proven (send_as.h), set by who asks about them.
    std::vector<std::string> send_as;
    // Not kept either, and set by the same: aliases whose mail it gets, and the addresses and
    // "@domain"s of accounts that have made it their delegate.
    std::vector<std::string> aliases, delegated;
    bool stays_home = false;  // its owner wants nothing sent from abroad; only read here as well
    std::string time_zone;    // where its days begin (TimeZone); empty: with everybody's; read only
};

// Many accounts at once (an import).
struct BatchOptions {
    bool update = false;      // accounts that are there already are changed; else they are faults
    bool skip_bad = false;    // what is sound is kept; else one fault leaves everything as it was
    bool only_check = false;  // nothing is kept in any case
};
struct BatchFault {
    std::size_t index = 0;  // in what was given
    Error why;
};
struct BatchResult {
    std::size_t added = 0, updated = 0;
    std::vector<BatchFault> faults;
    bool kept = false;
};

class AccountStore {
  public:
    virtual ~AccountStore() = default;
    [[nodiscard]] virtual Result<Account> find(std::string_view login) = 0;  // NotFound when absent
    [[nodiscard]] virtual Result<Account> find_by_address(std::string_view address
    ) = 0;  // who receives for it
    [[nodiscard]] virtual Result<std::vector<Account>> list() = 0;
    virtual Status add(const Account& account
    ) = 0;  // Conflict when the login or an address is taken
    virtual Status update(const Account& account) = 0;  // NotFound when absent
    virtual Status remove(std::string_view login) = 0;

    // In one transaction, in the order given; an updated account keeps its `created`. Conflict as a
    // fault: the login or an address is taken. The error is of the store itself.
    virtual Result<BatchResult> add_all(
        std::span<const Account> accounts, const BatchOptions& options
    ) = 0;
    // After a login with an old hash. Conflict when the hash is another than `before` by now.
    virtual Status replace_credential(
        std::string_view login, std::string_view before, const Credential& credential
    ) = 0;

    // What its owner chose: not an operator's or an import's to change. NotFound when absent.
    virtual Status set_stays_home(std::string_view login, bool stays_home) = 0;
    // As TimeZone::parse() reads it; empty: none of its own. NotFound when absent.
    virtual Status set_time_zone(std::string_view login, std::string_view zone) = 0;

    // NotFound: no such account; Conflict: the name or the selector is taken; Invalid: too many.
    virtual Status add_app_password(std::string_view login, const AppPassword& password) = 0;
    virtual Status remove_app_password(std::string_view login, std::string_view name) = 0;
    virtual Status app_password_used(
        std::string_view login, std::string_view name, Time at, std::string_view address
    ) = 0;
};

}  // namespace sekisho::account

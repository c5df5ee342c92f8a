// Addresses of our domains that are no account's, and accounts whose mail goes on: aliases,
// catch-all addresses, forwards. Pure but for the store's interface.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

inline constexpr std::size_t kTargetsMax = 100;       // of one alias or forward
inline constexpr std::size_t kDestinationsMax = 500;  // of one recipient, all ways together
inline constexpr std::size_t kDepthMax = 10;          // aliases of aliases of ...

struct Alias {
    std::string address;  // "sales@example.net"; "@example.net": whatever else of the domain
    std::vector<std::string> targets;
    Time changed{};
};

struct Forward {
    std::string login;
    std::vector<std::string> targets;
    bool keep = true;  // a copy in the account's own mailbox
    Time changed{};
};

class ForwardStore {
  public:
    virtual ~ForwardStore() = default;
    [[nodiscard]] virtual Result<Alias> alias(std::string_view address) = 0;  // NotFound: none
    [[nodiscard]] virtual Result<std::vector<Alias>> aliases() = 0;           // in order of address
    // Of aliases that name the address as a target, directly, and are no account's; in order.
    [[nodiscard]] virtual Result<std::vector<std::string>> aliases_to(std::string_view target) = 0;
    // Sets it anew.
    virtual Status set_alias(const Alias& alias) = 0;
    // All or none of them.
    virtual Status set_aliases(const std::vector<Alias>& aliases) = 0;
    virtual Status remove_alias(std::string_view address) = 0;
    [[nodiscard]] virtual Result<Forward> forward(std::string_view login) = 0;
    [[nodiscard]] virtual Result<std::vector<Forward>> forwards() = 0;
    virtual Status set_forward(const Forward& forward) = 0;
    virtual Status remove_forward(std::string_view login) = 0;
};

// Normalised, or what is wrong with it.
[[nodiscard]] Result<Alias> checked(Alias alias);
[[nodiscard]] Result<Forward> checked(Forward forward);

// Where mail to one recipient goes in the end.
struct Destination {
    std::string address;   // an account's, or of another's domain
    bool outside = false;  // another's domain
    // The address of ours that sends it outside: the last one on the way there.
    std::string by;
};

struct Lookup {
    std::function<Result<Account>(std::string_view address)> account;  // NotFound: none
    std::function<Result<Alias>(std::string_view address)> alias;      // the same
    std::function<Result<Forward>(std::string_view login)> forward;    // the same
    std::function<bool(std::string_view domain)> ours;
    // Who receives for an address that nobody has ("postmaster"); empty: nobody.
    std::function<std::string(std::string_view address)> instead;
};

// The aliases that lead to one of the addresses, also by way of others: its owner may send as them.
// A catch-all ("@example.net") isn't one: who gets what nobody has may not send as everybody.
[[nodiscard]] Result<std::vector<std::string>> aliases_of(
    const std::vector<std::string>& addresses,
    const std::function<Result<std::vector<std::string>>(std::string_view target)>& aliases_to
);

// `recipient` is of a domain of ours. Each destination once. NotFound: nobody has the address, and
// nobody is left of those that it leads to. Conflict: it leads to itself only. Full: too many
// destinations.
[[nodiscard]] Result<std::vector<Destination>> expand(
    std::string_view recipient, const Lookup& lookup
);

}  // namespace sekisho::account

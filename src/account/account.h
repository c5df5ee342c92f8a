// A subscriber's mail account as the rooms see it, and where accounts are kept.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <optional>
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
    std::string argon2id;  // libsodium's encoded string ($argon2id$...)
    ScramKeys scram;
};

struct Account {
    std::string login;  // lower case; usually the mail address
    std::string name;   // for people; may be empty
    std::vector<std::string>
        addresses;     // what it may send as, and receives when the domain is ours; lower case
    std::string line;  // the subscriber's line, when known
    bool enabled = true;
    std::string disabled_reason;
    Credential credential;
    Time created{};
    Time changed{};
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
};

}  // namespace sekisho::account

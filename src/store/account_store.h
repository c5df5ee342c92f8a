// Accounts in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "store/sqlite.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteAccountStore final : public account::AccountStore {
  public:
    explicit SqliteAccountStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<account::Account> find(std::string_view login) override;
    [[nodiscard]] Result<account::Account> find_by_address(std::string_view address) override;
    // In order of login.
    [[nodiscard]] Result<std::vector<account::Account>> list() override;
    // What account::checked() refuses is Invalid.
    Status add(const account::Account& account) override;
    Status update(const account::Account& account) override;
    Status remove(std::string_view login) override;

  private:
    [[nodiscard]] Result<account::Account> find_locked(std::string_view login);
    [[nodiscard]] Status read_addresses(account::Account& account);
    [[nodiscard]] Status write_addresses(const account::Account& account);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

// Accounts in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"
#include "store/sqlite.h"

#include <memory>
#include <mutex>
#include <span>
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
    // Holds the write lock for the whole batch: some seconds for 100,000 accounts, in which the
    // roles' own writes wait.
    Result<account::BatchResult> add_all(
        std::span<const account::Account> accounts, const account::BatchOptions& options
    ) override;
    Status replace_credential(
        std::string_view login, std::string_view before, const account::Credential& credential
    ) override;
    Status set_stays_home(std::string_view login, bool stays_home) override;
    Status set_time_zone(std::string_view login, std::string_view zone) override;
    Status add_app_password(std::string_view login, const account::AppPassword& password) override;
    Status remove_app_password(std::string_view login, std::string_view name) override;
    Status app_password_used(
        std::string_view login, std::string_view name, Time at, std::string_view address
    ) override;

  private:
    // After a statement that was to change the account: NotFound when there is none.
    [[nodiscard]] Status changed(Status written, std::string_view login);
    [[nodiscard]] Result<account::Account> find_locked(std::string_view login);
    [[nodiscard]] Status read_addresses(account::Account& account);
    [[nodiscard]] Status read_app_passwords(account::Account& account);
    // Conflict, without a change, when the login (unless `update`) or an address is taken.
    [[nodiscard]] Status put(
        const account::Account& account, bool update, account::BatchResult& result
    );
    [[nodiscard]] Status check_addresses(const account::Account& account);
    [[nodiscard]] Status write_addresses(const account::Account& account);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

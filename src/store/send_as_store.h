// Addresses elsewhere that accounts may send as, in SQLite. Thread-safe: one connection, one mutex.
// An account of another system has its registrations here as well, so they are no part of the
// accounts table; a trigger removes them with an account of ours.
#pragma once

#include "account/send_as.h"
#include "base/result.h"
#include "base/time.h"
#include "store/sqlite.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteSendAsStore final : public account::SendAsStore {
  public:
    explicit SqliteSendAsStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<std::vector<account::Delegation>> delegations(std::string_view login
    ) override;
    Status add_delegation(const account::Delegation& one) override;
    Status remove_delegation(const account::Delegation& one) override;
    [[nodiscard]] Result<std::vector<account::SendAs>> of(std::string_view login) override;
    [[nodiscard]] Result<account::SendAs> find(std::string_view login, std::string_view address)
        override;
    [[nodiscard]] Result<account::SendAs> find_by_code(std::string_view digest) override;
    Status put(const account::SendAs& one) override;
    Status remove(std::string_view login, std::string_view address) override;
    [[nodiscard]] Result<account::CodesSent> codes_sent(
        std::string_view login, std::string_view address, Time since
    ) override;
    Status put_with_code(const account::SendAs& one, Time at) override;

    // Codes that were mailed, and registrations that nobody proved, before.
    [[nodiscard]] Result<std::int64_t> forget_before(Time time);

  private:
    Status write(const account::SendAs& one);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

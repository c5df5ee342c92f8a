// Aliases and forwards in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "account/forwarding.h"
#include "base/result.h"
#include "store/sqlite.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteForwardStore final : public account::ForwardStore {
  public:
    explicit SqliteForwardStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<account::Alias> alias(std::string_view address) override;
    [[nodiscard]] Result<std::vector<account::Alias>> aliases() override;
    [[nodiscard]] Result<std::vector<std::string>> aliases_to(std::string_view target) override;
    Status set_alias(const account::Alias& alias) override;
    Status set_aliases(const std::vector<account::Alias>& aliases) override;
    Status remove_alias(std::string_view address) override;
    [[nodiscard]] Result<account::Forward> forward(std::string_view login) override;
    [[nodiscard]] Result<std::vector<account::Forward>> forwards() override;
    Status set_forward(const account::Forward& forward) override;
    Status remove_forward(std::string_view login) override;

  private:
    Status write(const account::Alias& alias);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

// Who asked for an exemption, and what became of it, in SQLite. Thread-safe: one connection, one
// mutex. Its history stays when the account goes: an operator may have to answer for it.
#pragma once

#include "base/result.h"
#include "exemption/exemption.h"
#include "store/sqlite.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteRequestStore final : public exemption::RequestStore {
  public:
    explicit SqliteRequestStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    [[nodiscard]] Result<std::int64_t> add(const exemption::Request& request) override;
    [[nodiscard]] Result<bool> replace(const exemption::Request& request, exemption::State before)
        override;
    [[nodiscard]] Result<exemption::Request> find(std::int64_t id) override;
    [[nodiscard]] Result<std::vector<exemption::Request>> of_login(
        std::string_view login, std::size_t limit
    ) override;
    [[nodiscard]] Result<std::vector<exemption::Request>> list(
        std::optional<exemption::State> state, std::size_t limit
    ) override;
    [[nodiscard]] Result<std::vector<exemption::Request>> untold(std::size_t limit) override;

  private:
    [[nodiscard]] Status check_room(const exemption::Request& request);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

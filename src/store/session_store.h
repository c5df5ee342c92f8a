// Sessions and one-time links of the subscriber's own page, in SQLite. Thread-safe: one connection,
// one mutex.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "session/session.h"
#include "store/sqlite.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sekisho::store {

class SqliteSessionStore final : public session::SessionStore {
  public:
    explicit SqliteSessionStore(std::unique_ptr<Database> database)
        : database_(std::move(database)) {}

    Status put(std::string_view digest, const session::Session& session) override;
    [[nodiscard]] Result<std::optional<session::Session>> find(std::string_view digest) override;
    Status seen(std::string_view digest, Time at) override;
    Status end(std::string_view digest) override;
    Result<std::int64_t> end_all(std::string_view login) override;
    Status put_link(std::string_view digest, const session::Link& link) override;
    [[nodiscard]] Result<std::optional<session::Link>> find_link(std::string_view digest) override;
    [[nodiscard]] Result<std::optional<session::Link>> take_link(std::string_view digest) override;

    // Sessions and links that have ended on their own.
    [[nodiscard]] Result<std::int64_t> forget_ended(Time now);

  private:
    [[nodiscard]] Result<std::optional<session::Link>> read_link(std::string_view digest);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

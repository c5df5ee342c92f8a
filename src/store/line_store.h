// Sessions in SQLite. Thread-safe: one connection, one mutex.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/session_rules.h"
#include "store/sqlite.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store {

class SqliteLineStore final : public line::LineStore {
  public:
    explicit SqliteLineStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

    Status put(const line::Session& session) override;
    Status stop(const std::string& nas, const std::string& id, Time at) override;
    Status stop_all(const std::string& nas, Time at) override;
    // Several thousand at a time: one transaction.
    Status put_all(std::span<const line::Session> sessions) override;
    using LineStore::holders;
    [[nodiscard]] Result<std::vector<line::Session>> holders(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) override;
    Status each_open(const std::function<void(const line::Session&)>& visit) override;
    [[nodiscard]] Result<std::vector<line::Session>> sessions_of(
        const std::string& line, std::size_t limit
    ) override;
    [[nodiscard]] Result<std::vector<line::Session>> open_on(const std::string& nas) override;
    [[nodiscard]] Result<std::vector<std::string>> open_nas() override;
    [[nodiscard]] Result<bool> knows(const std::string& nas) override;
    // Forgets what ended before then; returns how many sessions that were. Takes the lock for a
    // few thousand at a time.
    Result<std::int64_t> forget_before(Time time);

    // Hands over what the file held at one moment, over another connection.
    struct Reader {
        std::function<void()> begun;  // that moment has been
        // Each session without its prefixes, in the order in which they were put; then, all of one
        // prefix together, who held it and from when. An error ends the reading.
        std::function<Status(std::int64_t row, const line::Session&)> session;
        std::function<Status(const Prefix&, std::span<const std::pair<std::int64_t, Time>>)> held;
    };
    [[nodiscard]] static Status read_all(Database& reading, const Reader& reader);

    // The look-up behind holders(), for a test that reads its query plan.
    static const std::string_view kHoldersQuery;

  private:
    struct Newest {
        std::int64_t row = 0;
        line::KnownSession known;
    };
    [[nodiscard]] Result<std::optional<Newest>> newest(
        const std::string& nas, const std::string& id
    );
    [[nodiscard]] static Status read_held(Database& reading, const Reader& reader);
    [[nodiscard]] Status put_one(const line::Session& session);
    [[nodiscard]] Result<std::vector<line::Session>> with_prefixes(Statement& statement);
    [[nodiscard]] Status add(const line::Session& session);
    [[nodiscard]] Status refresh(std::int64_t row, const line::Session& session);
    [[nodiscard]] Status hold(std::int64_t row, const Prefix& prefix, Time from);
    [[nodiscard]] Status end(std::int64_t row, Time at);
    [[nodiscard]] Result<std::vector<int>> lengths();
    [[nodiscard]] Result<std::vector<Prefix>> prefixes_of(std::int64_t row);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace sekisho::store

// Sessions in SQLite with a SessionIndex in front: looking up who holds an address asks memory,
// everything else the file. For the one process that writes sessions; others read the file.
//
// The index is read from the file by a thread of its own; until it is there, and should the file be
// damaged, the file is asked. What changes meanwhile is kept and made up for. Thread-safe.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/session_index.h"
#include "store/line_store.h"
#include "store/sqlite.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::store {

struct LineIndexStatus {
    bool ready = false;
    std::string error;  // why there is none
    std::size_t sessions = 0, bytes = 0;
    Duration load_time{};
};

class IndexedLineStore final : public line::LineStore {
  public:
    // `lines` outlives it and is changed through it alone; `reading` is another connection to the
    // same file.
    IndexedLineStore(SqliteLineStore& lines, std::unique_ptr<Database> reading);
    IndexedLineStore(const IndexedLineStore&) = delete;
    IndexedLineStore& operator=(const IndexedLineStore&) = delete;
    ~IndexedLineStore() override;

    Status put(const line::Session& session) override;
    Status put_all(std::span<const line::Session> sessions) override;
    Status stop(const std::string& nas, const std::string& id, Time at) override;
    Status stop_all(const std::string& nas, Time at) override;
    using LineStore::holders;
    [[nodiscard]] Result<std::vector<line::Session>> holders(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) override;
    [[nodiscard]] Result<line::Holder> holder(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) override;
    [[nodiscard]] Result<std::vector<line::Session>> sessions_of(
        const std::string& line, std::size_t limit
    ) override {
        return lines_.sessions_of(line, limit);
    }
    Status each_open(const std::function<void(const line::Session&)>& visit) override {
        return lines_.each_open(visit);
    }
    [[nodiscard]] Result<std::vector<line::Session>> open_on(const std::string& nas) override {
        return lines_.open_on(nas);
    }
    [[nodiscard]] Result<std::vector<std::string>> open_nas() override { return lines_.open_nas(); }
    [[nodiscard]] Result<bool> knows(const std::string& nas) override { return lines_.knows(nas); }

    Result<std::int64_t> forget_before(Time time);
    [[nodiscard]] LineIndexStatus status() const;
    void wait_until_loaded();  // for tests and benchmarks

  private:
    using Change = std::function<Status(line::SessionIndex&)>;

    void load();
    [[nodiscard]] Status fill(line::SessionIndex& index);
    [[nodiscard]] Status catch_up(line::SessionIndex& index);
    // To the file first; then, when it is there, to the index.
    Status change(const std::function<Status()>& in_file, Change in_index);

    SqliteLineStore& lines_;             // NOLINT(*-avoid-const-or-ref-data-members)
    std::unique_ptr<Database> reading_;  // of the loading thread

    std::mutex writing_;          // over changes, so that file and index see them in one order
    std::vector<Change> missed_;  // since the loading thread's view of the file
    bool noting_ = false;         // changes go to missed_

    mutable std::shared_mutex mutex_;            // over the index
    std::unique_ptr<line::SessionIndex> index_;  // null: not there
    LineIndexStatus status_;

    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

}  // namespace sekisho::store

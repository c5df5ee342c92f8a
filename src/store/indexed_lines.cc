#include "store/indexed_lines.h"

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/session_index.h"
#include "store/line_store.h"
#include "store/sqlite.h"

#include <algorithm>
#include <chrono>
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
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

constexpr std::size_t kForgetAtOnce = 20'000;  // a few milliseconds
constexpr std::size_t kMissedMax = 2'000;      // changes made up for while others wait

// The numbers of sessions in the index by their rows in the file, which ascend.
class Rows {
  public:
    void add(std::int64_t row, std::uint32_t number) {
        rows_.push_back(row);
        numbers_.push_back(number);
    }
    [[nodiscard]] std::optional<std::uint32_t> find(std::int64_t row) const {
        // Mostly no row between the first and this one has gone.
        auto at = rows_.empty() ? std::size_t{0} : static_cast<std::size_t>(row - rows_.front());
        if (at >= rows_.size() || rows_[at] != row) {
            at = static_cast<std::size_t>(std::ranges::lower_bound(rows_, row) - rows_.begin());
        }
        return at < rows_.size() && rows_[at] == row ? std::optional{numbers_[at]} : std::nullopt;
    }

  private:
    std::vector<std::int64_t> rows_;
    std::vector<std::uint32_t> numbers_;
};

}  // namespace

IndexedLineStore::IndexedLineStore(SqliteLineStore& lines, std::unique_ptr<Database> reading)
    : lines_(lines), reading_(std::move(reading)), thread_([this] { load(); }) {}

IndexedLineStore::~IndexedLineStore() {
    stopping_ = true;
    wait_until_loaded();
}

void IndexedLineStore::wait_until_loaded() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void IndexedLineStore::load() {
    const auto began = std::chrono::steady_clock::now();
    auto index = std::make_unique<line::SessionIndex>();
    Status loaded = fill(*index);
    if (loaded) {
        loaded = catch_up(*index);
    }
    reading_.reset();
    const std::scoped_lock writing{writing_};
    // The last changes, with nobody making others.
    for (const Change& one : missed_) {
        loaded = loaded ? one(*index) : loaded;
    }
    missed_.clear();
    noting_ = false;
    const std::unique_lock lock{mutex_};
    status_.load_time =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
    if (!loaded) {
        status_.error = loaded.error().message;
        if (loaded.error().code != Errc::Cancelled) {
            log::error(
                "LINES_NOT_INDEXED",
                "who holds an address is asked of the file, which is slower",
                {{"error", status_.error}}
            );
        }
        return;
    }
    log::info(
        "LINES_INDEXED",
        "sessions are in memory",
        {{"sessions", index->sessions()},
         {"bytes", index->bytes()},
         {"milliseconds", status_.load_time.count()}}
    );
    status_.ready = true;
    index_ = std::move(index);
}

// The file as it was at one moment; changes from then on are noted.
Status IndexedLineStore::fill(line::SessionIndex& index) {
    std::unique_lock writing{writing_};
    Rows rows;
    std::vector<std::pair<std::uint32_t, Time>> held;
    SqliteLineStore::Reader reader;
    reader.begun = [&] {
        noting_ = true;
        writing.unlock();
    };
    reader.session = [&](std::int64_t row, const line::Session& session) -> Status {
        const auto number =
            stopping_ ? Result<std::uint32_t>{fail(Errc::Cancelled, "the store is closed")}
                      : index.restore(session);
        if (!number) {
            return fail(number.error());
        }
        rows.add(row, *number);
        return {};
    };
    reader.held = [&](const Prefix& prefix, std::span<const std::pair<std::int64_t, Time>> by) {
        held.clear();
        for (const auto& [row, from] : by) {
            if (const auto number = rows.find(row)) {
                held.emplace_back(*number, from);
            }
        }
        index.restore_held(prefix, held);
        return stopping_ ? Status{fail(Errc::Cancelled, "the store is closed")} : Status{};
    };
    return SqliteLineStore::read_all(*reading_, reader);
}

// Until so few are left that others may wait for them.
Status IndexedLineStore::catch_up(line::SessionIndex& index) {
    while (!stopping_) {
        std::vector<Change> missed;
        {
            const std::scoped_lock writing{writing_};
            if (missed_.size() <= kMissedMax) {
                return {};
            }
            missed.swap(missed_);
        }
        for (const Change& one : missed) {
            if (Status made = one(index); !made) {
                return made;
            }
        }
    }
    return fail(Errc::Cancelled, "the store is closed");
}

Status IndexedLineStore::change(const std::function<Status()>& in_file, Change in_index) {
    const std::scoped_lock writing{writing_};
    if (Status kept = in_file(); !kept) {
        return kept;
    }
    if (noting_) {
        missed_.push_back(std::move(in_index));
        return {};
    }
    const std::unique_lock lock{mutex_};
    return index_ ? in_index(*index_) : Status{};
}

Status IndexedLineStore::put(const line::Session& session) {
    return change(
        [&] { return lines_.put(session); },
        [session](line::SessionIndex& index) { return index.put(session); }
    );
}

Status IndexedLineStore::put_all(std::span<const line::Session> sessions) {
    return change(
        [&] { return lines_.put_all(sessions); },
        [all = std::vector(sessions.begin(), sessions.end())](line::SessionIndex& index) -> Status {
            for (const line::Session& one : all) {
                if (Status made = index.put(one); !made) {
                    return made;
                }
            }
            return {};
        }
    );
}

Status IndexedLineStore::stop(const std::string& nas, const std::string& id, Time at) {
    return change(
        [&] { return lines_.stop(nas, id, at); },
        [nas, id, at](line::SessionIndex& index) -> Status {
            index.stop(nas, id, at);
            return {};
        }
    );
}

Status IndexedLineStore::stop_all(const std::string& nas, Time at) {
    return change(
        [&] { return lines_.stop_all(nas, at); },
        [nas, at](line::SessionIndex& index) -> Status {
            index.stop_all(nas, at);
            return {};
        }
    );
}

Result<std::vector<line::Session>> IndexedLineStore::holders(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port
) {
    {
        const std::shared_lock lock{mutex_};
        if (index_) {
            return index_->holders(address, at, port);
        }
    }
    return lines_.holders(address, at, port);
}

Result<line::Holder> IndexedLineStore::holder(
    const IpAddress& address, Time at, std::optional<std::uint16_t> port
) {
    {
        const std::shared_lock lock{mutex_};
        if (index_) {
            return index_->holder(address, at, port);
        }
    }
    return lines_.holder(address, at, port);
}

Result<std::int64_t> IndexedLineStore::forget_before(Time time) {
    auto forgotten = lines_.forget_before(time);
    for (bool done = false; forgotten && !done && !stopping_;) {
        const std::unique_lock lock{mutex_};
        done = !index_ || index_->forget_before(time, kForgetAtOnce);
    }
    return forgotten;
}

LineIndexStatus IndexedLineStore::status() const {
    const std::shared_lock lock{mutex_};
    LineIndexStatus out = status_;
    if (index_) {
        out.sessions = index_->sessions();
        out.bytes = index_->bytes();
    }
    return out;
}

}  // namespace sekisho::store

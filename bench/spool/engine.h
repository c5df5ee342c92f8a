// What keeps messages durably: ours and what others would take, behind one interface.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::bench {

class Engine {
  public:
    virtual ~Engine() = default;
    // Called by many threads. True: the message is on stable storage.
    virtual bool put(std::string_view message) = 0;
    // For people: settings, and what has been seen of the disk.
    [[nodiscard]] virtual std::string facts() { return {}; }
};

// One commit for all that wait: who comes first commits, for those that came meanwhile, too.
class GroupCommit {
  public:
    using Commit = std::function<bool(const std::vector<std::string_view>&)>;
    explicit GroupCommit(Commit commit) : commit_(std::move(commit)) {}

    bool put(std::string_view message);
    [[nodiscard]] double messages_a_commit() const;

  private:
    struct Waiting {
        std::string_view message;
        bool done = false, ok = false;
    };

    Commit commit_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting*> waiting_;
    bool committing_ = false;
    std::size_t commits_ = 0, messages_ = 0;
};

struct Kind {
    std::string name;
    // `folder` exists and is empty. Null: it could not be opened, stderr says why.
    std::function<std::unique_ptr<Engine>(const std::string& folder)> open;
};

// Those that this binary was built with.
[[nodiscard]] std::vector<Kind> kinds();

[[nodiscard]] Kind segments_kind();  // ours
[[nodiscard]] Kind bare_kind();      // a log and nothing else: what the disk and group commit allow
[[nodiscard]] Kind files_kind();     // a file each: written, synced, renamed, its folder synced
[[nodiscard]] Kind sqlite_kind();
[[nodiscard]] Kind lmdb_kind();
[[nodiscard]] Kind rocksdb_kind();

}  // namespace sekisho::bench

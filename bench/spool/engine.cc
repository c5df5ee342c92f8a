#include "engine.h"

#include <cstddef>
#include <mutex>
#include <string_view>
#include <vector>

namespace sekisho::bench {

bool GroupCommit::put(std::string_view message) {
    Waiting mine{.message = message};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&mine);
    changed_.wait(lock, [this, &mine] { return mine.done || !committing_; });
    if (mine.done) {
        return mine.ok;
    }
    committing_ = true;
    const std::vector<Waiting*> batch = std::move(waiting_);
    waiting_.clear();
    lock.unlock();
    std::vector<std::string_view> messages;
    messages.reserve(batch.size());
    for (const Waiting* one : batch) {
        messages.push_back(one->message);
    }
    const bool ok = commit_(messages);
    lock.lock();
    for (Waiting* one : batch) {
        one->done = true;
        one->ok = ok;
    }
    ++commits_;
    messages_ += batch.size();
    committing_ = false;
    lock.unlock();
    changed_.notify_all();
    return ok;
}

double GroupCommit::messages_a_commit() const {
    const std::scoped_lock lock(mutex_);
    return commits_ == 0 ? 0 : static_cast<double>(messages_) / static_cast<double>(commits_);
}

std::vector<Kind> kinds() {
    return {
        segments_kind(),
        bare_kind(),
        files_kind(),
        sqlite_kind(),
#ifdef SEKISHO_LMDB
        lmdb_kind(),
#endif
#ifdef SEKISHO_ROCKSDB
        rocksdb_kind(),
#endif
    };
}

}  // namespace sekisho::bench

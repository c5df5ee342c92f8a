// For tests: a folder of segment files in memory that fails, lies or loses power on request.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "queue/spool.h"
#include "store/segment_file.h"
#include "store/spool_log.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::store::testing {

enum class Op { Write, Sync, Create, Read };

// Shared by a folder and its files.
struct Disk {
    struct Content {
        std::string now, durable;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> unsynced;  // offset, length
        // Pages that a failed flush should have written: the kernel calls them clean, and no later
        // flush writes them unless they are written to again.
        std::set<std::uint64_t> forgotten;
        void write(std::uint64_t offset, const std::string& bytes) {
            now.replace(offset, bytes.size(), bytes);
            unsynced.emplace_back(offset, bytes.size());
            for (std::uint64_t page = offset / kPage; page * kPage < offset + bytes.size();
                 ++page) {
                forgotten.erase(page);
            }
        }
        void fail_to_flush() {
            for (const auto& [offset, length] : unsynced) {
                for (std::uint64_t page = offset / kPage; page * kPage < offset + length; ++page) {
                    forgotten.insert(page);
                }
            }
        }
        void flush() {
            std::string flushed = now;
            unsynced.clear();
            for (const std::uint64_t page : forgotten) {
                flushed.replace(page * kPage, kPage, durable.substr(page * kPage, kPage));
                unsynced.emplace_back(page * kPage, kPage);
            }
            durable = std::move(flushed);
        }
    };
    static constexpr std::uint64_t kPage = 4096;
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<Content>> files;
    std::map<std::string, std::string> aside;
    std::map<std::string, std::string> hints;  // by their segment
    bool keeps_hints = false;                  // else every opening reads the segments
    // Asked before each operation with its number (from 1); an error makes it fail. A failing write
    // leaves half of its bytes, a failing sync leaves everything unsynced.
    std::function<std::optional<Error>(Op, std::uint64_t)> fault;
    std::uint64_t operations = 0;
    std::uint64_t free = 1ULL << 40U;
    bool sync_lies = false;  // sync() says yes and does nothing
    bool in_memory = true;   // read_at_once() can be had
    bool locked = false;

    std::optional<Error> ask(Op op) {
        ++operations;
        return fault ? fault(op, operations) : std::nullopt;
    }

    // What a machine finds after its power failed: everything synced, and of what wasn't, any
    // 512-byte sectors.
    [[nodiscard]] std::shared_ptr<Disk> after_power_loss(std::uint64_t seed) const {
        constexpr std::uint64_t kSector = 512;
        std::mt19937_64 random(seed);
        auto other = std::make_shared<Disk>();
        const std::scoped_lock lock(mutex);
        other->keeps_hints = keeps_hints;
        for (const auto& [name, bytes] : hints) {  // nobody syncs them
            const std::uint64_t fate = random() % 4;
            if (fate != 0) {
                other->hints[name] =
                    fate == 1 ? bytes.substr(0, random() % (bytes.size() + 1)) : bytes;
            }
        }
        for (const auto& [name, content] : files) {
            auto copy = std::make_shared<Content>(*content);
            copy->now = copy->durable;
            for (const auto& [offset, length] : content->unsynced) {
                for (std::uint64_t at = offset / kSector * kSector; at < offset + length;
                     at += kSector) {
                    if (random() % 2 == 0) {
                        copy->now.replace(at, kSector, content->now.substr(at, kSector));
                    }
                }
            }
            copy->durable = copy->now;
            copy->unsynced.clear();
            copy->forgotten.clear();
            other->files.emplace(name, std::move(copy));
        }
        return other;
    }
    // What the next process finds after this one was killed: the kernel has it all.
    [[nodiscard]] std::shared_ptr<Disk> after_kill() const {
        auto other = std::make_shared<Disk>();
        const std::scoped_lock lock(mutex);
        other->hints = hints;
        other->keeps_hints = keeps_hints;
        for (const auto& [name, content] : files) {
            other->files.emplace(name, std::make_shared<Content>(*content));
        }
        return other;
    }
};

class MemoryFile final : public SegmentFile {
  public:
    MemoryFile(std::shared_ptr<Disk> disk, std::shared_ptr<Disk::Content> content)
        : disk_(std::move(disk)), content_(std::move(content)), size_(content_->now.size()) {}

    Status write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
        std::string bytes;
        for (const std::string_view piece : pieces) {
            bytes += piece;
        }
        const std::scoped_lock lock(disk_->mutex);
        const std::optional<Error> error = disk_->ask(Op::Write);
        if (error) {
            bytes.resize(bytes.size() / 2);
        }
        if (offset + bytes.size() > content_->now.size()) {
            return fail(Errc::Invalid, "write beyond the end of a segment");
        }
        content_->write(offset, bytes);
        written_end_ = std::max(written_end_, offset + bytes.size());
        return error ? Status(fail(*error)) : Status();
    }
    Status sync() override {
        const std::scoped_lock lock(disk_->mutex);
        if (const auto error = disk_->ask(Op::Sync)) {
            content_->fail_to_flush();
            return fail(*error);
        }
        if (!disk_->sync_lies) {
            content_->flush();
            synced_end_ = written_end_;
        }
        return {};
    }
    Result<std::string> read(std::uint64_t offset, std::uint64_t length) override {
        const std::scoped_lock lock(disk_->mutex);
        if (const auto error = disk_->ask(Op::Read)) {
            return fail(*error);
        }
        if (offset + length > content_->now.size()) {
            return fail(Errc::Corrupt, "shorter than its records");
        }
        return content_->now.substr(offset, length);
    }
    Result<std::string> read_at_once(std::uint64_t offset, std::uint64_t length) override {
        return disk_->in_memory ? read(offset, length) : SegmentFile::read_at_once(offset, length);
    }
    std::uint64_t size() const override { return size_; }
    std::uint64_t synced_end() const override { return synced_end_; }
    void restart() override { written_end_ = synced_end_ = 0; }

  private:
    std::shared_ptr<Disk> disk_;
    std::shared_ptr<Disk::Content> content_;
    std::uint64_t size_;
    std::uint64_t written_end_ = 0, synced_end_ = 0;
};

class MemoryFolder final : public SegmentFolder {
  public:
    explicit MemoryFolder(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}
    ~MemoryFolder() override {
        if (mine_) {
            disk_->locked = false;
        }
    }
    Status lock() override {
        if (disk_->locked) {
            return fail(Errc::Conflict, "in use");
        }
        disk_->locked = mine_ = true;
        return {};
    }
    Result<std::vector<std::string>> names() override {
        const std::scoped_lock lock(disk_->mutex);
        std::vector<std::string> names;
        for (const auto& [name, content] : disk_->files) {
            names.push_back(name);
        }
        return names;
    }
    Result<std::unique_ptr<SegmentFile>> open(const std::string& name) override {
        const std::scoped_lock lock(disk_->mutex);
        return std::make_unique<MemoryFile>(disk_, disk_->files.at(name));
    }
    Result<std::unique_ptr<SegmentFile>> create(const std::string& name, std::uint64_t size)
        override {
        const std::scoped_lock lock(disk_->mutex);
        if (const auto error = disk_->ask(Op::Create)) {
            return fail(*error);
        }
        auto content = std::make_shared<Disk::Content>();
        content->now = content->durable = std::string(size, '\0');
        disk_->files[name] = content;
        return std::make_unique<MemoryFile>(disk_, std::move(content));
    }
    Status remove(const std::string& name) override {
        const std::scoped_lock lock(disk_->mutex);
        disk_->files.erase(name);
        return {};
    }
    Status write_hints(const std::string& name, std::string_view bytes) override {
        const std::scoped_lock lock(disk_->mutex);
        if (disk_->keeps_hints) {
            disk_->hints[name] = std::string(bytes);
        }
        return {};
    }
    Result<std::string> read_hints(const std::string& name) override {
        const std::scoped_lock lock(disk_->mutex);
        const auto found = disk_->hints.find(name);
        if (found == disk_->hints.end()) {
            return fail(Errc::NotFound, name);
        }
        return found->second;
    }
    Result<std::uint64_t> free_space() override {
        const std::scoped_lock lock(disk_->mutex);
        return disk_->free;
    }
    Status put_aside(const std::string& name, std::string_view bytes) override {
        const std::scoped_lock lock(disk_->mutex);
        disk_->aside[name] = std::string(bytes);
        return {};
    }

  private:
    std::shared_ptr<Disk> disk_;
    bool mine_ = false;
};

inline constexpr Time kStart = Time{Duration{1'790'000'000'000}};

// Small segments, no threads besides the committer, a clock that stands still.
inline SpoolOptions options_for(const std::shared_ptr<Disk>& disk) {
    SpoolOptions options;
    options.folder = std::make_shared<MemoryFolder>(disk);
    options.segment_size = 32'768;
    options.free_space_min = 1'000'000;
    options.commit_wait = Duration{0};
    options.outcome_wait = Duration{0};
    options.trouble_wait = Duration{1};
    options.background_spares = false;
    options.clock = [] { return kStart; };
    return options;
}

inline std::unique_ptr<queue::Spool> open_or_throw(SpoolOptions options) {
    auto spool = SpoolLog::open(std::move(options));
    if (!spool) {
        throw std::runtime_error(spool.error().message);
    }
    return std::move(*spool);
}

inline queue::Envelope envelope_for(const std::string& recipient) {
    queue::Envelope envelope;
    envelope.reverse_path = "sender@example.net";
    envelope.account = "sender@example.net";
    envelope.client = "192.0.2.1";
    envelope.message_id = "<1@example.net>";
    envelope.accepted = kStart;
    envelope.recipients.push_back({.address = recipient});
    return envelope;
}

inline Result<std::string> append(
    queue::Spool& spool, queue::Envelope envelope, std::string message
) {
    std::promise<Result<std::string>> promise;
    spool.append(std::move(envelope), std::move(message), [&](Result<std::string> result) {
        promise.set_value(std::move(result));
    });
    return promise.get_future().get();
}

inline Status finish(
    queue::Spool& spool, const std::string& queue_id, const queue::Outcome& outcome
) {
    std::promise<Status> promise;
    spool.finish(queue_id, outcome, [&](Status status) { promise.set_value(std::move(status)); });
    return promise.get_future().get();
}

inline queue::Outcome outcome_for(
    const queue::Entry& entry, queue::RecipientState state, std::string reply = "250 2.0.0 ok"
) {
    queue::Outcome outcome;
    for (const queue::Recipient& recipient : entry.envelope.recipients) {
        outcome.recipients.push_back({.address = recipient.address, .state = state, .reply = reply}
        );
    }
    return outcome;
}

}  // namespace sekisho::store::testing

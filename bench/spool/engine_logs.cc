// Ours, a log without anything around it, and a file for each message.
#include "base/result.h"
#include "engine.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::bench {
namespace {

namespace fs = std::filesystem;

queue::Envelope envelope() {
    queue::Envelope envelope;
    envelope.reverse_path = "subscriber@example.net";
    envelope.account = "subscriber@example.net";
    envelope.client = "192.0.2.77";
    envelope.message_id = "<20261124.bench@example.net>";
    for (int i = 0; i < 4; ++i) {
        envelope.recipients.push_back({.address = fmt::format("recipient{}@example.org", i)});
    }
    return envelope;
}

class Segments final : public Engine {
  public:
    explicit Segments(std::unique_ptr<queue::Spool> spool) : spool_(std::move(spool)) {}

    bool put(std::string_view message) override {
        std::binary_semaphore done(0);
        bool ok = false;
        spool_->append(envelope(), std::string(message), [&](const Result<std::string>& result) {
            ok = result.has_value();
            done.release();
        });
        done.acquire();
        return ok;
    }

    std::string facts() override {
        const queue::Spool::Counters seen = spool_->counters();
        return fmt::format(
            "{:.1f} messages a flush, {} acknowledged before they were durable",
            static_cast<double>(seen.appended_total) / static_cast<double>(seen.commits_total),
            seen.acks_before_durable_total
        );
    }

  private:
    std::unique_ptr<queue::Spool> spool_;
};

// RAII of a file descriptor.
class File {
  public:
    explicit File(int fd) : fd_(fd) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

constexpr off_t kAllocated = 64 << 20;  // as a segment of ours

class Bare final : public Engine {
  public:
    explicit Bare(std::string folder) : folder_(std::move(folder)) {}

    bool put(std::string_view message) override { return group_.put(message); }
    std::string facts() override {
        return fmt::format("{:.1f} messages a flush", group_.messages_a_commit());
    }

  private:
    bool commit(const std::vector<std::string_view>& messages) {
        for (const std::string_view message : messages) {
            if (!file_ || at_ + static_cast<off_t>(message.size()) > kAllocated) {
                if (file_ && ::fdatasync(file_->fd()) != 0) {
                    return false;
                }
                const std::string name = fmt::format("{}/{}", folder_, number_++);
                file_ = std::make_unique<File>(
                    ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
                );
                at_ = 0;
                if (file_->fd() < 0 || ::posix_fallocate(file_->fd(), 0, kAllocated) != 0) {
                    return false;
                }
            }
            if (::pwrite(file_->fd(), message.data(), message.size(), at_) !=
                static_cast<ssize_t>(message.size())) {
                return false;
            }
            at_ += static_cast<off_t>(message.size());
        }
        return ::fdatasync(file_->fd()) == 0;
    }

    std::string folder_;
    std::unique_ptr<File> file_;
    off_t at_ = 0;
    int number_ = 0;
    GroupCommit group_{[this](const std::vector<std::string_view>& all) { return commit(all); }};
};

class Files final : public Engine {
  public:
    explicit Files(fs::path folder)
        : folder_(std::move(folder)),
          opened_(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

    bool put(std::string_view message) override {
        const std::string name = std::to_string(next_++);
        const fs::path hidden = folder_ / ("." + name);
        const File file(::open(hidden.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        return file.fd() >= 0 &&
               ::write(file.fd(), message.data(), message.size()) ==
                   static_cast<ssize_t>(message.size()) &&
               ::fsync(file.fd()) == 0 && ::rename(hidden.c_str(), (folder_ / name).c_str()) == 0 &&
               ::fsync(opened_.fd()) == 0;
    }
    std::string facts() override { return "fsync of the file, rename, fsync of the folder"; }

  private:
    fs::path folder_;
    File opened_;
    std::atomic<int> next_ = 0;
};

}  // namespace

Kind segments_kind() {
    return {"Sekisho", [](const std::string& folder) -> std::unique_ptr<Engine> {
                store::SpoolOptions options;
                options.directory = folder;
                options.free_space_min = 0;
                auto opened = store::SpoolLog::open(std::move(options));
                if (!opened) {
                    fmt::print(stderr, "{}\n", opened.error().message);
                    return nullptr;
                }
                return std::make_unique<Segments>(std::move(*opened));
            }};
}

Kind bare_kind() {
    return {"do-nothing", [](const std::string& folder) { return std::make_unique<Bare>(folder); }};
}

Kind files_kind() {
    return {"file each", [](const std::string& folder) { return std::make_unique<Files>(folder); }};
}

}  // namespace sekisho::bench

#include "store/segment_file.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/result.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::store {
namespace {

constexpr std::string_view kPrefix = "segment-";
constexpr std::string_view kSuffix = ".log";
constexpr std::string_view kHintsSuffix = ".hints";
constexpr std::size_t kPiecesMax = 512;  // below IOV_MAX
constexpr std::size_t kZeroBlock = 1U << 20U;

// Advances past what a short write has done.
void advance(std::vector<iovec>& vectors, std::size_t& first, std::size_t written) {
    while (written > 0) {
        iovec& vector = vectors[first];
        const std::size_t part = std::min(written, vector.iov_len);
        vector.iov_base = static_cast<char*>(vector.iov_base) + part;
        vector.iov_len -= part;
        written -= part;
        if (vector.iov_len == 0) {
            ++first;
        }
    }
}

class PosixFile final : public SegmentFile {
  public:
    PosixFile(std::string path, UniqueFd fd, std::uint64_t size)
        : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

    Status write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
        std::vector<iovec> vectors;
        vectors.reserve(pieces.size());
        for (const std::string_view piece : pieces) {
            if (!piece.empty()) {
                // iovec has no const form; pwritev only reads.
                vectors.push_back({const_cast<char*>(piece.data()), piece.size()});  // NOLINT
            }
        }
        std::size_t first = 0;
        while (first < vectors.size()) {
            const std::size_t count = std::min(kPiecesMax, vectors.size() - first);
            const ssize_t written = ::pwritev(
                fd_.get(), &vectors[first], static_cast<int>(count), static_cast<off_t>(offset)
            );
            if (written < 0) {
                if (errno == EINTR) {
                    continue;
                }
                return fail(errno_error(path_));
            }
            offset += static_cast<std::uint64_t>(written);
            advance(vectors, first, static_cast<std::size_t>(written));
        }
        written_end_ = std::max(written_end_, offset);
        return {};
    }

    Status sync() override {
        const std::uint64_t covered = written_end_;
        while (::fdatasync(fd_.get()) != 0) {
            if (errno != EINTR) {
                return fail(errno_error(path_));
            }
        }
        synced_end_ = covered;
        return {};
    }

    Result<std::string> read(std::uint64_t offset, std::uint64_t length) override {
        return read(offset, length, 0);
    }

    Result<std::string> read_at_once(std::uint64_t offset, std::uint64_t length) override {
        return read(offset, length, RWF_NOWAIT);
    }

    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] std::uint64_t synced_end() const override { return synced_end_; }
    void restart() override { written_end_ = synced_end_ = 0; }

  private:
    Result<std::string> read(std::uint64_t offset, std::uint64_t length, int flags) {
        std::string bytes(length, '\0');
        std::size_t done = 0;
        while (done < length) {
            const iovec piece{.iov_base = bytes.data() + done, .iov_len = length - done};
            const ssize_t got =
                ::preadv2(fd_.get(), &piece, 1, static_cast<off_t>(offset + done), flags);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0 && flags != 0) {  // EAGAIN; EOPNOTSUPP where the file system can't say
                return fail(Errc::Unavailable, "not in memory");
            }
            if (got < 0) {
                return fail(errno_error(path_));
            }
            if (got == 0) {
                return fail(Errc::Corrupt, path_ + ": shorter than its records");
            }
            done += static_cast<std::size_t>(got);
        }
        return bytes;
    }

    std::string path_;
    UniqueFd fd_;
    std::uint64_t size_;
    std::uint64_t written_end_ = 0;
    std::uint64_t synced_end_ = 0;
};

Status fill_with_zeros(int fd, const std::string& path, std::uint64_t size) {
    // Really written, not only allocated: a later overwrite then changes no metadata, so that its
    // fdatasync is one flush without a journal commit.
    const std::string zeros(
        static_cast<std::size_t>(std::min<std::uint64_t>(kZeroBlock, size)), '\0'
    );
    for (std::uint64_t done = 0; done < size;) {
        const std::uint64_t part = std::min<std::uint64_t>(zeros.size(), size - done);
        const ssize_t written = ::pwrite(fd, zeros.data(), part, static_cast<off_t>(done));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return fail(errno_error(path));
        }
        done += static_cast<std::uint64_t>(written);
    }
    return ::fsync(fd) == 0 ? Status{} : fail(errno_error(path));
}

class PosixFolder final : public SegmentFolder {
  public:
    PosixFolder(std::string directory, UniqueFd fd)
        : directory_(std::move(directory)), fd_(std::move(fd)) {}

    Status lock() override {
        const std::string path = directory_ + "/lock";
        UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!lock.valid()) {
            return fail(errno_error(path));
        }
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) {
                return fail(errno_error(path));
            }
            std::string holder(32, '\0');
            const ssize_t got = ::pread(lock.get(), holder.data(), holder.size(), 0);
            holder.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
            return fail(
                Errc::Conflict,
                fmt::format(
                    "{}: in use by process {}", directory_, holder.substr(0, holder.find('\n'))
                )
            );
        }
        // For people only; the lock itself is the kernel's and ends with the process.
        const std::string pid = fmt::format("{}\n", ::getpid());
        if (::ftruncate(lock.get(), 0) == 0) {
            (void)::pwrite(lock.get(), pid.data(), pid.size(), 0);
        }
        lock_ = std::move(lock);
        return {};
    }

    Result<std::vector<std::string>> names() override {
        DIR* dir = ::opendir(directory_.c_str());
        if (dir == nullptr) {
            return fail(errno_error(directory_));
        }
        std::vector<std::string> names;
        while (const dirent* entry = ::readdir(dir)) {  // NOLINT(concurrency-mt-unsafe): own stream
            if (segment_number(entry->d_name) != 0) {
                names.emplace_back(entry->d_name);
            }
        }
        ::closedir(dir);
        std::sort(names.begin(), names.end());
        return names;
    }

    Result<std::unique_ptr<SegmentFile>> open(const std::string& name) override {
        const std::string path = directory_ + "/" + name;
        UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
        struct stat info{};
        if (!fd.valid() || ::fstat(fd.get(), &info) != 0) {
            return fail(errno_error(path));
        }
        return std::make_unique<PosixFile>(
            path, std::move(fd), static_cast<std::uint64_t>(info.st_size)
        );
    }

    Result<std::unique_ptr<SegmentFile>> create(const std::string& name, std::uint64_t size)
        override {
        const std::string path = directory_ + "/" + name;
        UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!fd.valid()) {
            return fail(errno_error(path));
        }
        Status filled = fill_with_zeros(fd.get(), path, size);
        if (filled && ::fsync(fd_.get()) != 0) {
            filled = fail(errno_error(directory_));
        }
        if (!filled) {
            ::unlinkat(fd_.get(), name.c_str(), 0);
            return fail(filled.error());
        }
        return std::make_unique<PosixFile>(path, std::move(fd), size);
    }

    Status remove(const std::string& name) override {
        if (::unlinkat(fd_.get(), name.c_str(), 0) != 0) {
            return fail(errno_error(directory_ + "/" + name));
        }
        ::unlinkat(fd_.get(), hints_name(name).c_str(), 0);
        return {};
    }

    Status write_hints(const std::string& name, std::string_view bytes) override {
        const std::string hints = hints_name(name);
        const std::string path = directory_ + "/" + hints;
        const UniqueFd fd(::openat(
            fd_.get(), hints.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600
        ));
        if (!fd.valid()) {
            return fail(errno_error(path));
        }
        while (!bytes.empty()) {
            const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) {
                continue;
            }
            if (written < 0) {
                const Error error = errno_error(path);
                ::unlinkat(fd_.get(), hints.c_str(), 0);
                return fail(error);
            }
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }

    Result<std::string> read_hints(const std::string& name) override {
        return read_file(directory_ + "/" + hints_name(name));
    }

    Result<std::uint64_t> free_space() override {
        struct statvfs info{};
        if (::fstatvfs(fd_.get(), &info) != 0) {
            return fail(errno_error(directory_));
        }
        return std::uint64_t{info.f_bavail} * info.f_frsize;
    }

    Status put_aside(const std::string& name, std::string_view bytes) override {
        const std::string folder = directory_ + "/damaged";
        if (Status made = make_folder(folder, 0700); !made) {
            return made;
        }
        return write_file_atomic(folder + "/" + name, bytes, 0600);
    }

  private:
    std::string directory_;
    UniqueFd fd_;
    UniqueFd lock_;
};

}  // namespace

std::string segment_name(std::uint32_t number) {
    return fmt::format("{}{:08}{}", kPrefix, number, kSuffix);
}

std::string hints_name(std::string_view segment_name) {
    segment_name.remove_suffix(std::min(segment_name.size(), kSuffix.size()));
    return fmt::format("{}{}", segment_name, kHintsSuffix);
}

std::uint32_t segment_number(std::string_view name) {
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) {
        return 0;
    }
    name = name.substr(kPrefix.size());
    name.remove_suffix(kSuffix.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    return error == std::errc{} && end == name.data() + name.size() ? number : 0;
}

Result<std::unique_ptr<SegmentFolder>> open_segment_folder(const std::string& directory) {
    if (Status made = make_folder(directory, 0700); !made) {
        return fail(made.error());
    }
    // Whoever made it may have died before its name was durable, and all mail with it.
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::canonical(directory, error);
    if (Status synced = sync_folder(whole.parent_path().string()); !error && !synced) {
        return fail(synced.error());
    }
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) {
        return fail(errno_error(directory));
    }
    return std::make_unique<PosixFolder>(directory, std::move(fd));
}

}  // namespace sekisho::store

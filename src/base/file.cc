#include "base/file.h"

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace sekisho {
namespace {

Status write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t wrote = ::write(fd, content.data(), content.size());
        if (wrote < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail(errno_error(path));
        }
        content.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t size_max) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) {
        return fail(errno_error(path));
    }
    std::string content;
    std::array<char, 65536> buffer{};
    while (true) {
        const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(errno_error(path));
        }
        if (got == 0) {
            return content;
        }
        content.append(buffer.data(), static_cast<std::size_t>(got));
        if (content.size() > size_max) {
            return fail(Errc::Full, path + ": larger than " + std::to_string(size_max) + " bytes");
        }
    }
}

Status write_file_atomic(const std::string& path, std::string_view content, unsigned mode) {
    const std::string temporary = path + ".new." + random_token(40);
    {
        const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (fd.get() < 0) {
            return fail(errno_error(temporary));
        }
        Status wrote = write_all(fd.get(), content, temporary);
        if (wrote && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0)) {
            wrote = fail(errno_error(temporary));
        }
        if (!wrote) {
            ::unlink(temporary.c_str());
            return wrote;
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const Error error = errno_error(path);
        ::unlink(temporary.c_str());
        return fail(error);
    }
    const std::string folder = std::filesystem::path(path).parent_path().string();
    return sync_folder(folder.empty() ? "." : folder);
}

Status make_folder(const std::string& path, unsigned mode) {
    std::error_code error;
    // Above each folder that is missing is one that gets a new name.
    std::vector<std::filesystem::path> changed;
    std::filesystem::path missing = std::filesystem::path(path).lexically_normal();
    missing = missing.has_filename() ? missing : missing.parent_path();
    while (missing.has_relative_path() && !std::filesystem::exists(missing, error)) {
        missing = missing.parent_path();
        changed.push_back(missing.empty() ? "." : missing);
    }
    const bool created = std::filesystem::create_directories(path, error);
    if (error) {
        return fail(Errc::Unavailable, path + ": " + error.message());
    }
    if (created && ::chmod(path.c_str(), mode) != 0) {
        return fail(errno_error(path));
    }
    for (const std::filesystem::path& folder : changed) {
        if (Status synced = sync_folder(folder.string()); !synced) {
            return synced;
        }
    }
    return {};
}

Status sync_folder(const std::string& path) {
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Who may add a name to a folder need not be allowed to read it.
    if (folder.get() < 0 && errno == EACCES) {
        return {};
    }
    return folder.get() >= 0 && ::fsync(folder.get()) == 0 ? Status{} : fail(errno_error(path));
}

}  // namespace sekisho

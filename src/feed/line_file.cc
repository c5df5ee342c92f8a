#include "feed/line_file.h"

#include "base/fd.h"
#include "base/result.h"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::feed {

bool LineFile::still_there() const {
    struct stat named{};
    struct stat open{};
    return file_.valid() && ::stat(path_.c_str(), &named) == 0 &&
           ::fstat(file_.get(), &open) == 0 && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

Status LineFile::open() {
    constexpr mode_t mode = 0640;
    file_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode));
    return file_.valid() ? Status{} : fail(errno_error(path_));
}

Status LineFile::append(std::string_view lines) {
    if (!still_there()) {
        if (Status opened = open(); !opened) {
            return opened;
        }
    }
    struct stat before{};
    if (::fstat(file_.get(), &before) != 0) {
        return fail(errno_error(path_));
    }
    while (!lines.empty()) {
        const ssize_t wrote = ::write(file_.get(), lines.data(), lines.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            const Error error = errno_error(path_);
            // The same lines come again as a whole; half a line would stay.
            static_cast<void>(::ftruncate(file_.get(), before.st_size));
            return fail(error);
        }
        lines.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return {};
}

}  // namespace sekisho::feed

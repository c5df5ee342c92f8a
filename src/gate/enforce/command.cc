#include "gate/enforce/command.h"

#include "base/bytes.h"
#include "base/result.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sekisho::gate {
namespace {

// Files in memory instead of pipes: nobody can block on a full one, however long the texts are.
class MemoryFile {
  public:
    explicit MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {}
    ~MemoryFile() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

    [[nodiscard]] bool fill(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t wrote = write(fd_, text.data(), text.size());
            if (wrote < 0 && errno == EINTR) {
                continue;
            }
            if (wrote <= 0) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(wrote));
        }
        return lseek(fd_, 0, SEEK_SET) == 0;
    }
    [[nodiscard]] std::string content() const {
        std::string out;
        std::array<char, 16384> part{};
        off_t at = 0;
        for (;;) {
            const ssize_t got = pread(fd_, part.data(), part.size(), at);
            if (got <= 0) {
                return out;
            }
            out.append(part.data(), static_cast<std::size_t>(got));
            at += got;
        }
    }

  private:
    int fd_;
};

std::string find_program(const std::string& program) {
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    const std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin";
    for (const std::string_view folder : split(folders, ':')) {
        const std::string candidate = std::string(folder) + "/" + program;
        if (!folder.empty() && access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
    }
    return {};
}

// As waitpid() gives it; nullopt: errno says why not.
std::optional<int> wait_for_end(pid_t pid, const std::atomic<bool>* stop) {
    constexpr std::chrono::milliseconds kLookAgain{50};
    int status = 0;
    bool told = false;
    for (;;) {
        const pid_t ended = waitpid(pid, &status, stop == nullptr ? 0 : WNOHANG);
        if (ended == pid) {
            return status;
        }
        if (ended < 0 && errno != EINTR) {
            return std::nullopt;
        }
        if (stop != nullptr) {
            if (*stop && !told) {
                kill(pid, SIGTERM);
                told = true;
            }
            std::this_thread::sleep_for(kLookAgain);
        }
    }
}

}  // namespace

Result<CommandOutput> run_command(
    const std::string& program,
    const std::vector<std::string>& arguments,
    std::string_view input,
    const std::atomic<bool>* stop
) {
    const std::string path = find_program(program);
    if (path.empty()) {
        return fail(Errc::NotFound, "the program " + program + " is not installed");
    }
    const MemoryFile in("stdin");
    const MemoryFile out("stdout");
    const MemoryFile err("stderr");
    if (in.fd() < 0 || out.fd() < 0 || err.fd() < 0 || !in.fill(input)) {
        return fail(errno_error("memory for " + program));
    }
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in.fd(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out.fd(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err.fd(), STDERR_FILENO);
    pid_t pid = 0;
    const int spawned = posix_spawn(&pid, path.c_str(), &files, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (spawned != 0) {
        return fail(errno_error("running " + path, spawned));
    }
    const auto status = wait_for_end(pid, stop);
    if (!status) {
        return fail(errno_error("waiting for " + path));
    }
    CommandOutput result;
    result.status = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
    result.out = out.content();
    result.err = err.content();
    return result;
}

}  // namespace sekisho::gate

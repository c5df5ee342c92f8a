#include "cli/supervisor.h"

#include "base/log.h"
#include "base/result.h"
#include "cli/context.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kStartMax{60};
constexpr seconds kStopMax{15};

sigset_t handled() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) {
        sigaddset(&set, signal);
    }
    return set;
}

// The one line that a role writes when it is up or has failed; empty when it ended without one.
std::string read_line(int fd, Clock::time_point until) {
    std::string line;
    std::array<char, 4096> buffer{};
    while (line.find('\n') == std::string::npos && Clock::now() < until) {
        pollfd waiting{fd, POLLIN, 0};
        const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
        if (::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 1))) <= 0) {
            continue;
        }
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got <= 0) {
            break;
        }
        line.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return line;
}

}  // namespace

Supervisor::Supervisor(std::string config_file, std::vector<std::string> roles)
    : config_file_(std::move(config_file)), roles_(std::move(roles)) {
    const sigset_t set = handled();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Supervisor::~Supervisor() {
    stop_all();
}

Result<int> Supervisor::spawn(const std::string& role) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) {
        return fail(errno_error("pipe"));
    }
    ::fcntl(pipe[0], F_SETFD, FD_CLOEXEC);
    const std::string fd = std::to_string(pipe[1]);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return fail(errno_error("fork"));
    }
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) {
            ::_exit(1);  // the parent died before the line above
        }
        const sigset_t set = handled();
        pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        ::setenv("SEKISHO_READY_FD", fd.c_str(), 1);
        ::execl(
            "/proc/self/exe",
            "sekisho",
            role.c_str(),
            "--config",
            config_file_.c_str(),
            static_cast<char*>(nullptr)
        );
        ::_exit(127);
    }
    ::close(pipe[1]);
    children_[role].pid = pid;
    return pipe[0];
}

Result<std::map<std::string, std::vector<std::string>>> Supervisor::start() {
    std::map<std::string, int> pipes;
    for (const std::string& role : roles_) {
        const auto fd = spawn(role);
        if (!fd) {
            return fail(fd.error());
        }
        pipes[role] = *fd;
    }
    std::map<std::string, std::vector<std::string>> summaries;
    std::string failed;
    const auto until = Clock::now() + kStartMax;
    for (const auto& [role, fd] : pipes) {
        const std::string line = read_line(fd, until);
        ::close(fd);
        const Json message = Json::parse(line, nullptr, false);
        if (message.is_object() && message.contains("summary")) {
            summaries[role] = message["summary"].get<std::vector<std::string>>();
            continue;
        }
        const std::string reason =
            message.is_object() ? message.value("error", "it failed") : "it ended without a word";
        if (role == "gate") {
            children_[role].wanted = false;
            summaries[role] = {"not running: " + reason};
        } else {
            failed += (failed.empty() ? "" : "; ") + role + ": " + reason;
        }
    }
    if (!failed.empty()) {
        stop_all();
        return fail(Errc::Unavailable, failed);
    }
    return summaries;
}

void Supervisor::reap() {
    int status = 0;
    while (true) {
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            return;
        }
        for (auto& [role, child] : children_) {
            if (child.pid != pid) {
                continue;
            }
            child.pid = -1;
            if (child.wanted) {
                ++child.failures;
                const seconds wait{std::min(30, 1 << std::min(child.failures - 1, 5))};
                child.again = Clock::now() + wait;
                log::error(
                    "ROLE_DIED",
                    "a role ended by itself and is started again",
                    {{"died", role},
                     {"status", status},
                     {"seconds", static_cast<std::int64_t>(wait.count())}}
                );
            }
        }
    }
}

int Supervisor::watch() {
    const sigset_t set = handled();
    while (true) {
        const timespec second{1, 0};
        const int signal = sigtimedwait(&set, nullptr, &second);
        if (signal == SIGTERM || signal == SIGINT) {
            stop_all();
            return kDone;
        }
        reap();
        for (auto& [role, child] : children_) {
            if (child.wanted && child.pid < 0 && Clock::now() >= child.again) {
                if (const auto fd = spawn(role)) {
                    ::close(*fd);
                }
            }
        }
    }
}

void Supervisor::stop_all() {
    for (auto& [role, child] : children_) {
        child.wanted = false;
        if (child.pid > 0) {
            ::kill(child.pid, SIGTERM);
        }
    }
    const auto until = Clock::now() + kStopMax;
    const sigset_t set = handled();
    const auto running = [this] {
        return std::ranges::any_of(children_, [](const auto& one) { return one.second.pid > 0; });
    };
    while (running() && Clock::now() < until) {
        const timespec moment{0, 100'000'000};
        sigtimedwait(&set, nullptr, &moment);
        reap();
    }
    for (const auto& [role, child] : children_) {
        if (child.pid > 0) {
            log::error(
                "ROLE_KILLED", "a role did not stop in time and is killed", {{"killed", role}}
            );
            ::kill(child.pid, SIGKILL);
            ::waitpid(child.pid, nullptr, 0);
        }
    }
}

}  // namespace sekisho::cli

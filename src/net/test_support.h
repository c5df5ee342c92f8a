// For the tests of the shells: loops that run, folders of their own, other programs.
#pragma once

#include "base/bytes.h"
#include "base/ip.h"
#include "net/server.h"
#include "net/wait.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::net::test {

inline Endpoint loopback(std::uint16_t port = 0) {
    return {IpAddress::v4(0x7F000001), port};
}

// A folder that is gone after the test.
class Folder {
  public:
    Folder()
        : path_(std::filesystem::temp_directory_path() / ("sekisho-test-" + random_token(60))) {
        std::filesystem::create_directories(path_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string operator/(const std::string& name) const {
        return (path_ / name).string();
    }
    [[nodiscard]] std::string path() const { return path_.string(); }
    void write(const std::string& name, const std::string& content) const {
        std::ofstream(path_ / name, std::ios::binary) << content;
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream in(path_ / name, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

  private:
    std::filesystem::path path_;
};

struct Ran {
    int status = -1;
    std::string output;  // standard output and standard error
};

inline Ran run(const std::string& command) {
    Ran ran;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a test's own command line
    FILE* pipe = ::popen(("{ " + command + "\n} 2>&1").c_str(), "re");
    if (pipe == nullptr) {
        return ran;
    }
    std::array<char, 4096> chunk{};
    while (const std::size_t got = ::fread(chunk.data(), 1, chunk.size(), pipe)) {
        ran.output.append(chunk.data(), got);
    }
    const int status = ::pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

inline bool has_program(const std::string& name) {
    return run("PATH=$PATH:/usr/sbin:/sbin command -v " + name).status == 0;
}

// Asks again and again for up to 20 s; the tests assert what came out, never how long it took.
inline bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
}

// A port that was free a moment ago, for other programs to listen on.
inline std::uint16_t free_port(int type = SOCK_STREAM) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) {
        ::close(fd);
        return 0;
    }
    ::close(fd);
    return ntohs(address.sin_port);
}

// Whether something listens there (TCP).
inline bool answers(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected =
        ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
}

// Another program in the background; ended with the object.
class Process {
  public:
    Process(std::vector<std::string> arguments, const std::string& log) {
        std::vector<char*> argv;
        argv.reserve(arguments.size() + 1);
        for (std::string& argument : arguments) {
            argv.push_back(argument.data());
        }
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            const int in = ::open("/dev/null", O_RDONLY);
            ::dup2(in, 0);
            ::dup2(out, 1);
            ::dup2(out, 2);
            ::execvp(argv[0], argv.data());
            ::_exit(127);
        }
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGTERM);
            ::waitpid(pid_, nullptr, 0);
        }
    }

  private:
    pid_t pid_ = -1;
};

// Loops that run, and workers; destroyed in the order that server.h asks for.
class NetTest : public ::testing::Test {
  protected:
    NetTest() : loops(Loops::make(2)), workers(Workers::make(2)) { loops->run(); }
    ~NetTest() override {
        loops->stop();
        workers.reset();
    }
    template <class T>
    T wait(Task<T> task) {
        return wait_for(loops->executor(0), std::move(task));
    }
    std::unique_ptr<Loops> loops;
    std::unique_ptr<Workers> workers;
};

}  // namespace sekisho::net::test

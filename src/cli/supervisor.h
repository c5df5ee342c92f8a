// Runs the roles as processes of their own: starts them, restarts one that died, stops all of them
// together.
#pragma once

#include "base/result.h"

#include <chrono>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sekisho::cli {

class Supervisor {
  public:
    Supervisor(std::string config_file, std::vector<std::string> roles);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    ~Supervisor();

    // Starts every role and waits until each is up: role -> its summary lines. A gate that may not
    // run (no rights, no BPF) is told in its line and left out; another role that fails stops all
    // of it.
    [[nodiscard]] Result<std::map<std::string, std::vector<std::string>>> start();
    // Until SIGINT or SIGTERM; restarts a role that ends by itself, slower each time. The exit
    // code.
    int watch();

  private:
    struct Child {
        pid_t pid = -1;
        int failures = 0;
        std::chrono::steady_clock::time_point again;  // when to start it anew
        bool wanted = true;
    };
    [[nodiscard]] Result<int> spawn(const std::string& role);  // the pipe's reading end
    void reap();
    void stop_all();

    std::string config_file_;
    std::vector<std::string> roles_;
    std::map<std::string, Child> children_;
};

}  // namespace sekisho::cli

// Runs a program with a text on its standard input and collects what it says.
#pragma once

#include "base/result.h"

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {

struct CommandOutput {
    int status = 0;  // exit status; 128 + signal when killed
    std::string out, err;
};
// `program` is looked up in PATH, /usr/sbin and /sbin. An error only when it could not be run.
// Waits until it ends; once `stop` becomes true it is told to (SIGTERM).
[[nodiscard]] Result<CommandOutput> run_command(
    const std::string& program,
    const std::vector<std::string>& arguments,
    std::string_view input,
    const std::atomic<bool>* stop = nullptr
);

}  // namespace sekisho::gate

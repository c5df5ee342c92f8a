// Signals as events of a loop.
#pragma once

#include "net/task.h"

#include <functional>
#include <memory>
#include <vector>

namespace sekisho::net {

class Signals {
  public:
    virtual ~Signals() = default;  // the signals get their default meaning again
};

// Calls `handler` on the executor with the number of each of the signals (SIGINT, SIGTERM, SIGHUP)
// that comes, again and again. Signals that come at once may be told once.
[[nodiscard]] std::unique_ptr<Signals> on_signals(
    const Executor& executor, const std::vector<int>& signals, std::function<void(int)> handler
);

}  // namespace sekisho::net

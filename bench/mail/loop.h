// An epoll loop with due times: one a thread.
#pragma once

#include "base/fd.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>

namespace sekisho::bench {

using Clock = std::chrono::steady_clock;

// Tells its owner by a number what has happened. A late event or due time may tell of a connection
// that was closed meanwhile: the owner checks.
class Loop {
  public:
    using Key = std::uint64_t;

    Loop();
    // Level-triggered for reading; for writing too when `writing`.
    void watch(int fd, Key key);
    void watch_writing(int fd, Key key, bool writing) const;
    // Calls `due` for the key at the time.
    void at(Clock::time_point time, Key key) { due_.emplace(time, key); }
    // One round: waits for at most `patience` or until the next due time, then tells each event.
    void turn(
        std::chrono::milliseconds patience,
        const std::function<void(Key)>& ready,
        const std::function<void(Key)>& due
    );

  private:
    UniqueFd epoll_;
    std::set<std::pair<Clock::time_point, Key>> due_;
};

}  // namespace sekisho::bench

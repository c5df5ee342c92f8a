// A milter of the configuration, as all sessions share it: whether it is there, and what it has
// said. Thread-safe.
#pragma once

#include "base/histogram.h"
#include "base/result.h"
#include "config/config.h"
#include "net/stream.h"
#include "net/task.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::milter {

struct Counters {
    using Count = std::atomic<std::uint64_t>;
    Count messages{0};  // that it was asked about
    Count passed{0}, accepted{0}, rejected{0}, tempfailed{0}, discarded{0};
    Count quarantined{0}, changed{0}, spam{0};
    Count away{0};  // messages that it couldn't be asked about

    // Seconds from the first word about a message's content to the last of the milter's answer.
    Histogram took;
};

class Milter {
  public:
    explicit Milter(config::Milter config) : config_(std::move(config)) {}

    [[nodiscard]] const config::Milter& config() const { return config_; }
    [[nodiscard]] Counters& counters() { return counters_; }

    // A milter that can't be reached isn't tried again for a while, so that sessions don't queue up
    // behind its connect time-out. Empty: it may be tried; else why it was away.
    [[nodiscard]] std::string away(std::chrono::steady_clock::time_point now) const;
    void note_away(std::string why, std::chrono::steady_clock::time_point now);
    void note_back();
    // The last trouble with it, and whether it is over. Empty: there was none.
    [[nodiscard]] std::string trouble() const;

    static constexpr std::chrono::seconds kRest{3};

  private:
    const config::Milter config_;
    Counters counters_;
    mutable std::mutex mutex_;
    std::string why_;
    std::chrono::steady_clock::time_point until_{};
};

// A connection to where the configuration says.
net::Task<Result<std::unique_ptr<net::Stream>>> connect(
    net::Executor executor, config::Milter config
);
// Connects, negotiates and leaves; "version 6" and what it may change. For `sekisho doctor`.
net::Task<Result<std::string>> probe(net::Executor executor, config::Milter config);

}  // namespace sekisho::milter

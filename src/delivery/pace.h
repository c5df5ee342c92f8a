// How fast a destination is served: at most so many messages in a time, as the operator says, and
// fewer connections, after a pause, when its servers ask us to slow down. Pure: the clock is handed
// in.
#pragma once

#include "base/time.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sekisho::delivery {

// What the operator wants at a destination; zero: nothing of its own.
struct Terms {
    std::size_t concurrency = 0;
    std::uint32_t messages = 0;  // in `per`
    Duration per{0};
    friend bool operator==(const Terms&, const Terms&) = default;
};

class Pace {
  public:
    using At = std::chrono::steady_clock::time_point;

    // Connections at once, of those configured.
    [[nodiscard]] std::size_t limit(std::size_t configured) const;
    // When the next message may begin.
    [[nodiscard]] At not_before(const Terms& terms) const;
    void began(const Terms& terms, At now);

    // A server asked us to slow down: half of the connections after a pause, which is twice as long
    // each time. Those that were under way then are part of it.
    void slow_down(std::size_t active, At now, std::string why);
    // A message was taken: after some of them one connection more, until all are allowed. As many
    // as were too many are tried again only after kCautious.
    void fine(std::size_t configured, At now);

    [[nodiscard]] bool slowed() const { return allowed_.has_value(); }
    [[nodiscard]] const std::string& why() const { return why_; }  // the reply
    // Nothing is remembered that would change anything.
    [[nodiscard]] bool idle(At now) const {
        return !slowed() && pause_until_ <= now && next_ <= now;
    }

    static constexpr Duration kFirstPause{15'000}, kLongestPause{10LL * 60'000};
    static constexpr Duration kCautious{3'600'000};
    static constexpr unsigned kFineForOneMore = 10;

  private:
    std::optional<std::size_t> allowed_;
    std::size_t too_many_ = 0;  // connections
    At cautious_until_{};
    At pause_until_{};
    Duration pause_ = kFirstPause;
    unsigned fine_ = 0;
    At next_{};  // of the rate: when it has all of its allowance again (GCRA)
    std::string why_;
};

}  // namespace sekisho::delivery

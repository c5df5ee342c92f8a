#include "delivery/pace.h"

#include "base/time.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace sekisho::delivery {
namespace {

using Steady = std::chrono::steady_clock::duration;

Steady interval(const Terms& terms) {
    return std::chrono::duration_cast<Steady>(terms.per) / terms.messages;
}

// A second's worth may come at once, and one message in any case.
Steady allowance(const Terms& terms) {
    constexpr Duration kAtOnce = std::chrono::seconds(1);
    const auto messages = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(terms.messages) * kAtOnce / std::max(terms.per, Duration{1})
    );
    return interval(terms) * (messages - 1);
}

}  // namespace

std::size_t Pace::limit(std::size_t configured) const {
    return allowed_ ? std::min(*allowed_, configured) : configured;
}

Pace::At Pace::not_before(const Terms& terms) const {
    if (terms.messages == 0) {
        return pause_until_;
    }
    return std::max(pause_until_, next_ - allowance(terms));
}

void Pace::began(const Terms& terms, At now) {
    if (terms.messages > 0) {
        next_ = std::max(next_, now) + interval(terms);
    }
}

void Pace::slow_down(std::size_t active, At now, std::string why) {
    why_ = std::move(why);
    fine_ = 0;
    if (now < pause_until_) {
        return;
    }
    const std::size_t before = allowed_ ? std::min(*allowed_, active) : active;
    allowed_ = std::max<std::size_t>(before / 2, 1);
    too_many_ = std::max<std::size_t>(before, 2);
    cautious_until_ = now + kCautious;
    pause_until_ = now + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
}

void Pace::fine(std::size_t configured, At now) {
    if (!allowed_ || ++fine_ < kFineForOneMore) {
        return;
    }
    fine_ = 0;
    pause_ = kFirstPause;
    if (*allowed_ + 1 >= too_many_ && now < cautious_until_) {
        return;
    }
    if (++*allowed_ >= configured) {
        allowed_.reset();
        why_.clear();
    }
}

}  // namespace sekisho::delivery

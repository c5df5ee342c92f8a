// Who waits for a place at one destination: fair between the owners of the messages, weighted by
// grade, and first come first served within both (start-time fair queueing, as queue/schedule.h).
// Pure.
#pragma once

#include "queue/lane.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sekisho::delivery {

struct Claim {
    std::uint64_t owner = 0;  // queue::Lane's; 0: nobody's, not bound to an owner's share of places
    queue::Grade grade = queue::Grade::Interactive;
    friend auto operator<=>(const Claim&, const Claim&) = default;
};

template <class T>
class Waiting {
  public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::size_t size() const { return size_; }

    void put(const Claim& claim, T who) {
        Lane& lane = lanes_[claim];
        if (lane.who.empty()) {
            lane.start = std::max(lane.finish, clock_);
            order_.insert({lane.start, claim});
        }
        lane.who.push_back(std::move(who));
        ++size_;
    }

    // The next one whose claim is allowed.
    template <class Allowed>
    [[nodiscard]] std::optional<std::pair<Claim, T>> take(const Allowed& allowed) {
        const auto next =
            std::ranges::find_if(order_, [&](const auto& one) { return allowed(one.second); });
        if (next == order_.end()) {
            return std::nullopt;
        }
        const Claim claim = next->second;
        Lane& lane = lanes_.at(claim);
        clock_ = std::max(clock_, lane.start);
        lane.finish =
            lane.start + kUnit / queue::kGradeShares[static_cast<std::size_t>(claim.grade)];
        order_.erase(next);
        std::pair<Claim, T> taken{claim, std::move(lane.who.front())};
        lane.who.pop_front();
        --size_;
        if (!lane.who.empty()) {
            lane.start = lane.finish;
            order_.insert({lane.start, claim});
        } else if (size_ == 0) {
            lanes_.clear();
            clock_ = 0;
        } else if (lanes_.size() > 2 * order_.size() + kIdleMax) {
            std::erase_if(lanes_, [&](const auto& one) {
                return one.second.who.empty() && one.second.finish <= clock_;
            });
        }
        return taken;
    }

    // Everybody, and nobody is left.
    [[nodiscard]] std::vector<T> take_all() {
        std::vector<T> all;
        all.reserve(size_);
        for (auto& [claim, lane] : lanes_) {
            std::ranges::move(lane.who, std::back_inserter(all));
        }
        *this = Waiting{};
        return all;
    }

  private:
    static constexpr std::uint64_t kUnit = 64;  // a multiple of every grade's share
    static constexpr std::size_t kIdleMax = 64;
    struct Lane {
        std::deque<T> who;
        std::uint64_t start = 0, finish = 0;
    };
    std::map<Claim, Lane> lanes_;  // those without anybody keep their finish for a while
    std::set<std::pair<std::uint64_t, Claim>> order_;
    std::uint64_t clock_ = 0;
    std::size_t size_ = 0;
};

}  // namespace sekisho::delivery

#include "delivery/pool.h"

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {

void Pool::forget_if_empty(const std::string& place) {
    const auto found = places_.find(place);
    if (found != places_.end() && found->second.in_use == 0 && found->second.idle == 0) {
        places_.erase(found);
    }
}

Pool::Id Pool::remove(Order::iterator at) {
    const Id id = at->id;
    const std::string place = std::move(at->place);
    idle_.erase(at);
    --places_[place].idle;
    forget_if_empty(place);
    return id;
}

std::optional<Pool::Id> Pool::take(const std::string& place, const std::string& to) {
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& one) {
        return one.place == place && one.to == to;
    });
    if (found == idle_.rend()) {
        return std::nullopt;
    }
    ++in_use_;
    ++places_[place].in_use;
    return remove(std::prev(found.base()));
}

bool Pool::has(const std::string& place, const std::string& to) const {
    return std::ranges::any_of(idle_, [&](const Idle& one) {
        return one.place == place && one.to == to;
    });
}

std::vector<Pool::Id> Pool::opening(const std::string& place) {
    std::vector<Id> leave;
    ++in_use_;
    Count& count = places_[place];
    ++count.in_use;
    while (count.idle > 0 && count.in_use + count.idle > limits_.per_place) {
        leave.push_back(remove(std::ranges::find(idle_, place, &Idle::place)));
    }
    while (!idle_.empty() && in_use_ + idle_.size() > limits_.total) {
        leave.push_back(remove(idle_.begin()));
    }
    return leave;
}

void Pool::gone(const std::string& place) {
    const auto found = places_.find(place);
    SEKISHO_ASSERT(in_use_ > 0 && found != places_.end() && found->second.in_use > 0);
    --in_use_;
    --found->second.in_use;
    forget_if_empty(place);
}

bool Pool::keep(Idle idle) {
    const Count& count = places_[idle.place];
    SEKISHO_ASSERT(in_use_ > 0 && count.in_use > 0);
    // Its own place turns from one in use into an idle one, so these compare with what was there.
    const bool wanted =
        !closed_ && idle.messages < limits_.messages && limits_.idle > Duration{0} &&
        count.in_use + count.idle <= limits_.per_place && in_use_ + idle_.size() <= limits_.total;
    if (!wanted) {
        return false;
    }
    --in_use_;
    --places_[idle.place].in_use;
    ++places_[idle.place].idle;
    idle_.push_back(std::move(idle));
    return true;
}

std::vector<Pool::Id> Pool::expired(Clock::time_point now) {
    std::vector<Id> leave;
    while (!idle_.empty() && idle_.front().since + limits_.idle <= now) {
        leave.push_back(remove(idle_.begin()));
    }
    return leave;
}

std::optional<Pool::Clock::time_point> Pool::next_expiry() const {
    if (idle_.empty()) {
        return std::nullopt;
    }
    return idle_.front().since + limits_.idle;
}

std::vector<Pool::Id> Pool::set_limits(Limits limits) {
    limits_ = limits;
    std::vector<Id> leave;
    for (auto at = idle_.begin(); at != idle_.end();) {
        const auto here = at++;
        const Count& count = places_[here->place];
        if (here->messages >= limits_.messages || limits_.idle <= Duration{0} ||
            count.in_use + count.idle > limits_.per_place ||
            in_use_ + idle_.size() > limits_.total) {
            leave.push_back(remove(here));
        }
    }
    return leave;
}

std::vector<Pool::Id> Pool::close() {
    closed_ = true;
    std::vector<Id> leave;
    while (!idle_.empty()) {
        leave.push_back(remove(idle_.begin()));
    }
    return leave;
}

std::map<std::string, std::size_t> Pool::kept_by_place() const {
    std::map<std::string, std::size_t> result;
    for (const auto& [place, count] : places_) {
        if (count.idle > 0) {
            result[place] = count.idle;
        }
    }
    return result;
}

}  // namespace sekisho::delivery

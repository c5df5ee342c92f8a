// A bounded table from key to state, in order of use. Internal to this room; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sekisho::limit {

template <class State>
class Table {
  public:
    // How much of a key is used now; 0: the state may be dropped without loss.
    using UsedOf = std::function<std::int64_t(const State&)>;

    explicit Table(std::size_t keys_max) : keys_max_(keys_max) {}

    // The state, or null. Doesn't count as a use.
    [[nodiscard]] const State* find(std::string_view key) const {
        const auto found = index_.find(key);
        return found == index_.end() ? nullptr : &found->second->second;
    }

    void put(std::string_view key, const State& state, const UsedOf& used_of) {
        const auto found = index_.find(key);
        if (found != index_.end()) {
            found->second->second = state;
            order_.splice(order_.begin(), order_, found->second);
            return;
        }
        if (order_.size() >= keys_max_) {
            make_room(used_of);
        }
        order_.emplace_front(std::string(key), state);
        index_.emplace(order_.front().first, order_.begin());
    }

    void erase(std::string_view key) {
        const auto found = index_.find(key);
        if (found != index_.end()) {
            const auto entry = found->second;
            index_.erase(found);
            order_.erase(entry);
        }
    }

    template <class Visit>
    void each(const Visit& visit) const {
        for (const auto& [key, state] : order_) {
            visit(std::string_view(key), state);
        }
    }

    [[nodiscard]] std::size_t size() const { return order_.size(); }
    [[nodiscard]] std::uint64_t dropped_live() const { return dropped_live_; }

  private:
    using Order = std::list<std::pair<std::string, State>>;
    static constexpr int kLooked = 8;  // of the oldest keys, at each insertion into a full table

    void make_room(const UsedOf& used_of) {
        auto least = std::prev(order_.end());
        std::int64_t least_used = used_of(least->second);
        auto entry = least;
        for (int looked = 1; looked < kLooked && least_used > 0 && entry != order_.begin();
             ++looked) {
            --entry;
            const std::int64_t used = used_of(entry->second);
            if (used < least_used) {
                least = entry;
                least_used = used;
            }
        }
        dropped_live_ += least_used > 0 ? 1 : 0;
        index_.erase(least->first);
        order_.erase(least);
    }

    std::size_t keys_max_;
    Order order_;                                                           // the last used first
    std::unordered_map<std::string_view, typename Order::iterator> index_;  // views into order_
    std::uint64_t dropped_live_ = 0;
};

}  // namespace sekisho::limit

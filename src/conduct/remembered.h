// A bounded map by text that forgets what was not touched for a time, the oldest first. For one
// thread at a time; reads no clock.
#pragma once

#include "base/assert.h"
#include "base/time.h"

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sekisho::conduct {

template <class Value>
class Remembered {
  public:
    Remembered(std::size_t entries_max, Duration lifetime)
        : entries_max_(entries_max), lifetime_(lifetime) {
        SEKISHO_ASSERT(entries_max > 0 && lifetime > Duration{0});
    }

    struct Entry {
        std::string key;
        Time touched{};
        Value value{};
    };

    // Null when it isn't known any more.
    [[nodiscard]] Entry* find(std::string_view key, Time now) {
        const auto at = index_.find(std::string{key});
        return at == index_.end() || at->second->touched + lifetime_ <= now ? nullptr
                                                                            : &*at->second;
    }
    // The entry, new or as it is, touched now. Times may only grow.
    Entry& touch(std::string_view key, Time now) {
        while (!entries_.empty() && entries_.front().touched + lifetime_ <= now) {
            drop_oldest();
        }
        if (const auto at = index_.find(std::string{key}); at != index_.end()) {
            entries_.splice(entries_.end(), entries_, at->second);
            entries_.back().touched = now;
            return entries_.back();
        }
        if (entries_.size() >= entries_max_) {
            drop_oldest();
        }
        entries_.push_back({std::string{key}, now, {}});
        index_.emplace(entries_.back().key, std::prev(entries_.end()));
        return entries_.back();
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

  private:
    void drop_oldest() {
        index_.erase(entries_.front().key);
        entries_.pop_front();
    }

    const std::size_t entries_max_;
    const Duration lifetime_;
    std::list<Entry> entries_;
    std::unordered_map<std::string, typename std::list<Entry>::iterator> index_;
};

}  // namespace sekisho::conduct

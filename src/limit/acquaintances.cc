#include "limit/acquaintances.h"

#include "base/bytes.h"
#include "limit/gcra.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::limit {
namespace {

constexpr std::chrono::hours kKeptAgainAfter{24};

// 64 bits: two of half a million pairs are taken for one with a chance of one in a hundred
// million, and then one recipient isn't counted as new.
std::uint64_t pair_of(std::string_view account, std::string_view recipient) {
    const std::string digest =
        sha256(to_lower(account) + std::string(1, '\0') + to_lower(recipient));
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i) {
        out = out << 8U | static_cast<unsigned char>(digest[i]);
    }
    return out;
}

}  // namespace

bool Acquaintances::knows(std::string_view account, std::string_view recipient, Instant now) {
    const std::uint64_t pair = pair_of(account, recipient);
    const std::scoped_lock lock(mutex_);
    const auto at = index_.find(pair);
    return at != index_.end() && at->second->pair.last + kKnownFor > now;
}

void Acquaintances::put(const Acquaintance& pair, Instant kept) {
    if (const auto at = index_.find(pair.pair); at != index_.end()) {
        order_.splice(order_.end(), order_, at->second);
        order_.back().pair.last = std::max(order_.back().pair.last, pair.last);
        order_.back().kept = kept;
        return;
    }
    if (order_.size() >= pairs_max_) {
        index_.erase(order_.front().pair.pair);
        order_.pop_front();
    }
    order_.push_back({pair, kept});
    index_.emplace(pair.pair, std::prev(order_.end()));
}

void Acquaintances::met(std::string_view account, std::string_view recipient, Instant now) {
    const Acquaintance pair{pair_of(account, recipient), now};
    const std::scoped_lock lock(mutex_);
    const auto at = index_.find(pair.pair);
    const Instant kept = at == index_.end() ? Instant{} : at->second->kept;
    const bool news = kept + kKeptAgainAfter <= now;
    if (news && changed_.size() < pairs_max_) {
        changed_.push_back(pair);
    }
    put(pair, news ? now : kept);
}

std::vector<Acquaintance> Acquaintances::changes(std::size_t max) {
    const std::scoped_lock lock(mutex_);
    const auto end = changed_.begin() + static_cast<std::ptrdiff_t>(std::min(max, changed_.size()));
    std::vector<Acquaintance> out(changed_.begin(), end);
    changed_.erase(changed_.begin(), end);
    return out;
}

void Acquaintances::restore(std::span<const Acquaintance> pairs) {
    const std::scoped_lock lock(mutex_);
    for (const Acquaintance& pair : pairs) {
        put(pair, pair.last);
    }
}

std::size_t Acquaintances::size() const {
    const std::scoped_lock lock(mutex_);
    return order_.size();
}

}  // namespace sekisho::limit

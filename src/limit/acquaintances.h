// To whom each account has sent before, so that recipients that are new to it can be counted.
// Remembers digests, no addresses. Bounded, thread-safe; reads no clock.
#pragma once

#include "limit/gcra.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sekisho::limit {

struct Acquaintance {
    std::uint64_t pair = 0;  // a digest of account and recipient
    Instant last{};
};

class Acquaintances {
  public:
    explicit Acquaintances(std::size_t pairs_max = 500'000) : pairs_max_(pairs_max) {}

    [[nodiscard]] bool knows(std::string_view account, std::string_view recipient, Instant now);
    // A message to it was taken.
    void met(std::string_view account, std::string_view recipient, Instant now);

    // What is worth keeping: pairs that are new or were last kept a day ago, at most `max`.
    [[nodiscard]] std::vector<Acquaintance> changes(std::size_t max);
    // What was kept, oldest first.
    void restore(std::span<const Acquaintance> pairs);
    [[nodiscard]] std::size_t size() const;

    static constexpr std::chrono::hours kKnownFor{90 * 24};

  private:
    struct Known {
        Acquaintance pair;
        Instant kept{};
    };
    void put(const Acquaintance& pair, Instant kept);

    const std::size_t pairs_max_;
    mutable std::mutex mutex_;
    std::list<Known> order_;  // the longest unused first
    std::unordered_map<std::uint64_t, std::list<Known>::iterator> index_;
    std::vector<Acquaintance> changed_;
};

}  // namespace sekisho::limit

// How many connections there are, in all and for each client: an IPv4 address, or an IPv6 /64,
// which is what one line has. Thread-safe.
#pragma once

#include "base/ip.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

namespace sekisho::limit {

// What limits count an address as: itself, or its /64.
[[nodiscard]] Prefix client_key(const IpAddress& address);

class Connections {
  public:
    // One connection's place; gives it back at its end.
    class Place {
      public:
        Place() = default;
        Place(Connections* table, Prefix key) : table_(table), key_(key) {}
        Place(Place&& other) noexcept
            : table_(std::exchange(other.table_, nullptr)), key_(other.key_) {}
        Place& operator=(Place&& other) noexcept;
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() { release(); }
        [[nodiscard]] explicit operator bool() const { return table_ != nullptr; }

      private:
        void release() noexcept;
        Connections* table_ = nullptr;
        Prefix key_;
    };

    // An empty place when a limit is reached.
    [[nodiscard]] Place enter(
        const IpAddress& client, std::uint32_t total_max, std::uint32_t per_client_max
    );
    [[nodiscard]] std::uint32_t total() const;

  private:
    mutable std::mutex mutex_;
    std::map<Prefix, std::uint32_t> by_client_;
    std::uint32_t total_ = 0;
};

}  // namespace sekisho::limit

// Which connections are kept between messages, for how long, and which give way to new ones. Pure:
// it knows numbers, not sockets; connections.h does what it says.
//
// A connection belongs to a place (route.h: what is counted together) and leads to one host with
// one demand for security (`to`). It is in use, or kept, or gone. Those in use are limited by
// slots.h; here those that are kept give way, so that both together stay within the limits.
#pragma once

#include "base/time.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::delivery {

class Pool {
  public:
    using Clock = std::chrono::steady_clock;
    using Id = std::uint64_t;
    struct Limits {
        std::size_t total = 100;
        std::size_t per_place = 10;
        std::size_t messages = 100;  // over one connection; 1: none is kept
        Duration idle{10'000};
    };

    explicit Pool(Limits limits) : limits_(limits) {}

    // The one used last, which is the least likely to have been closed meanwhile; then in use.
    [[nodiscard]] std::optional<Id> take(const std::string& place, const std::string& to);
    [[nodiscard]] bool has(const std::string& place, const std::string& to) const;
    // A new connection is about to be opened, and in use from now on. What is returned is to be
    // closed for it.
    [[nodiscard]] std::vector<Id> opening(const std::string& place);
    // A connection in use has ended.
    void gone(const std::string& place);
    // A connection in use has carried so many messages and could carry more. False: it is to be
    // closed, and gone.
    struct Idle {
        Id id = 0;
        std::string place, to;
        std::size_t messages = 0;
        Clock::time_point since;
    };
    [[nodiscard]] bool keep(Idle idle);

    // What has been idle for too long; when the next one will have been.
    [[nodiscard]] std::vector<Id> expired(Clock::time_point now);
    [[nodiscard]] std::optional<Clock::time_point> next_expiry() const;
    [[nodiscard]] std::vector<Id> set_limits(Limits limits);
    // All that are kept; none will be after this.
    [[nodiscard]] std::vector<Id> close();

    [[nodiscard]] std::size_t kept() const { return idle_.size(); }
    [[nodiscard]] std::map<std::string, std::size_t> kept_by_place() const;

  private:
    using Order = std::list<Idle>;  // the longest idle first
    struct Count {
        std::size_t in_use = 0, idle = 0;
    };

    Id remove(Order::iterator at);
    void forget_if_empty(const std::string& place);

    Limits limits_;
    Order idle_;
    std::map<std::string, Count> places_;
    std::size_t in_use_ = 0;
    bool closed_ = false;
};

}  // namespace sekisho::delivery

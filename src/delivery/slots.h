// How many connections may be open at once, in all and to one destination. Who comes when all are
// taken waits: round the destinations, and within one fairly between owners and grades
// (waiting.h). One owner never has the last fifth of the places (one at least, when there are two
// or more), in all or at a destination: somebody else's message finds one at once.
#pragma once

#include "base/time.h"
#include "delivery/pace.h"
#include "delivery/waiting.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::delivery {

class Slots {
  public:
    struct Limits {
        std::size_t total = 100;
        std::size_t per_destination = 10;
    };
    // Gives the place back at its end.
    class Slot {
      public:
        Slot() = default;
        Slot(std::shared_ptr<Slots> slots, std::string destination, std::uint64_t owner);
        Slot(Slot&& other) noexcept = default;
        Slot& operator=(Slot&& other) noexcept;
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;
        ~Slot();

      private:
        void give_back();
        std::shared_ptr<Slots> slots_;
        std::string destination_;
        std::uint64_t owner_ = 0;
    };
    struct Granted {
        Slot slot;
        std::optional<smtp::Reply> refused;  // set: the destination turned out to be down meanwhile
        bool closed = false;                 // refused because of close()
    };

    // Calls back after a time, once; on any thread. Empty: nobody is paced.
    using Later = std::function<void(Duration, std::function<void()>)>;
    [[nodiscard]] static std::shared_ptr<Slots> make(Limits limits, Later later = {});
    virtual ~Slots() = default;
    // With `terms` of its own, the latest count for all who wait there.
    [[nodiscard]] virtual net::Task<Granted> take(
        std::string destination, Claim claim, Terms terms
    ) = 0;
    [[nodiscard]] net::Task<Granted> take(std::string destination, Claim claim) {
        return take(std::move(destination), claim, Terms{});
    }
    // What was learnt there: a server asked us to slow down, or took a message.
    virtual void slow_down(const std::string& destination, const std::string& reply) = 0;
    virtual void fine(const std::string& destination) = 0;
    // No host of the destination could be reached: those who wait for it needn't find out one after
    // the other.
    virtual void refuse_waiting(const std::string& destination, const smtp::Reply& reply) = 0;
    virtual void set_limits(Limits limits) = 0;
    // Refuses all who wait and all who will come. Needed before the end of the loops too: a waiting
    // task and this table hold each other.
    virtual void close() = 0;

    struct Use {
        std::size_t active = 0, waiting = 0;
        std::size_t limit = 0;  // connections at once, now
        Duration pause{0};      // from now until the next may begin
        std::string slowed_by;  // the reply; empty: nobody slows us down
    };
    [[nodiscard]] virtual std::map<std::string, Use> use() const = 0;

  protected:
    virtual void release(const std::string& destination, std::uint64_t owner) = 0;
};

}  // namespace sekisho::delivery

#include "delivery/slots.h"

#include "delivery/waiting.h"
#include "net/callback.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

class Table final : public Slots, public std::enable_shared_from_this<Table> {
  public:
    explicit Table(Limits limits) : limits_(limits) {}

    net::Task<Granted> take(std::string destination, Claim claim) override {
        return take_in(shared_from_this(), std::move(destination), claim);
    }

    void refuse_waiting(const std::string& destination, const smtp::Reply& reply) override {
        std::vector<std::shared_ptr<Waiter>> refused;
        {
            const std::scoped_lock lock(mutex_);
            const auto found = queues_.find(destination);
            if (found == queues_.end()) {
                return;
            }
            refused = found->second.waiting.take_all();
            forget_if_idle(found);
        }
        for (const auto& waiter : refused) {
            waiter->refused = reply;
            waiter->wake();
        }
    }

    void set_limits(Limits limits) override {
        std::vector<std::shared_ptr<Waiter>> ready;
        {
            const std::scoped_lock lock(mutex_);
            limits_ = limits;
            ready = grant();
        }
        resume(ready);
    }

    void close() override {
        std::vector<std::shared_ptr<Waiter>> refused;
        {
            const std::scoped_lock lock(mutex_);
            closed_ = true;
            for (auto& [name, queue] : queues_) {
                std::ranges::move(queue.waiting.take_all(), std::back_inserter(refused));
            }
            std::erase_if(queues_, [](const auto& entry) {
                return entry.second.active.size() == 0;
            });
        }
        refuse_closed(refused);
    }

    [[nodiscard]] std::map<std::string, Use> use() const override {
        const std::scoped_lock lock(mutex_);
        std::map<std::string, Use> result;
        for (const auto& [name, queue] : queues_) {
            result[name] = {.active = queue.active.size(), .waiting = queue.waiting.size()};
        }
        return result;
    }

  protected:
    void release(const std::string& destination, std::uint64_t owner) override {
        std::vector<std::shared_ptr<Waiter>> ready;
        {
            const std::scoped_lock lock(mutex_);
            const auto found = queues_.find(destination);
            if (found == queues_.end()) {
                return;
            }
            active_.leave(owner);
            found->second.active.leave(owner);
            ready = grant();
            forget_if_idle(queues_.find(destination));
        }
        resume(ready);
    }

  private:
    struct Waiter {
        std::function<void()> resume;
        std::optional<smtp::Reply> refused;
        bool closed = false;

        // Lets go of the task, which holds this.
        void wake() {
            const auto call = std::move(resume);
            resume = nullptr;
            call();
        }
    };
    // Those who have a place.
    class Active {
      public:
        [[nodiscard]] std::size_t size() const { return size_; }
        // Whether one more of the owner leaves somebody else's place free.
        [[nodiscard]] bool may_enter(std::uint64_t owner, std::size_t limit) const {
            if (size_ >= limit) {
                return false;
            }
            if (owner == 0 || limit < 2) {
                return true;
            }
            const std::size_t share = limit - std::max<std::size_t>(limit / kReserved, 1);
            const auto found = by_owner_.find(owner);
            return found == by_owner_.end() || found->second < share;
        }
        void enter(std::uint64_t owner) {
            ++size_;
            ++by_owner_[owner];
        }
        void leave(std::uint64_t owner) {
            --size_;
            if (--by_owner_.at(owner) == 0) {
                by_owner_.erase(owner);
            }
        }

      private:
        static constexpr std::size_t kReserved = 5;
        std::size_t size_ = 0;
        std::map<std::uint64_t, std::size_t> by_owner_;
    };
    struct Queue {
        Active active;
        Waiting<std::shared_ptr<Waiter>> waiting;
    };
    using Queues = std::map<std::string, Queue>;

    static net::Task<Granted> take_in(
        std::shared_ptr<Table> table, std::string destination, Claim claim
    ) {
        auto waiter = std::make_shared<Waiter>();
        std::function<void(std::function<void()>)> begin =
            [table, destination, claim, waiter](std::function<void()> resume) {
                waiter->resume = std::move(resume);
                table->enter(destination, claim, waiter);
            };
        co_await net::suspend(std::move(begin));
        Granted granted;
        granted.refused = waiter->refused;
        granted.closed = waiter->closed;
        if (!granted.refused) {
            granted.slot = Slot(table, destination, claim.owner);
        }
        co_return granted;
    }

    void enter(const std::string& destination, const Claim& claim, std::shared_ptr<Waiter> waiter) {
        std::vector<std::shared_ptr<Waiter>> ready;
        std::vector<std::shared_ptr<Waiter>> refused;
        {
            const std::scoped_lock lock(mutex_);
            if (closed_) {
                refused.push_back(std::move(waiter));
            } else {
                queues_[destination].waiting.put(claim, std::move(waiter));
                ready = grant();
            }
        }
        resume(ready);
        refuse_closed(refused);
    }

    static void refuse_closed(const std::vector<std::shared_ptr<Waiter>>& waiters) {
        for (const auto& waiter : waiters) {
            waiter->closed = true;
            waiter->refused = smtp::reply(451, "4.3.2", "The delivery is stopping");
            waiter->wake();
        }
    }

    // Under the lock: who may go on now. Round the destinations, so that a long queue for one
    // doesn't keep the total from the others.
    std::vector<std::shared_ptr<Waiter>> grant() {
        std::vector<std::shared_ptr<Waiter>> ready;
        bool found = true;
        while (found && active_.size() < limits_.total) {
            found = false;
            for (auto& [name, queue] : queues_) {
                if (queue.active.size() >= limits_.per_destination) {
                    continue;
                }
                auto next = queue.waiting.take([&](const Claim& claim) {
                    return active_.may_enter(claim.owner, limits_.total) &&
                           queue.active.may_enter(claim.owner, limits_.per_destination);
                });
                if (next) {
                    queue.active.enter(next->first.owner);
                    active_.enter(next->first.owner);
                    ready.push_back(std::move(next->second));
                    found = true;
                }
            }
        }
        return ready;
    }

    void forget_if_idle(Queues::iterator at) {
        if (at != queues_.end() && at->second.active.size() == 0 && at->second.waiting.empty()) {
            queues_.erase(at);
        }
    }

    static void resume(const std::vector<std::shared_ptr<Waiter>>& ready) {
        for (const auto& waiter : ready) {
            waiter->wake();
        }
    }

    mutable std::mutex mutex_;
    Limits limits_;
    Queues queues_;
    Active active_;
    bool closed_ = false;
};

}  // namespace

std::shared_ptr<Slots> Slots::make(Limits limits) {
    return std::make_shared<Table>(limits);
}

Slots::Slot::Slot(std::shared_ptr<Slots> slots, std::string destination, std::uint64_t owner)
    : slots_(std::move(slots)), destination_(std::move(destination)), owner_(owner) {}

Slots::Slot& Slots::Slot::operator=(Slot&& other) noexcept {
    if (this != &other) {
        give_back();
        slots_ = std::move(other.slots_);
        destination_ = std::move(other.destination_);
        owner_ = other.owner_;
    }
    return *this;
}

Slots::Slot::~Slot() {
    give_back();
}

void Slots::Slot::give_back() {
    if (slots_) {
        slots_->release(destination_, owner_);
        slots_.reset();
    }
}

}  // namespace sekisho::delivery

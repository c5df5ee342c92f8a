#include "delivery/slots.h"

#include "net/callback.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
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

    net::Task<Granted> take(std::string destination) override {
        return take_in(shared_from_this(), std::move(destination));
    }

    void refuse_waiting(const std::string& destination, const smtp::Reply& reply) override {
        std::deque<std::shared_ptr<Waiter>> refused;
        {
            const std::scoped_lock lock(mutex_);
            const auto found = queues_.find(destination);
            if (found == queues_.end()) {
                return;
            }
            refused.swap(found->second.waiting);
            forget_if_idle(found);
        }
        for (const auto& waiter : refused) {
            waiter->refused = reply;
            waiter->resume();
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

    [[nodiscard]] std::map<std::string, Use> use() const override {
        const std::scoped_lock lock(mutex_);
        std::map<std::string, Use> result;
        for (const auto& [name, queue] : queues_) {
            result[name] = {.active = queue.active, .waiting = queue.waiting.size()};
        }
        return result;
    }

  protected:
    void release(const std::string& destination) override {
        std::vector<std::shared_ptr<Waiter>> ready;
        {
            const std::scoped_lock lock(mutex_);
            const auto found = queues_.find(destination);
            if (found == queues_.end()) {
                return;
            }
            --active_;
            --found->second.active;
            ready = grant();
            forget_if_idle(queues_.find(destination));
        }
        resume(ready);
    }

  private:
    struct Waiter {
        std::function<void()> resume;
        std::optional<smtp::Reply> refused;
    };
    struct Queue {
        std::size_t active = 0;
        std::deque<std::shared_ptr<Waiter>> waiting;
    };
    using Queues = std::map<std::string, Queue>;

    static net::Task<Granted> take_in(std::shared_ptr<Table> table, std::string destination) {
        auto waiter = std::make_shared<Waiter>();
        std::function<void(std::function<void()>)> begin =
            [table, destination, waiter](std::function<void()> resume) {
                waiter->resume = std::move(resume);
                table->enter(destination, waiter);
            };
        co_await net::suspend(std::move(begin));
        Granted granted;
        granted.refused = waiter->refused;
        if (!granted.refused) {
            granted.slot = Slot(table, destination);
        }
        co_return granted;
    }

    void enter(const std::string& destination, std::shared_ptr<Waiter> waiter) {
        std::vector<std::shared_ptr<Waiter>> ready;
        {
            const std::scoped_lock lock(mutex_);
            queues_[destination].waiting.push_back(std::move(waiter));
            ready = grant();
        }
        resume(ready);
    }

    // Under the lock: who may go on now. Round the destinations, so that a long queue for one
    // doesn't keep the total from the others.
    std::vector<std::shared_ptr<Waiter>> grant() {
        std::vector<std::shared_ptr<Waiter>> ready;
        bool found = true;
        while (found && active_ < limits_.total) {
            found = false;
            for (auto& [name, queue] : queues_) {
                if (active_ >= limits_.total) {
                    break;
                }
                if (queue.waiting.empty() || queue.active >= limits_.per_destination) {
                    continue;
                }
                ready.push_back(std::move(queue.waiting.front()));
                queue.waiting.pop_front();
                ++queue.active;
                ++active_;
                found = true;
            }
        }
        return ready;
    }

    void forget_if_idle(Queues::iterator at) {
        if (at != queues_.end() && at->second.active == 0 && at->second.waiting.empty()) {
            queues_.erase(at);
        }
    }

    static void resume(const std::vector<std::shared_ptr<Waiter>>& ready) {
        for (const auto& waiter : ready) {
            waiter->resume();
        }
    }

    mutable std::mutex mutex_;
    Limits limits_;
    Queues queues_;
    std::size_t active_ = 0;
};

}  // namespace

std::shared_ptr<Slots> Slots::make(Limits limits) {
    return std::make_shared<Table>(limits);
}

Slots::Slot::Slot(std::shared_ptr<Slots> slots, std::string destination)
    : slots_(std::move(slots)), destination_(std::move(destination)) {}

Slots::Slot& Slots::Slot::operator=(Slot&& other) noexcept {
    if (this != &other) {
        give_back();
        slots_ = std::move(other.slots_);
        destination_ = std::move(other.destination_);
    }
    return *this;
}

Slots::Slot::~Slot() {
    give_back();
}

void Slots::Slot::give_back() {
    if (slots_) {
        slots_->release(destination_);
        slots_.reset();
    }
}

}  // namespace sekisho::delivery

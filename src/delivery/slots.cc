#include "delivery/slots.h"

#include "base/time.h"
#include "delivery/pace.h"
#include "delivery/waiting.h"
#include "net/callback.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <algorithm>
#include <chrono>
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
    Table(Limits limits, Later later) : limits_(limits), later_(std::move(later)) {}

    net::Task<Granted> take(std::string destination, Claim claim, Terms terms) override {
        return take_in(shared_from_this(), std::move(destination), claim, terms);
    }

    void slow_down(const std::string& destination, const std::string& reply) override {
        const std::scoped_lock lock(mutex_);
        const auto found = queues_.find(destination);
        const std::size_t active = found == queues_.end() ? 1 : found->second.active.size();
        if (paces_.size() >= kPacesMax && !paces_.contains(destination)) {
            std::erase_if(paces_, [at = Clock::now()](const auto& one) {
                return one.second.idle(at);
            });
        }
        if (paces_.size() < kPacesMax || paces_.contains(destination)) {
            paces_[destination].slow_down(active, Clock::now(), reply);
        }
    }

    void fine(const std::string& destination) override {
        std::vector<std::shared_ptr<Waiter>> ready;
        {
            const std::scoped_lock lock(mutex_);
            const auto pace = paces_.find(destination);
            if (pace == paces_.end()) {
                return;
            }
            const auto queue = queues_.find(destination);
            pace->second.fine(
                queue == queues_.end() ? limits_.per_destination : configured(queue->second),
                Clock::now()
            );
            ready = grant();
        }
        resume(ready);
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
        const auto at = Clock::now();
        for (const auto& [name, queue] : queues_) {
            Use& use = result[name];
            use.active = queue.active.size();
            use.waiting = queue.waiting.size();
            use.limit = configured(queue);
        }
        for (const auto& [name, pace] : paces_) {
            const auto queue = queues_.find(name);
            const Terms terms = queue == queues_.end() ? Terms{} : queue->second.terms;
            if (queue == queues_.end() && !pace.slowed()) {
                continue;
            }
            Use& use = result[name];
            use.limit = pace.limit(use.limit == 0 ? limits_.per_destination : use.limit);
            use.slowed_by = pace.why();
            use.pause =
                std::max(std::chrono::ceil<Duration>(pace.not_before(terms) - at), Duration{0});
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
        Terms terms;
        bool called_later = false;  // grant() comes for it
    };
    using Queues = std::map<std::string, Queue>;
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kPacesMax = 50'000;

    [[nodiscard]] std::size_t configured(const Queue& queue) const {
        return queue.terms.concurrency > 0 ? queue.terms.concurrency : limits_.per_destination;
    }

    static net::Task<Granted> take_in(
        std::shared_ptr<Table> table, std::string destination, Claim claim, Terms terms
    ) {
        auto waiter = std::make_shared<Waiter>();
        std::function<void(std::function<void()>)> begin =
            [table, destination, claim, terms, waiter](std::function<void()> resume) {
                waiter->resume = std::move(resume);
                table->enter(destination, claim, terms, waiter);
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

    void enter(
        const std::string& destination,
        const Claim& claim,
        const Terms& terms,
        std::shared_ptr<Waiter> waiter
    ) {
        std::vector<std::shared_ptr<Waiter>> ready;
        std::vector<std::shared_ptr<Waiter>> refused;
        {
            const std::scoped_lock lock(mutex_);
            if (closed_) {
                refused.push_back(std::move(waiter));
            } else {
                Queue& queue = queues_[destination];
                queue.terms = terms;
                queue.waiting.put(claim, std::move(waiter));
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
                const std::size_t limit = allowed(name, queue);
                if (queue.waiting.empty() || queue.active.size() >= limit || paused(name, queue)) {
                    continue;
                }
                auto next = queue.waiting.take([&](const Claim& claim) {
                    return active_.may_enter(claim.owner, limits_.total) &&
                           queue.active.may_enter(claim.owner, limit);
                });
                if (next) {
                    begin(name, queue);
                    queue.active.enter(next->first.owner);
                    active_.enter(next->first.owner);
                    ready.push_back(std::move(next->second));
                    found = true;
                }
            }
        }
        return ready;
    }

    [[nodiscard]] std::size_t allowed(const std::string& name, const Queue& queue) const {
        const auto pace = paces_.find(name);
        return pace == paces_.end() ? configured(queue) : pace->second.limit(configured(queue));
    }

    // Not now; then somebody comes later.
    bool paused(const std::string& name, Queue& queue) {
        const auto pace = paces_.find(name);
        if (pace == paces_.end() || !later_) {
            return false;
        }
        const auto at = Clock::now();
        const auto from = pace->second.not_before(queue.terms);
        if (from <= at) {
            return false;
        }
        if (!queue.called_later) {
            queue.called_later = true;
            later_(std::chrono::ceil<Duration>(from - at), [weak = weak_from_this(), name] {
                if (const auto table = weak.lock()) {
                    table->come_back(name);
                }
            });
        }
        return true;
    }

    void come_back(const std::string& name) {
        std::vector<std::shared_ptr<Waiter>> ready;
        {
            const std::scoped_lock lock(mutex_);
            if (const auto found = queues_.find(name); found != queues_.end()) {
                found->second.called_later = false;
            }
            ready = grant();
        }
        resume(ready);
    }

    void begin(const std::string& name, const Queue& queue) {
        if (queue.terms.messages > 0 && (paces_.size() < kPacesMax || paces_.contains(name))) {
            paces_[name].began(queue.terms, Clock::now());
        }
    }

    void forget_if_idle(Queues::iterator at) {
        if (at != queues_.end() && at->second.active.size() == 0 && at->second.waiting.empty()) {
            const auto pace = paces_.find(at->first);
            if (pace != paces_.end() && pace->second.idle(Clock::now())) {
                paces_.erase(pace);
            }
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
    const Later later_;
    Queues queues_;
    std::map<std::string, Pace> paces_;
    Active active_;
    bool closed_ = false;
};

}  // namespace

std::shared_ptr<Slots> Slots::make(Limits limits, Later later) {
    return std::make_shared<Table>(limits, std::move(later));
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

#include "net/lookups.h"

#include "base/ip.h"
#include "base/result.h"
#include "net/resolver.h"
#include "net/task.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace sekisho::net {

namespace asio = boost::asio;

struct Together::Round {
    explicit Round(const Executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    std::size_t running = 0;
};

Together::Together(Executor executor)
    : executor_(std::move(executor)), round_(std::make_shared<Round>(executor_)) {}

Task<void> Together::run(std::shared_ptr<Round> round, Task<void> task) {
    // Also when an exception ends it.
    struct Ended {
        explicit Ended(Round& of) : round(of) {}
        Ended(const Ended&) = delete;
        Ended& operator=(const Ended&) = delete;
        ~Ended() {
            if (--round.running == 0) {
                round.timer.cancel();
            }
        }
        Round& round;
    };
    const Ended ended(*round);
    co_await std::move(task);
}

void Together::add(Task<void> task, std::string what) {
    ++round_->running;
    spawn(executor_, run(round_, std::move(task)), std::move(what));
}

Task<bool> Together::wait(std::chrono::steady_clock::time_point deadline) {
    const std::shared_ptr<Round> round = std::exchange(round_, std::make_shared<Round>(executor_));
    if (round->running > 0) {
        round->timer.expires_at(deadline);
        auto token = asio::as_tuple(asio::use_awaitable);
        co_await round->timer.async_wait(token);
    }
    co_return round->running == 0;
}

Task<void> Together::wait() {
    const bool all = co_await wait(std::chrono::steady_clock::time_point::max());
    static_cast<void>(all);
}

Lookups::Lookups(
    Resolver* resolver, Executor executor, std::chrono::steady_clock::time_point deadline
)
    : resolver_(resolver),
      together_(std::move(executor)),
      deadline_(deadline),
      open_(std::make_shared<bool>(true)) {}

template <class T>
void Lookups::add(Task<Result<Answer<T>>> task, Then<T> then) {
    auto run = [](std::shared_ptr<bool> open, Task<Result<Answer<T>>> question, Then<T> tell
               ) -> Task<void> {
        Result<Answer<T>> answer = co_await std::move(question);
        if (*open) {
            tell(std::move(answer));
        }
    };
    together_.add(run(open_, std::move(task), std::move(then)), "look-up");
}

void Lookups::txt(std::string name, Then<std::string> then) {
    add<std::string>(resolver_->txt(std::move(name)), std::move(then));
}
void Lookups::ptr(const IpAddress& address, Then<std::string> then) {
    add<std::string>(resolver_->ptr(address), std::move(then));
}
void Lookups::mx(std::string domain, Then<Mx> then) {
    add<Mx>(resolver_->mx(std::move(domain)), std::move(then));
}
void Lookups::addresses(std::string host, bool v4, bool v6, Then<IpAddress> then) {
    add<IpAddress>(resolver_->addresses(std::move(host), v4, v6), std::move(then));
}

Task<void> Lookups::wait() {
    const bool all = co_await together_.wait(deadline_);
    static_cast<void>(all);
    *std::exchange(open_, std::make_shared<bool>(true)) = false;
}

}  // namespace sekisho::net

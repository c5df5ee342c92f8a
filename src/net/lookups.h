// DNS look-ups in rounds: those of a round run at once, and one deadline bounds all of them.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "net/resolver.h"
#include "net/task.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace sekisho::net {

// Tasks that run at once, on the executor of who waits for them.
class Together {
  public:
    explicit Together(Executor executor);

    void add(Task<void> task, std::string what);
    // Until all that were added have ended, or until the deadline. True: all of them have.
    Task<bool> wait(std::chrono::steady_clock::time_point deadline);
    // Until all have ended.
    Task<void> wait();

  private:
    struct Round;
    static Task<void> run(std::shared_ptr<Round> round, Task<void> task);

    Executor executor_;
    std::shared_ptr<Round> round_;
};

class Lookups {
  public:
    // Used on `executor` only, by one task at a time.
    Lookups(Resolver* resolver, Executor executor, std::chrono::steady_clock::time_point deadline);

    // Each begins at once; `then` is called on the executor before wait() returns, or never: what
    // comes too late is dropped.
    template <class T>
    using Then = std::function<void(Result<Answer<T>>)>;
    void txt(std::string name, Then<std::string> then);
    void ptr(const IpAddress& address, Then<std::string> then);
    void mx(std::string domain, Then<Mx> then);
    void addresses(std::string host, bool v4, bool v6, Then<IpAddress> then);

    // The end of a round.
    Task<void> wait();

  private:
    template <class T>
    void add(Task<Result<Answer<T>>> task, Then<T> then);

    Resolver* resolver_;
    Together together_;
    std::chrono::steady_clock::time_point deadline_;
    std::shared_ptr<bool> open_;  // of the round: what comes is still wanted
};

}  // namespace sekisho::net

#include "net/server.h"

#include "base/log.h"
#include "base/time.h"
#include "net/task.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

void ignore_sigpipe() {
    struct sigaction current{};
    if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
        struct sigaction ignore{};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, nullptr);
    }
}

// A loop that can be emptied before it is destroyed.
class Loop final : public asio::io_context {
  public:
    Loop() : asio::io_context(1) {}  // one thread; others only post
    // Destroys the tasks that wait here.
    void empty() { shutdown(); }
};

class ThreadLoops final : public Loops {
  public:
    explicit ThreadLoops(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            contexts_.push_back(std::make_unique<Loop>());
            guards_.emplace_back(contexts_.back()->get_executor());
        }
    }
    ThreadLoops(const ThreadLoops&) = delete;
    ThreadLoops& operator=(const ThreadLoops&) = delete;
    // A task that is destroyed may hold the handlers of another loop's task, which are destroyed
    // through that loop: so all are emptied while all exist, and again for what came of it.
    ~ThreadLoops() override {
        halt();
        constexpr int rounds = 3;
        for (int i = 0; i < rounds; ++i) {
            for (auto& context : contexts_) {
                context->empty();
            }
        }
    }

    [[nodiscard]] Executor executor(std::size_t index) override {
        return contexts_.at(index % contexts_.size())->get_executor();
    }
    [[nodiscard]] std::size_t size() const override { return contexts_.size(); }

    void run() override {
        for (auto& context : contexts_) {
            threads_.emplace_back([loop = context.get()] { turn(*loop); });
        }
    }
    void stop() override { halt(); }

  private:
    using Guard = asio::executor_work_guard<asio::io_context::executor_type>;

    static void turn(Loop& loop) {
        while (!loop.stopped()) {
            try {
                loop.run();
            } catch (const std::exception& error) {
                // Tasks catch their own; this is a handler of ours that mustn't throw.
                log::error(
                    "NET_HANDLER_FAILED",
                    "a handler ended with an exception",
                    {{"error", error.what()}}
                );
            }
        }
    }

    void halt() {
        for (auto& context : contexts_) {
            context->stop();
        }
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

    std::vector<std::unique_ptr<Loop>> contexts_;
    std::vector<Guard> guards_;
    std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Loops> Loops::make(unsigned count) {
    ignore_sigpipe();
    const unsigned wanted = count == 0 ? std::thread::hardware_concurrency() : count;
    return std::make_unique<ThreadLoops>(std::max(wanted, 1U));
}

Task<void> sleep_for(Executor executor, Duration duration) {
    asio::steady_timer timer(std::move(executor), duration);
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace sekisho::net
